"""Screen of `ratchet status`: each fact of a classifier as a line.

Add here how a fact is printed; it is found by `ratchet/workflows/status.py`.
"""

from typing import TYPE_CHECKING, Any

from orchestration.cli.output import emit, emit_json, paint, printable
from orchestration.cli.session import Session

if TYPE_CHECKING:
    from ratchet.storage.home import Home

_COLOURS = {"passed": "green", "blocked": "red", "error": "red", "unfinished": "yellow", "unknown": "yellow"}


def status_lines(session: Session, found: dict[str, Any]) -> list[str]:
    """Return the lines of one classifier: its facts, then what is at fault, then notes."""
    if "error" in found:
        fault = f"  {paint(session, 'FAULT', 'red')} {printable(found['error']['message'])}"
        return [
            found["classifier"],
            fault,
            *([f"  hint: {hint}"] if (hint := printable(found["error"]["hint"])) else []),
        ]
    live, candidate, cycle, weeks = found["live"], found["candidate"], found["last_cycle"], found["weeks"]
    since, rollout = found["corrections_since"], found["rollout"]
    lines = {
        "live": f"{live['adapter'][:12]} of {live['week']}, since {live['since']}: {printable(live['why'])}"
        if live
        else "none",
        "rollout": _rollout(rollout) if rollout else "none",
        **({"pause": printable(found["pause"])} if found["pause"] else {}),
        "error budget": _budget(found["error_budget"]),
        "serving": _serving(found["serving"]) if live else "none",
        "policy": _policy(found["policy"], found["classifier"]),
        "candidate": f"{candidate['adapter'][:12]} of {candidate['week']}, {_verdict(session, candidate)}"
        if candidate
        else "none",
        "last cycle": f"{cycle['week']}, {_verdict(session, cycle)}" if cycle else "none",
        "labels": _labels(found["labels"]),
        "golden set": _golden(found["golden_set"]),
        "quarantined": _quarantined(found["quarantine"], found["quarantined_requests"]),
        "weeks": f"{weeks['count']}, {weeks['first']} to {weeks['last']}, {found['requests']} requests"
        if weeks["count"]
        else "none",
        **({"examples": f"{n} labelled, without a request"} if (n := found["labelled_examples"]) else {}),
        "corrections": "unknown" if since is None else f"{since} since the last cycle",
        "review": _review(found["review"]),
        "not taken": _not_taken(found["rows"], found["reject_reports"]),
        "next schedule": f"{found['next_schedule']} (while 'make dev' runs)",
        "disk": f"{found['disk_bytes'] / 1e6:.1f} MB in {found['paths']['folder']}",
        "reports": found["paths"]["reports"],
    }
    if found["label_studio"]:
        lines["label studio"] = printable(found["label_studio"])
    serving = found["serving"]
    gaps = [{"what": "serving", "fault": serving["gap"]}] if serving["gap"] else []
    gaps += [{"what": what, "fault": reason} for what, reason in found["given_up"].items()]
    faults = [
        f"  {paint(session, 'FAULT', 'red')} {each['what']}: {printable(each['fault'])}"
        for each in [*gaps, *found["faults"]]
    ]
    notes = [f"  note: {printable(note)}" for note in found["notes"]]
    return [found["classifier"], *(f"  {what:<14} {line}" for what, line in lines.items()), *faults, *notes]


def _golden(found: dict[str, Any] | None) -> str:
    """Return the size and use of the golden set, and the advice that follows."""
    return (
        "none that can be read" if found is None else " ".join(filter(None, (f"{found['sentence']}.", found["advice"])))
    )


def _labels(found: dict[str, Any] | None) -> str:
    """Return how the labels of live, the file and the rows differ, and the answers in place of a label."""
    from ratchet.workflows.label_state import LabelState

    if found is None:
        return "unknown"
    answers = ", ".join(f"{n} {answer}" for answer, n in found["answers"].items())
    shown = f"annotators' answers in place of a label: {answers}" if answers else ""
    return printable("; ".join(part for part in (LabelState(**found).sentence, shown) if part)) or "no difference"


