"""`ratchet gates`: what each gate blocked, which of those weeks were released later, and how their candidates did.

Add here another figure of the record. Verdicts are read from `gate_history.jsonl`, and for weeks of before from their
receipts; releases from the quarantine; candidates from the ledger.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ratchet.core.cycle import Cycle, parse_week
from ratchet.core.errors import RatchetError
from ratchet.gates.quarantine import UNQUARANTINE
from ratchet.gates.registry import GATES
from ratchet.rollout.state import state_after
from ratchet.storage.gate_history import GateHistory, GateLine
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.rollout.quarantine import Quarantine
from ratchet.storage.run_history import candidates, run_weeks, try_run
from ratchet.workflows.candidate_fate import Fate, find_fate


@dataclass(frozen=True)
class Block:
    """One week that a gate blocked, until it was released."""

    gate: str
    week: str
    at: str
    reason: str
    released: str = ""
    """Time at which the gate passed on the week, or a person released it; empty while it is blocked."""
    by: str = ""
    """`gate` or `person`; empty while it is blocked."""
    days_lost: float = 0.0
    """Days from the block until the week was released or a later week's cycle passed, whichever came first."""
    candidate: str = ""
    """Candidate that the week made once it was released."""
    fate: Fate = field(default_factory=lambda: Fate("none"))

    def as_json(self) -> dict[str, Any]:
        """Return JSON types."""
        return {**asdict(self), "fate": self.fate.word, "fate_sentence": self.fate.sentence}


@dataclass(frozen=True)
class GateRecord:
    """Blocks since a day, and how many verdicts each gate gave since."""

    since: date
    blocks: tuple[Block, ...]
    verdicts: Mapping[str, int]

    def rows(self) -> list[dict[str, Any]]:
        """Return one row for each gate that gave a verdict, in the order of a cycle."""
        found = []
        for gate in [*GATES, *sorted(self.verdicts.keys() - set(GATES))]:
            blocks = [block for block in self.blocks if block.gate == gate]
            if not blocks and not self.verdicts.get(gate):
                continue
            words = [block.fate.word for block in blocks if block.released]
            found.append(
                {
                    "gate": gate,
                    "verdicts": self.verdicts.get(gate, 0),
                    "blocked": len(blocks),
                    "released": len(words),
                    "promoted later": sum(word in {"live", "promoted"} for word in words),
                    "rolled back later": sum(word in {"rolled back", "rejected"} for word in words),
                    "days lost": round(sum(block.days_lost for block in blocks), 1),
                }
            )
        return found


def read_record(home: Home, name: str, since: date, now: datetime | None = None) -> GateRecord:
    """Return the record of every gate since a day; raises `RatchetError` for a ledger or quarantine that is broken."""
    now, lines = now or datetime.now(UTC), _read_lines(home, name)
    first = datetime(since.year, since.month, since.day, tzinfo=UTC)
    recent = [line for line in lines if _time(line.ts) >= first]
    entries = Ledger(home).entries(name)
    state, made = state_after(entries), {str(cycle.week): digest for cycle, digest in candidates(home, name)}
    freed = [entry for entry in Quarantine(home).entries(name) if entry.action == UNQUARANTINE]
    by_person = {(entry.week, entry.gate): entry.ts for entry in freed}
    passed = _passed_weeks(home, name)
    blocks = []
    for key in dict.fromkeys((line.week, line.gate) for line in recent):
        mine = [line for line in recent if (line.week, line.gate) == key]
        for line, release, by in _spans(mine, by_person.get(key, "")):
            begun = _time(line.ts)
            newer = [at for week, at in passed if week > line.week and at >= begun]
            end = min([_time(release) if release else now, *newer])
            candidate = made.get(line.week, "") if release else ""
            days = max(0.0, (end - begun) / timedelta(days=1))
            fate = find_fate(entries, candidate, state)
            blocks.append(
                Block(line.gate, line.week, line.ts, line.reason, release, by, round(days, 2), candidate, fate)
            )
    counted = {gate: sum(line.gate == gate for line in recent) for gate in {line.gate for line in recent}}
    return GateRecord(since, tuple(sorted(blocks, key=lambda block: (block.at, block.gate))), counted)


def _spans(lines: Sequence[GateLine], by_person: str) -> Iterator[tuple[GateLine, str, str]]:
    """Yield each block of one gate on one week with its release, which is empty while it lasts."""
    begun: GateLine | None = None
    for line in lines:
        if line.outcome == "failed":
            begun = begun or line
        elif begun is not None:
            yield begun, line.ts, "gate"
            begun = None
    if begun is not None:
        freed = by_person if by_person and _time(by_person) >= _time(begun.ts) else ""
        yield begun, freed, "person" if freed else ""


def _read_lines(home: Home, name: str) -> list[GateLine]:
    """Return the history, and before it the receipts of weeks that ran before it was kept."""
    lines, receipts = GateHistory(home).read(name), Receipts(home)
    known = {(line.week, line.gate) for line in lines}
    former = []
    for week in reversed(receipts.weeks(name)):
        cycle = Cycle(name, parse_week(week))
        ts = _run_time(home, cycle)
        for gate in GATES:
            if (week, gate) in known or not ts:
                continue
            try:
                receipt = receipts.read_gate(cycle, gate)
            except RatchetError:  # damaged: 'ratchet verify' names it
                continue
            if receipt is not None:
                former.append(GateLine(ts, week, gate, receipt.verdict.outcome, receipt.verdict.reason, receipt.digest))
    return [*former, *lines]


def _passed_weeks(home: Home, name: str) -> list[tuple[str, datetime]]:
    """Return the weeks whose newest run passed every stage, and when."""
    found = []
    for week in run_weeks(home, name):
        try:
            cycle = Cycle(name, parse_week(week))
        except RatchetError:  # a folder that somebody put there
            continue
        run = try_run(home, cycle) or {"results": []}
        statuses = {stage["status"] for stage in run["results"]}
        if "pass" in statuses and not statuses & {"blocked", "error"} and (ts := _run_time(home, cycle)):
            found.append((week, _time(ts)))
    return found


def _run_time(home: Home, cycle: Cycle) -> str:
    run = try_run(home, cycle)
    return str(run["metadata"]["generated_at"]) if run else ""


def _time(ts: str) -> datetime:
    at = datetime.fromisoformat(ts)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
