"""Facts of one request's history, in the words that a person reads at the terminal and on the page.

Add here the sentence of a stage; the history itself is `request_history.py`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ratchet.review.item import EVIDENCE, RANDOM
from ratchet.review.reasons import CONFLICT, MEANINGS
from ratchet.review.request_history import CycleUse, RequestHistory, Row

_USES = {RANDOM: "may judge", EVIDENCE: "judges the comparison that it was drawn for, and trains"}
_DROPPED = "dropped"
"""Error of a pair whose shadow work was dropped (`ratchet/rollout/evidence/stream.py`)."""
_NO_LABEL = {
    "adjudicate": "none: people disagree; waits for adjudication",
    "left_out": "none: all of its labels are left out of the week",
}


@dataclass(frozen=True)
class Fact:
    """One line that a person reads: a name, and a value in words."""

    name: str
    value: str


@dataclass(frozen=True)
class Section:
    """Facts under one heading, never empty."""

    title: str
    facts: tuple[Fact, ...]


def describe_history(history: RequestHistory) -> tuple[Section, ...]:
    """Return the facts of a request in the order in which they happened, as plain text that is still to be escaped."""
    sections = {
        "Answer": _answer(history),
        "Other adapter": _compared(history),
        "Feedback": (Fact(_when(row), _feedback(row)) for row in history.feedback),
        "Review queue": (Fact(_when(row), _queued(row)) for row in history.queued),
        "Corrections": _corrections(history),
        "Consensus": _consensus(history),
        "Cycles": _cycles(history),
        "Not taken": _not_taken(history),
        "Not looked at": (Fact("note", note) for note in history.notes),
    }
    listed = {title: tuple(facts) for title, facts in sections.items()}
    return tuple(Section(title, facts) for title, facts in listed.items() if facts)


def _answer(history: RequestHistory) -> Iterator[Fact]:
    row = history.request
    if row is None:
        yield Fact("answer", "no row of the request itself was found, only others that name it")
        return
    yield Fact("time", _when(row))
    yield Fact("label", f"{row['label']}{_confidence(row)}")
    if history.text is not None:
        yield Fact("text", history.text)
    if row.get("adapter"):
        slot = f", slot {row['slot']}" if row.get("slot") else ""
        reason = f", flag reason {row['flag_reason']}" if row.get("flag_reason") else ""
        yield Fact("adapter", f"{row['adapter']}{slot}{reason}")
    if row.get("path"):
        yield Fact("path", f"{row['path']} by {row.get('runtime')}")
    if row.get("probabilities"):
        yield Fact("probabilities", _probabilities(row["probabilities"]))
    if row.get("action") or row.get("threshold") is not None:
        limit = f", threshold of the label {row['threshold']:g}" if row.get("threshold") is not None else ""
        yield Fact("action", f"{row.get('action') or 'not recorded'}{limit}")


def _compared(history: RequestHistory) -> Iterator[Fact]:
    for row in history.compared:
        if row.get("other_error") == _DROPPED:
            answer = "no answer: the comparison was dropped under load"
        elif row.get("other_error"):
            answer = f"no answer ({row['other_error']})"
        else:
            agreed = "the same" if row["other_label"] == row["served_label"] else "another label"
            answer = f"{row['other_label']}{_confidence({'confidence': row['other_confidence']})}: {agreed}"
        yield Fact(_when(row), f"adapter {row['other']} answered {answer}")


def _feedback(row: Row) -> str:
    wanted = f", says it is {row['label']}" if row.get("label") else ""
    return f"{row['verdict']}{wanted} (from {row['source']}); never a label"


def _queued(row: Row) -> str:
    parts = [_USES.get(str(row.get("chosen")), "only trains")]
    if row.get("probability") is not None:
        parts.append(f"probability {row['probability']:.3g}")
    if row.get("slot"):
        parts.append(f"answered by {row['slot']}")
    reason = MEANINGS.get(row["reason"], row["reason"])
    more = row.get("detail") if row["reason"] != CONFLICT else ""  # it says the reason once more
    detail = f": {more}" if more else ""
    return f"{reason}{detail} ({', '.join(parts)})"


def _corrections(history: RequestHistory) -> Iterator[Fact]:
    for row in history.corrections:
        given = row["label"] if row.get("label") is not None else f"no label: {row.get('answer')}"
        given += f", now {row['label_now']}" if row.get("label_now") else ""
        author = f"{row['person']} as {row['annotator']}" if row["person"] != row["annotator"] else row["annotator"]
        parts = ["saw the prediction" if row["saw_prediction"] else "blind", row["state"]]
        parts += [f"chosen: {row['chosen']}"] if row.get("chosen") else []
        parts += [f"batch {row['batch']}"] if row.get("batch") else []
        parts += [f"{row['seconds']:.0f} s"] if row.get("seconds") is not None else []
        parts += [f"note: {row['note']}"] if row.get("note") else []
        yield Fact(_when(row), f"{given}, by {author} ({'; '.join(parts)})")
    for row in history.contradictions:
        yield Fact(_when(row), f"kept as evidence, not counted: {row['reason']}")


def _consensus(history: RequestHistory) -> Iterator[Fact]:
    found = history.consensus
    if found is None:
        if history.corrections:
            yield Fact("label", "no cycle has counted the corrections yet")
        return
    votes = f"{found['votes']} of {found['annotators']} people"
    if found["label"] is None:
        yield Fact(
            "label", _NO_LABEL.get(found["status"], f"none: people disagree ({votes} for the most frequent label)")
        )
        return
    if found.get("adjudicated"):
        votes = "adjudication, by the same person a day later" if found["adjudicated"] == "self" else "adjudication"
    blind = "at least one of them blind" if found["blind"] else "none of them blind: it trains, and never judges"
    drawn = "; chosen by value: it trains, and never judges" if found.get("drawn") is False else ""
    yield Fact("label", f"{found['label']} by {votes}, {blind}{drawn}")


def _cycles(history: RequestHistory) -> Iterator[Fact]:
    if history.quarantine:
        yield Fact("its week", f"quarantined: {history.quarantine}")
    for each in history.cycles:
        yield Fact(each.week, " ".join([_use(each), *map(_predicted, each.predictions)]))
    if history.consensus is not None and not history.cycles:
        yield Fact("cycle", "no cycle has read its label yet")


def _use(each: CycleUse) -> str:
    if each.use == "dropped":
        return f"dropped ({each.reason}): {each.sentence}."
    live = ", which is live" if each.live else ""
    made = f" candidate {each.adapter}{live}" if each.adapter else " a cycle that made no candidate"
    outcome = f" ({each.outcome})" if each.outcome else ""
    return f"{each.use}{made}, as {each.label}{outcome}."


def _predicted(row: Row) -> str:
    chances = f": {_probabilities(row['probabilities'])}" if row.get("probabilities") else ""
    return f"{str(row['model']).capitalize()} answered {row['predicted']}{chances}."


def _not_taken(history: RequestHistory) -> Iterator[Fact]:
    for row in history.waiting:
        yield Fact("waits", f"{row['kind']} in {row['file']}: {row['reason']}")
    for row in history.rejected:
        line = f", line {row['line']}" if row.get("line") is not None else ""
        yield Fact("rejected", f"{row['kind']} in {row['file']}{line}: {row['reason']}")


def _when(row: Row) -> str:
    return str(row.get("ts") or "no time")


def _confidence(row: Row) -> str:
    return f", confidence {row['confidence']:.3f}" if row.get("confidence") is not None else ""


def _probabilities(found: Mapping[str, float]) -> str:
    return ", ".join(f"{label} {p:.3f}" for label, p in sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))
