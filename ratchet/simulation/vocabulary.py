"""Vocabulary of form events: the fields of a form, the information parts of its page, and the complaints.

A `Vocabulary` draws names; most are put together from parts, so there are tens of thousands. `split` parts it into two
that share no kind of form, no word of an offer and no name: what one learns with the one is tested with the other. Add
kinds of forms in `form_kinds.py` and parts in `name_parts.py`. No name belongs to one class: `form_visits.py` draws
names, and the behaviour of each class uses them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from random import Random
from typing import Any

from ratchet.simulation import name_parts as parts
from ratchet.simulation.form_kinds import FORM_KINDS

Words = tuple[str, ...]


@dataclass(frozen=True)
class Vocabulary:
    """Words from which the names of forms and pages are drawn."""

    kinds: Words = tuple(FORM_KINDS)
    owners: Words = parts.OWNERS
    attributes: Words = parts.ATTRIBUTES
    offer: Words = parts.OFFER
    conditions: Words = parts.CONDITIONS
    aspects: Words = parts.ASPECTS
    condition_aspects: Words = parts.CONDITION_ASPECTS
    scopes: Words = parts.SCOPES
    choices: Words = parts.CHOICES
    page_parts: Words = parts.PAGE_PARTS
    condition_parts: Words = parts.CONDITION_PARTS
    reasons: Words = parts.REASONS
    never: frozenset[str] = frozenset()
    """Names that are not drawn, since the other half of a split has them."""

    def split(self, seed: str, share: float = 0.3) -> tuple["Vocabulary", "Vocabulary"]:
        """Return two vocabularies without a common word; the second has `share` of each kind of word."""
        random = Random(f"vocabulary/{seed}")  # noqa: S311 (must be repeatable, not secret)
        first: dict[str, Any] = {}
        second: dict[str, Any] = {}
        for name in (field.name for field in fields(self) if field.name != "never"):
            words = getattr(self, name)
            held = set(random.sample(words, max(2, round(share * len(words)))))
            first[name] = tuple(word for word in words if word not in held)
            second[name] = tuple(word for word in words if word in held)
        halves = replace(self, **first), replace(self, **second)
        listed = [half.listed for half in halves]
        return replace(halves[0], never=listed[1] - listed[0]), replace(halves[1], never=listed[0])

    @property
    def listed(self) -> frozenset[str]:
        """Names that stand in a list, and are not put together."""
        fields = {name for kind in self.kinds for name in FORM_KINDS[kind]}
        return frozenset(
            fields.union(self.attributes, self.offer, self.conditions, self.page_parts, self.condition_parts)
        )

    def form(self, random: Random, kind: str) -> list[str]:
        """Return the fields of a form of `kind` in order: some of its own, and some that any form may have."""
        own = [name for name in FORM_KINDS[kind] if name not in self.never]
        chosen = [name for name in own if random.random() < 0.6]
        if len(chosen) < 4:
            chosen = list(own)
        for _ in range(random.choice((0, 0, 1, 2, 3))):
            block = self._block(random)
            place = random.randint(0, len(chosen))
            chosen[place:place] = block
        while len({*chosen} - self.never) < 5:
            chosen += self._block(random)
        return [name for name in dict.fromkeys(chosen) if name not in self.never]

    def information(self, random: Random, count: int, conditions: float = 0.2) -> list[str]:
        """Return `count` different information parts; a share `conditions` of them says what one agrees to.

        The parts of one page are alike: most of them are about few subjects, in a page's own way to name its parts.
        """
        subjects = random.sample(self.offer, min(len(self.offer), max(1, random.randint((count + 1) // 2, count))))
        plain, scoped, aspect = random.random(), random.random(), random.choice(self.aspects)
        found: dict[str, None] = {}
        while len(found) < count:
            if random.random() < conditions:
                name = self._condition(random)
            elif random.random() < (0.9 if plain < 0.4 else 0.15):
                name = random.choice(self.page_parts)
            else:
                subject = random.choice(subjects)
                scope = f"{random.choice(self.scopes)}_" if random.random() < (0.6 if scoped < 0.3 else 0.1) else ""
                if random.random() < 0.5:
                    aspect = random.choice(self.aspects)
                bare = random.random() < 0.12 and not scope
                name = subject if bare else f"{scope}{subject}_{aspect}"
            if name not in self.never:
                found[name] = None
        return list(found)

    def choice_fields(self, random: Random, count: int) -> list[str]:
        """Return `count` fields in which one chooses an offer, for instance `plan_tier`."""
        found: dict[str, None] = {}
        while len(found) < count:
            name = f"{random.choice(self.offer)}_{random.choice(self.choices)}"
            if name not in self.never:
                found[name] = None
        return list(found)

    def _condition(self, random: Random) -> str:
        if random.random() < 0.4:
            return random.choice(self.condition_parts)
        subject = random.choice(self.conditions)
        return subject if random.random() < 0.15 else f"{subject}_{random.choice(self.condition_aspects)}"

    def _block(self, random: Random) -> list[str]:
        """Return one to five fields that stand together: an address, a second person, the choice of an offer."""
        way = random.random()
        if way < 0.2:
            return self.choice_fields(random, random.randint(1, 2))
        start = random.randrange(len(self.attributes))
        names: Sequence[str] = self.attributes[start : start + random.randint(1, 5)]
        if way < 0.7:
            owner = random.choice(self.owners)
            return [f"{owner}_{name}" for name in names]
        return [f"{name}_{random.randint(1, 3)}" for name in names] if way < 0.75 else list(names)


WHOLE = Vocabulary()
"""Every word that the simulator knows."""
KINDS = WHOLE.kinds
"""Kinds of forms, in the order in which a drift moves from the first to the last."""
