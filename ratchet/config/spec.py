"""Specification of one classifier, `classifier.toml`, as frozen values that reject contradictions.

Add a setting here, with its default, unit and the error for a wrong value; limits of the gates belong in `policy.py`,
settings of training in `candidate.py`. `ratchet/storage/specs.py` reads the file and reports unknown keys.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from typing import Any, ClassVar, Literal

from ratchet.config.action import ActionLimit
from ratchet.config.candidate import Candidate
from ratchet.config.evaluation import Evaluation
from ratchet.config.frontier import Frontier
from ratchet.config.machine import Machine
from ratchet.config.people import People, persons_by_name
from ratchet.config.policy import ExportPolicy, Limits, PromotionPolicy
from ratchet.config.prompt import PromptPolicy, make_prompt
from ratchet.config.publish import PublishPolicy
from ratchet.config.receipts import ReceiptPolicy
from ratchet.config.review import ReviewPolicy
from ratchet.config.slices import Slices
from ratchet.config.spec_digest import digest_as_former, digest_read, keep_set, settings_at
from ratchet.config.target import Target
from ratchet.config.validation import STRICT, bad_spec, need_at_least, need_share
from ratchet.config.window import Window
from ratchet.core.digests import digest_json
from ratchet.core.names import NAME, nearest

_DECIDES_NOTHING = frozenset({"evaluation", "export", "frontier", "machine", "people", "publish", "receipts", "review"})
"""Tables that do not affect how an adapter is trained and judged."""
_LATER = frozenset({"target", "action"})
"""Tables that no digest holds while they are empty."""
_READ_BY_NO_STEP = frozenset({"description", "cost_review", "promotion"})
"""Settings of what happens to an adapter that passed; the rollout seals them (`ratchet/rollout/sealed_policy.py`)."""


@dataclass(frozen=True)
class Label:
    """One label of the classifier, and the action that it triggers."""

    __pydantic_config__ = STRICT

    name: str
    description: str = ""
    action: str = "review"
    stakes: Literal["low", "medium", "high"] = "low"
    threshold: float = 0.5
    """Calibrated confidence, 0..1, from which on the action is taken; below it the answer's action is `review`, which
    is yours to act on."""
    cost_wrong: float = 1.0
    """Cost of acting wrongly on this label, in the unit of `cost_review`."""

    def __post_init__(self) -> None:
        if not self.name.strip() or len(self.name) > 100 or not self.name.isprintable():
            raise bad_spec(f"label name {self.name[:40]!r} is not allowed.", "Use 1 to 100 printable characters.")
        if self.name != self.name.strip():
            raise bad_spec(
                f"label name {self.name!r} begins or ends with a space.", f"Write it as {self.name.strip()!r}."
            )
        need_share(f"threshold of label {self.name!r}", self.threshold)
        need_at_least(f"cost_wrong of label {self.name!r}", self.cost_wrong, 0)


@dataclass(frozen=True)
class Spec:
    """One classification task: labels, limits, candidates. `name` is the folder's name."""

    __pydantic_config__ = STRICT

    name: str
    label: tuple[Label, ...]
    description: str = ""
    cost_review: float = 0.25
    """Cost of one review by a person; the unit of every cost."""
    max_text_chars: int = 65_536
    window: Window = field(default_factory=Window)
    limits: Limits = field(default_factory=Limits)
    promotion: PromotionPolicy = field(default_factory=PromotionPolicy)
    slices: Slices = field(default_factory=Slices)
    """Parts of the items within which a candidate is compared with live."""
    candidate: tuple[Candidate, ...] = (Candidate(),)
    prompt: PromptPolicy = field(default_factory=PromptPolicy)
    target: tuple[Target, ...] = ()
    """Deployment targets, at most two; none stands for the gateway of this home, `in_process`."""
    machine: Machine = field(default_factory=Machine)
    """Power and price of the machine that trains; not part of the digest, since it decides nothing."""
    publish: PublishPolicy = field(default_factory=PublishPolicy)
    evaluation: Evaluation = field(default_factory=Evaluation)
    frontier: Frontier | None = None
    """Large model to compare with; without this table none is used."""
    export: ExportPolicy = field(default_factory=ExportPolicy)
    action: tuple[ActionLimit, ...] = ()
    """Actions that promise a largest share of wrong cases."""
    people: People = field(default_factory=dict)
    """Table `[people]`: a person, and their other names and mail addresses. Empty: every annotator is a person."""
    review: ReviewPolicy = field(default_factory=ReviewPolicy)
    """Settings of the review queue; not part of the digest: it decides nothing about a model."""
    receipts: ReceiptPolicy = field(default_factory=ReceiptPolicy)
    """Age up to which receipts let a candidate enter a rollout; not part of the digest."""

    _document: ClassVar[Mapping[str, Any] | None] = None
    """Keys that the file sets, of a spec that was read from one; see `of_file`."""
    _whole: ClassVar["Spec | None"] = None
    """Specification with every label, of one that is narrowed to some of them."""

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise bad_spec(f"name = {self.name!r} is not allowed.", "Use lower-case letters, digits, '_' and '-'.")
        if len(self.label) < 2:
            raise bad_spec(
                f"{len(self.label)} label{'' if len(self.label) == 1 else 's'} {list(self.labels)} are too few.",
                "A classifier needs two labels or more.",
            )
        doubles = sorted({name for name in self.labels if self.labels.count(name) > 1})
        if doubles:
            raise bad_spec(f"label {doubles[0]!r} is listed twice.", "Keep one [[label]] for each name.")
        if not self.candidate:
            raise bad_spec("no [[candidate]] is listed.", "Add one; 'ratchet init' writes a working default.")
        for number, candidate in enumerate(self.candidate, start=1):
            if candidate in self.candidate[: number - 1]:
                raise bad_spec(
                    f"candidate {number} ({candidate.title}) is listed twice.", "Remove one, or change its seed."
                )
        if self.is_prompted:
            make_prompt(self.prompt, self.label)  # raises for more labels than there are codes
        if len(self.target) > 2 or len({target.name for target in self.target}) < len(self.target):
            raise bad_spec(
                f"[[target]] is listed as {', '.join(target.name for target in self.target)}.",
                "Keep two at most, each once: an edge target, and one with log-probabilities.",
            )
        actions = [action.name for action in self.action]
        if twice := sorted({name for name in actions if actions.count(name) > 1}):
            raise bad_spec(f"action {twice[0]!r} is listed twice.", "Keep one [[action]] for each name.")
        persons_by_name(self.people)  # raises for a name that belongs to two people
        need_at_least("cost_review", self.cost_review, 0)
        need_at_least("max_text_chars", self.max_text_chars, 1)

    @property
    def labels(self) -> tuple[str, ...]:
        """Label names in the order of the file, which is the order of logits and probabilities everywhere."""
        return tuple(label.name for label in self.label)

    @property
    def given(self) -> dict[str, Any]:
        """Settings that the file sets, as JSON types; every setting of a specification that no file gave."""
        if self._whole is not None:
            return self._whole.given
        if self._document is None:
            return dict(self.as_json())
        kept: dict[str, Any] = keep_set(_settings(self), self._document)
        return kept

    @property
    def digest(self) -> str:
        """SHA-256 of every setting that the file sets and that a step or a gate of a cycle reads, 64 hex digits.

        A key that a later version adds, or a default that it changes, changes no digest. The prompt counts only when a
        candidate reads it, and a label's description only then; what a label triggers, `[promotion]` and settings for
        the report or the readers of an adapter never do. A spec that no file gave counts with every such setting.
        """
        return digest_read(self.given, self._ignored | _READ_BY_NO_STEP, with_descriptions=self.is_prompted)

    @property
    def file_digest(self) -> str:
        """SHA-256 of what `digest` holds and of all that describes an adapter elsewhere: descriptions, actions, costs.

        Versions before named a specification by it.
        """
        return digest_json({key: value for key, value in self.given.items() if key not in self._ignored})

    @property
    def digests(self) -> frozenset[str]:
        """Digests by which receipts may name this specification: its own, and those of versions before."""
        if self._whole is not None:
            return self._whole.digests
        if self._document is None:
            return frozenset({self.digest, self.file_digest})
        kept = {key: value for key, value in self.as_json().items() if key in {"candidate", "target"}}
        former = digest_as_former(_settings(self), self._document, kept, self._ignored)
        return frozenset({self.digest, self.file_digest, former})

    def given_at(self, paths: Collection[str]) -> dict[str, Any]:
        """Return those settings at `paths` (`table.key`, or a whole table) that the file sets and a cycle reads."""
        return settings_at({key: value for key, value in self.given.items() if key not in self._ignored}, paths)

    def values_at(self, paths: Collection[str]) -> dict[str, Any]:
        """Return the settings at `paths` as they are in force, set or by default."""
        return settings_at({key: value for key, value in self.as_json().items() if key not in self._ignored}, paths)

    @property
    def given_targets(self) -> list[dict[str, Any]]:
        """Keys of each `[[target]]` that the file sets; all of them for a specification that no file gave."""
        given: list[dict[str, Any]] = self.given.get("target", [])
        return given

    def is_given(self, table: str, key: str) -> bool:
        """Return True where the file sets `key` of `table`; always for a specification that no file gave."""
        return self._document is None or key in self._document.get(table, {})

    def of_file(self, document: Mapping[str, Any]) -> "Spec":
        """Return this specification as that of a file which sets the keys of `document`."""
        result = replace(self)
        object.__setattr__(result, "_document", document)
        return result

    def narrowed(self, labels: Collection[str]) -> "Spec":
        """Return this specification with only those of its labels that are in `labels`, under the same digest."""
        result = replace(self, label=tuple(label for label in self.label if label.name in labels))
        object.__setattr__(result, "_whole", self._whole or self)
        return result

    @property
    def _ignored(self) -> frozenset[str]:
        return _DECIDES_NOTHING if self.is_prompted else _DECIDES_NOTHING | {"prompt"}

    @property
    def is_prompted(self) -> bool:
        """True where a candidate reads the prompt."""
        return any(candidate.family == "causal" for candidate in self.candidate)

    def as_json(self) -> dict[str, object]:
        """Return every setting as JSON types.

        `target` and `action` are left out while there is none, so that files older than them keep their digest. Named
        targets are part of it: a candidate judged for one target was not judged for another.
        """
        content = {key: _plain(value) for key, value in asdict(self).items() if key not in _LATER or value}
        targets = {"target": [target.as_json() for target in self.target]} if self.target else {}
        return {**content, **targets, "candidate": [candidate.as_json() for candidate in self.candidate]}

    def need_actions(self) -> None:
        """Raise `RatchetError` for an `[[action]]` that no label has."""
        known = tuple(dict.fromkeys(label.action for label in self.label))
        for action in self.action:
            if action.name not in known:
                raise bad_spec(
                    f"action {action.name!r} is the action of no label (labels have: {', '.join(known)}).",
                    f"{nearest(action.name, known)} Name it in a [[label]], or remove its [[action]].".strip(),
                )

    def check_label(self, label: str, where: str) -> None:
        """Raise `RatchetError` when `label`, found at `where`, is not one of the spec's labels."""
        if label not in self.labels:
            raise bad_spec(
                f"label {label!r} in {where} is not in classifier.toml (has: {', '.join(self.labels)}).",
                f"{nearest(label, self.labels)} Fix the row or add a [[label]] named {label!r}.".strip(),
            )


def _settings(spec: Spec) -> dict[str, Any]:
    return {key: _plain(value) for key, value in asdict(spec).items()}


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value