def _quarantined(held: dict[str, str], requests: int) -> str:
    """Return the weeks that are held with their checks, and how much the newest cycle left out."""
    if not held:
        return "none"
    weeks = ", ".join(f"{week} ({why.partition(':')[0]})" for week, why in held.items())
    return f"{weeks}; {requests} labelled requests left out of the newest cycle"


def _review(found: dict[str, Any]) -> str:
    """Return what waits for a person, by reason, each with the age of its oldest request."""
    waiting = [
        f"{each['items']} {each['reason'].replace('_', ' ')} (oldest {_age(each['oldest_age_s'])})"
        for each in found["waiting"]
    ]
    more = ["more was queued than is counted yet"] if found["behind"] else []
    return "; ".join([*waiting, *more]) or "nothing waits"


def _age(seconds: int) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def _not_taken(rows: dict[str, Any], reports: dict[str, Any]) -> str:
    """Return the rows that are outside the warehouse, each reason with its number, and where their reports are.

    Of a file that was given to `ratchet ingest` the rejected rows stand in its report alone.
    """
    reasons = [
        f"{number} {place}: {printable(reason)}"
        for place in ("waiting", "rejected", "lost", "damaged")
        for reason, number in rows[place].items()
    ]
    reasons += [f"{number} values left out: {printable(reason)}" for reason, number in rows["nulled"].items()]
    if files := reports["files"]:
        reasons.append(f"reports on rows of {files} file{'' if files == 1 else 's'} in {printable(reports['folder'])}")
    return "; ".join(reasons) or "none"


def _rollout(found: dict[str, Any]) -> str:
    shared = f" by {found['bucketing']}" if found["percent"] < 100 else ""
    place = f"{found['percent']} % of users{shared}" if found["percent"] else "shadowing"
    decision = printable(found["decision"]) or "not evaluated yet"
    waits = f"; {found['waiting']} waits" if found.get("waiting") else ""
    return f"{found['challenger'][:12]}, {place}{', on hold' if found['held'] else ''}: {decision}{waits}"


def _budget(found: dict[str, Any]) -> str:
    """Return the part of the year's error that is spent, and when the next rollout may enter if all is."""
    return f"{found['sentence']}{'; no rollout enters: ' + printable(found['held']) if found['held'] else ''}"


def _serving(found: dict[str, Any]) -> str:
    gateways = found["gateways"]
    running = [*gateways["following"], *gateways["late"]]
    listed = f"gateway{'' if len(running) == 1 else 's'} {', '.join(map(str, running))}" if running else "no gateway"
    return f"{listed} running; entry {found['entry']}{', kill switch on' if found['killed'] else ''}"


def _policy(found: dict[str, Any] | None, name: str) -> str:
    if found is None or found["sealed_by"] is None:
        return "not sealed yet" if found else "classifier.toml cannot be read"
    differences = [f"{each['setting']} {each['sealed']} -> {each['file']}" for each in found["differences"]]
    if not differences:
        return f"classifier.toml, sealed by entry {found['sealed_by']}"
    return printable(
        f"entry {found['sealed_by']}; the file differs, without effect until 'ratchet policy {name} --why TEXT': "
        + ", ".join(differences)
    )


def _verdict(session: Session, found: dict[str, Any]) -> str:
    word = paint(session, found["verdict"], _COLOURS[found["verdict"]])
    return f"{word}: {printable(found['reason'])}" if found["reason"] else word


def print_check(home: "Home", names: list[str], *, json: bool) -> int:
    """Print the one line for monitoring; return 1 where something is wrong."""
    from ratchet.workflows.status_check import check_classifier

    found = [check_classifier(home, each) for each in names]
    faults = [f"{state}: {fault}" for state, fault in found if fault]
    line = "; ".join(faults) if faults else "; ".join(state for state, _ in found) or "no classifier yet"
    if json:
        emit_json({"ok": not faults, "line": line})
    else:
        emit(printable(f"{'FAULT' if faults else 'ok'}: {line}"))
    return 1 if faults else 0
