"""Error budget of a year: the probability of a false promotion that rollouts and overrides have spent in 52 weeks.

Derived from the signed ledger alone, so that no counter can be lost or edited. Add here another entry that spends a
share; what holds when all is spent is in `entrance.py`, and a promotion by hand in
`ratchet/workflows/rollout/nominate.py`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from ratchet.config.policy import PromotionPolicy
from ratchet.core.errors import RatchetError
from ratchet.rollout import ledger_entry as act
from ratchet.rollout.ledger_entry import Entry
from ratchet.rollout.sealed_policy import read_policy
from ratchet.rollout.state import RolloutState, apply_entry

YEAR = timedelta(weeks=52)
_TEST = ("margin", "alpha_year", "cycles_per_year", "ripe_hours")
"""Settings of the test: another value while a candidate is compared is a second test on the same evidence."""
_ROUNDING = 1e-9
ChargeKind = Literal["rollout", "override", "policy"]


@dataclass(frozen=True)
class Charge:
    """One entry of the ledger that spent a share of the year's error."""

    entry: Entry
    kind: ChargeKind
    share: float


@dataclass(frozen=True)
class ErrorBudget:
    """Charges of the last 52 weeks, oldest first, against the error that a year may have."""

    charges: tuple[Charge, ...]
    limit: float
    """`alpha_year`, as a share."""
    price: float
    """Share that the next rollout costs: `alpha_year / cycles_per_year`."""

    @property
    def spent(self) -> float:
        """The share that is spent, also beyond the limit, to which overrides may take it."""
        return sum(charge.share for charge in self.charges)

    @property
    def is_exceeded(self) -> bool:
        """True where more is spent than a year may have."""
        return self.spent > self.limit + _ROUNDING

    @property
    def has_room(self) -> bool:
        """True where one more rollout stays within the limit."""
        return self.spent + self.price <= self.limit + _ROUNDING

    @property
    def free_on(self) -> datetime | None:
        """Time at which enough old charges have left the 52 weeks for another rollout; None where it has room now."""
        left = self.spent
        for charge in self.charges:
            if left + self.price <= self.limit + _ROUNDING:
                return None
            left -= charge.share
            if left + self.price <= self.limit + _ROUNDING:
                return _time_of(charge.entry) + YEAR
        return None

    @property
    def sentence(self) -> str:
        """The budget in words: `this year 0.9 of 5 % spent`, with the overrides where there are any."""
        overrides = self.count("override")
        named = f", {overrides} override{'' if overrides == 1 else 's'} among it" if overrides else ""
        return f"this year {100 * self.spent:.1f} of {100 * self.limit:g} % spent{named}"

    @property
    def held(self) -> str:
        """The reason why no rollout enters, in words; empty where there is room for one."""
        if self.has_room:
            return ""
        counts = f"{self.count('rollout')} rollouts and {self.count('override')} overrides in 52 weeks"
        after = f"; the next may enter on {self.free_on:%Y-%m-%d}" if self.free_on else ""
        return f"the error of false promotions that a year may have is spent ({self.sentence}: {counts}){after}"

    def count(self, kind: str) -> int:
        """Return the number of charges of one kind."""
        return sum(charge.kind == kind for charge in self.charges)

    def as_json(self) -> dict[str, Any]:
        """Return JSON types for `ratchet status`."""
        return {
            "spent": self.spent,
            "limit": self.limit,
            "price": self.price,
            "rollouts": self.count("rollout"),
            "overrides": self.count("override"),
            "policies": self.count("policy"),
            "sentence": self.sentence,
            "held": self.held,
        }


def read_budget(entries: Sequence[Entry], policy: PromotionPolicy, now: datetime) -> ErrorBudget:
    """Return the budget at `now` (aware) under `policy`, the one in force.

    Each charge has the price of the policy that was sealed when it was made; where that was sealed before these
    settings, of `policy`. What entered before requests were drawn as evidence was decided by another rule, whose error
    nobody stated: it is not charged.
    """
    price = _price_of(policy)
    recent = [
        Charge(entry, kind, price if paid is None else paid)
        for entry, kind, paid in _list_charges(entries)
        if _time_of(entry) > now - YEAR
    ]
    return ErrorBudget(tuple(recent), policy.alpha_year, price)


def is_override(before: RolloutState, entry: Entry) -> bool:
    """Return True where `entry`, after the state `before`, makes live what no evidence proved to be not worse.

    The first adapter of a classifier replaces nothing. A candidate on a step was proven when it took the first one,
    and the last step of a ladder has no receipts of its own. A rollback returns to what was live.
    """
    if entry.action != act.PROMOTE or before.live is None:
        return False
    return before.challenger != entry.adapter or (before.percent == 0 and bool(entry.receipts))


def need_name_and_reason(before: RolloutState, entry: Entry) -> None:
    """Raise `RatchetError` for an override without the name of who decides, or without a reason."""
    if not is_override(before, entry):
        return
    if not entry.why.strip():
        raise RatchetError(
            f"nothing proves adapter {entry.adapter[:12]}: an override needs a reason.", "Add --why TEXT.",
            code="no_reason",
        )  # fmt: skip
    if not entry.actor.strip() or entry.actor.startswith("uid "):
        raise RatchetError(
            f"nothing proves adapter {entry.adapter[:12]}: an override needs the name of who decides.",
            "Say who decides: --by NAME.",
            code="no_name",
        )


def _list_charges(entries: Sequence[Entry]) -> Iterator[tuple[Entry, ChargeKind, float | None]]:
    """Yield what was charged, of all years, each with its price; None where no sealed policy named one."""
    state, sealed, price, begun = RolloutState(), dict[str, Any](), None, False
    for entry in entries:
        before, state, begun = state, apply_entry(state, entry), begun or bool(entry.stream)
        changed = False
        if entry.policy:
            named = entry.policy.get("promotion") or {}
            changed = bool(sealed) and any(named.get(key) != sealed.get(key) for key in _TEST)
            sealed, price = named, _sealed_price(entry)
        if not begun:
            continue
        if entry.action == act.SHADOW:
            yield entry, "rollout", price
        elif is_override(before, entry):
            yield entry, "override", price
        elif entry.action == act.POLICY and changed and before.challenger and not before.percent:
            yield entry, "policy", price


def _sealed_price(entry: Entry) -> float | None:
    if "alpha_year" not in entry.policy.get("promotion", {}):
        return None
    try:
        policy = read_policy(entry)
    except RatchetError:
        return None
    return None if policy is None else _price_of(policy.promotion)


def _price_of(policy: PromotionPolicy) -> float:
    return policy.alpha_year / policy.cycles_per_year


def _time_of(entry: Entry) -> datetime:
    """Return the entry's time; one that cannot be read stays charged for ever."""
    try:
        found = datetime.fromisoformat(entry.ts)
    except ValueError:
        return datetime(9000, 1, 1, tzinfo=UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
