"""Output of `ratchet labels`: labels of the file, of live and of the rows, and the rules.

Add here a line; what it says is found by `ratchet/workflows/review/labels.py`.
"""

from typing import TYPE_CHECKING

from orchestration.cli.output import printable, table

if TYPE_CHECKING:
    from ratchet.workflows.review.labels import LabelOverview


def describe_label_overview(name: str, found: "LabelOverview") -> list[str]:
    """Return the lines of the terminal."""
    lines = [f"classifier.toml: {printable(', '.join(found.listed))}"]
    if found.live is None:
        lines.append("live: nothing is live")
    else:
        shown = [label if parts == [label] else f"{label} ({_now(parts)})" for label, parts in found.live.items()]
        lines.append(f"live answers: {printable(', '.join(shown))}")
    if found.kept:
        rows = ", ".join(f"{label} ({n})" for label, n in found.kept.items())
        lines.append(f"labelled requests of labels that classifier.toml does not list: {printable(rows)}")
    if found.rules.rules:
        columns = [
            {"rule": r.sequence, "at": f"{r.at:%Y-%m-%d %H:%M}", "by": r.actor, "change": r.sentence, "why": r.why}
            for r in found.rules.rules
        ]
        lines.append(table(columns))
    else:
        lines.append("no rule is recorded")
    if found.fault:
        lines.append(f"fault: {printable(found.fault)}; record what became of it: ratchet labels {name} --help")
    return lines


def _now(parts: list[str]) -> str:
    return f"now {', '.join(parts)}" if parts else "retired"
