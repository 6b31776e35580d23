"""Verdict of one week: passed, blocked, error or unfinished, with the gate and the reason in one line.

Add here another end of a week. Verdicts of gates are decided in `ratchet/gates/`; this only reads what they left.
"""

import re
from dataclasses import dataclass

from ratchet.workflows.history.week_files import WeekFiles

REASON_AT_MOST = 90
_OUTCOME = re.compile(r"^(?:Fails|Passes|Warns|No verdict): ")


@dataclass(frozen=True)
class WeekVerdict:
    """Verdict with its reason; `earlier` is True where the report is of a run before the newest."""

    word: str
    gate: str = ""
    reason: str = ""
    earlier: bool = False


def judge_week(files: WeekFiles) -> WeekVerdict:
    """Return the verdict of the newest run of a week; a file that cannot be read makes it an error."""
    stages = {stage["unique_id"]: stage for stage in files.run.get("results", ())}
    earlier = bool(stages and files.report) and stages.get("eval_report", {}).get("status") != "pass"
    bad = next((stage for stage in stages.values() if stage["status"] in {"blocked", "error"}), None)
    if bad is not None:
        return WeekVerdict(bad["status"], bad["unique_id"], make_line(str(bad.get("message", ""))), earlier)
    if files.damaged:
        return WeekVerdict("error", "", f"{files.damaged[0]} cannot be read: run the week again", earlier)
    if any(stage["status"] == "skipped" for stage in stages.values()):
        done = [name for name, stage in stages.items() if stage["status"] == "pass"]
        last = f"the newest run ended after {done[-1]}" if done else "the newest run ended before its first stage"
        return WeekVerdict("unfinished", "", make_line(last), earlier)
    if stages:
        if "eval_report" in stages and not files.report:
            return WeekVerdict("error", "", "eval_report.json is gone: run the week again")
        return WeekVerdict("passed")
    verdict = files.report.get("verdict") or {}
    word = {"passed": "passed", "first": "passed", "blocked": "blocked"}.get(str(verdict.get("word")), "unfinished")
    if not files.report:
        return WeekVerdict("unfinished", "", "the run was stopped before it recorded a stage")
    found = re.match(r"Blocked by (\w+): (.*)", str(verdict.get("sentence", "")), re.DOTALL)
    if word == "blocked" and found:
        return WeekVerdict(word, found[1], make_line(found[2]))
    return WeekVerdict(word, "", "" if word == "passed" else make_line(str(verdict.get("sentence", ""))))


def make_line(text: str, at_most: int = REASON_AT_MOST) -> str:
    """Return the beginning of a sentence as one line of at most `at_most` characters: cut before a bracket that would
    stay open, else between words."""
    line = " ".join(_OUTCOME.sub("", text.strip()).split())
    if len(line) <= at_most:
        return line
    head = line[: at_most - 1]
    bracket, space = head.rfind(" ("), head.rfind(" ")
    if head.count("(") > head.count(")") and bracket > at_most // 2:
        return f"{head[:bracket]}…"
    return f"{head[:space] if space > at_most // 2 else head}…"
