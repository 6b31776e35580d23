"""What the page says, as plain values: state word, sentence, ladder, tiles, evidence, history, and what a rollback would do.

Everything is derived from the signed entries; the remembered decision only adds figures, and only where it was taken on them.
Add here what a reader must see; how it looks is in `templates/`, what is read from where in `ratchet/stores/rollout_sight.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ratchet import ledger_entry as act
from ratchet.guardrails import measure_guardrails
from ratchet.ledger_entry import Entry
from ratchet.ledger_head import Head
from ratchet.policy import PromotionPolicy
from ratchet.promotion import name_state
from ratchet.rollout_page.ladder import Rung, build_ladder
from ratchet.rollout_page.remembered import Remembered
from ratchet.rollout_page.tiles import Tile, is_failing, lay_tiles
from ratchet.shadow import Evidence
from ratchet.standing import Standing, stand

HISTORY_AT_MOST = 50
SHOWN = 12
FAILING = "Guardrail failing"
_TONES = {"Released": ("passed", "✓"), "Rolled back": ("blocked", "↩"), FAILING: ("blocked", "✕"), "No data": ("open", "?")}
_BY_PEOPLE = {act.PROMOTE: "Promoted", act.HOLD: "Held", act.RESUME: "Resumed"}


@dataclass(frozen=True)
class Row:
    """One entry of the history. `source` and `target` are empty where nobody's answers changed."""

    sequence: int
    at: str
    who: str
    action: str
    source: str
    target: str
    said: str


@dataclass(frozen=True)
class Count:
    """One figure of the evidence, and how many it takes; empty where none is asked."""

    name: str
    counted: str
    least: str = ""


@dataclass(frozen=True)
class Return:
    """What a rollback would do: who answers then, and who is taken away."""

    target: str
    gone: str
    of_challenger: bool


@dataclass(frozen=True)
class View:
    """The page of one classifier, before it is drawn."""

    classifier: str
    state: str
    tone: str
    sign: str
    sentence: str
    weighed: str
    """When the figures were taken, and whether something was decided since."""
    live: str
    since: str
    dwell: str
    rungs: tuple[Rung, ...]
    tiles: tuple[Tile, ...]
    counts: tuple[Count, ...]
    rows: tuple[Row, ...]
    older: int
    back: Return | None
    head: Head
    other: str = ""
    other_said: str = ""
    """The adapter that is compared with live, and what it does meanwhile."""


def view_rollout(
    classifier: str, policy: PromotionPolicy, entries: Sequence[Entry], remembered: Remembered | None, now: datetime
) -> View:
    """The page after `entries`. Figures that were taken on other entries than the newest, or just before it, are not shown."""
    standing = stand(entries)
    fresh, led = _is_of(remembered, standing)
    said = remembered if fresh or led else None
    state = _name_state(standing, said if fresh else None)
    tone, sign = _TONES.get(state) or (("open", "‖") if state.startswith("Held") else ("first", "▶"))
    measured = said.guardrails if said and said.guardrails else measure_guardrails(policy, Evidence(), Evidence())
    compared, moved = standing.compared, standing.moved
    view = View(
        classifier=classifier,
        state=state,
        tone=tone,
        sign=sign,
        sentence=said.sentence if said and fresh else _say_newest(standing),
        weighed=_say_when(remembered, fresh, led),
        live=(standing.live or "")[:SHOWN],
        since=write_time(moved.ts) if moved else "",
        dwell=_say_dwell(policy, standing, now),
        rungs=build_ladder(policy, entries, standing),
        tiles=lay_tiles(measured),
        counts=_count(policy, said, standing),
        rows=tuple(_row(entry) for entry in reversed(entries[-HISTORY_AT_MOST:])),
        older=max(0, len(entries) - HISTORY_AT_MOST),
        back=_back(standing),
        head=standing.head,
    )
    if compared is None:
        return view
    if standing.challenger is not None:
        return replace(view, other=compared[1][:SHOWN], other_said=f"{standing.percent} % of users; shadows the others")
    return replace(view, other=compared[0][:SHOWN], other_said="the former live adapter, watches and can take over again")


def write_time(ts: str) -> str:
    """`2026-03-02 12:00 UTC` for an RFC 3339 time; what is none stands as it is."""
    try:
        return f"{datetime.fromisoformat(ts).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError):
        return ts


def _is_of(remembered: Remembered | None, standing: Standing) -> tuple[bool, bool]:
    """Whether the decision was taken on the newest entry; else whether it led to it."""
    if remembered is None or standing.newest is None:
        return False, False
    fresh = remembered.sequence == standing.head.sequence
    return fresh, not fresh and remembered.sequence + 1 == standing.head.sequence and remembered.sentence == standing.newest.why


def _name_state(standing: Standing, said: Remembered | None) -> str:
    if said is None or standing.compared is None:
        return name_state(standing)
    return FAILING if any(map(is_failing, said.guardrails)) else said.state


def _say_newest(standing: Standing) -> str:
    entry = standing.newest
    if entry is None:
        return "No adapter was promoted yet."
    by_hand = entry.action in _BY_PEOPLE and (entry.action != act.PROMOTE or bool(entry.receipts))
    return f"{_BY_PEOPLE[entry.action]} by {entry.actor}: {entry.why}" if by_hand else entry.why


def _say_when(remembered: Remembered | None, fresh: bool, led: bool) -> str:
    if remembered is None:
        return "The evidence was not weighed yet."
    at = write_time(remembered.at)
    if fresh:
        return f"Weighed {at}."
    return f"Weighed {at}; the newest entry followed from it." if led else f"Weighed {at}, before the newest entry: not shown."


def _say_dwell(policy: PromotionPolicy, standing: Standing, now: datetime) -> str:
    if standing.compared is None or standing.moved is None:
        return ""
    try:
        minutes = max(0.0, (now - datetime.fromisoformat(standing.moved.ts)).total_seconds() / 60)
    except (ValueError, TypeError):
        return ""
    return f"{minutes:.0f} min at this step; at least {policy.dwell_minutes:g} at each"


def _count(policy: PromotionPolicy, said: Remembered | None, standing: Standing) -> tuple[Count, ...]:
    whole, step = (said.count("whole"), said.count("step")) if said else (None, None)
    if whole is None or step is None:
        return ()
    shared = (
        Count("Compared requests", f"{whole.requests:,}", f"{policy.min_requests:,}"),
        Count("Labelled requests", f"{whole.labelled:,}", f"{policy.min_labels:,}"),
        Count("Compared since the last move", f"{step.requests:,}", f"{policy.min_step_requests:,}"),
        Count("Right by the incumbent alone", f"{whole.only_incumbent:,}"),
        Count("Right by the challenger alone", f"{whole.only_challenger:,}"),
    )
    return (*shared, Count("Answered by the candidate since the last move", f"{step.answered:,}", "1")) if standing.percent else shared


def _row(entry: Entry) -> Row:
    same = entry.previous_adapter == entry.adapter
    source = "" if same else (entry.previous_adapter or "none")[:SHOWN]
    action = f"{entry.action} {entry.percent} %" if entry.action == act.STEP else entry.action
    return Row(entry.sequence, write_time(entry.ts), entry.actor, action, source, "" if same else entry.adapter[:SHOWN], entry.why)


def _back(standing: Standing) -> Return | None:
    gone, target = standing.challenger or standing.live, standing.refuge
    if gone is None or target is None:
        return None
    return Return(target[:SHOWN], gone[:SHOWN], standing.challenger is not None)
