"""`ratchet cycle --plan`: forecast a cycle without running it.

Add here how a forecast is printed; it is made by `ratchet/workflows/plan_cycle.py`.
"""

from typing import Any

from orchestration.cli.output import emit, emit_json, printable, say, table
from orchestration.cli.session import Session

_SOURCES = {
    "own": "this classifier's earlier trainings",
    "measured": "measured on two cores",
    "measured on another base": "measured on two cores with the family's default base",
}


def show_plan(session: Session, name: str, week: str, *, as_json: bool) -> int:
    """Print splits, time and power of one cycle; nothing is written."""
    from ratchet.data.given_examples import describe_judged_on_examples, is_by_text
    from ratchet.models.text_fit import say_texts
    from ratchet.workflows.plan_cycle import plan_cycle

    say(session, "reading the warehouse; nothing is written ...")
    result = plan_cycle(session.home, name, week)
    if as_json:
        emit_json(result)
        return 0
    emit(f"plan of {name} {result['week']}: {result['requests']} requests, live {(result['live'] or 'none')[:12]}\n")
    splits = {**result["splits"], "golden": {"n": result["golden"], "first": None, "last": None}}
    rows = [
        {"split": split, "n": s["n"], "first": _day(s["first"]), "last": _day(s["last"])} for split, s in splits.items()
    ]
    emit(table(rows))
    emit(
        "\n"
        + table([{"class": label, "train": n} for label, n in sorted(result["splits"]["train"]["classes"].items())])
    )
    if result["dropped"]:
        emit("\n" + table([{"dropped": reason, "rows": n} for reason, n in result["dropped"].items()]))
    _show_comparison(result)
    if is_by_text(result):
        emit(f"remark: {describe_judged_on_examples(result['splits']['test']['n'])}")
    elif result["labelled_examples"]:
        emit(f"{result['labelled_examples']} labelled examples without a request train; they never judge")
    for label, n in result["labels_waiting"].items():
        emit(f"label {printable(label)} waits: {n} training examples are too few, and live does not answer it")
    for label, n in result["labels_left_out"].items():
        emit(f"label {printable(label)} is not in classifier.toml: {n} labelled requests are kept and do not train")
    blocked = result["target_plan"]["outcome"] == "failed"
    if not blocked:
        _show_time(result)
    for remark in result["remarks"]:
        emit(f"remark: {remark}")
    for sentence in say_texts(result["texts"]):
        emit(f"remark: {sentence}")
    for fit in result["targets"]:
        emit(
            f"target fit {fit['outcome']}:"
            f" {'' if fit['candidate'] in fit['reason'] else fit['candidate'] + ': '}{fit['reason']}"
        )
    emit(result["power"]["sentence"])
    if result["pace"]:
        emit(result["pace"])
    if blocked:
        emit("target_plan fails: no candidate can run on its target, so a cycle would stop before training.")
        emit(f"next: fix the candidates or targets of {name} as the reasons above say, then plan again")
    else:
        emit(f"next: ratchet cycle {name} --week {result['week']}")
    return 0


def _show_comparison(found: dict[str, Any]) -> None:
    """Say what was set aside in comparisons of texts, and how many were dropped for one of another label."""
    shared = found["boilerplate"]
    for each in shared["blocks"]:
        emit(f"set aside in comparisons, {each['texts']} texts: {printable(each['block'][:80])}")
    if found["alike_other_label"]:
        emit(f"{found['alike_other_label']} texts are dropped for a near-duplicate with another label")


def _show_time(found: dict[str, Any]) -> None:
    rests = [*found["trainings"], {"candidate": "everything else", **found["rest"]}]
    emit(
        "\n"
        + table(
            [
                {"candidate": row["candidate"], "seconds": row["seconds"], "based on": _SOURCES[row["source"]]}
                for row in rests
            ]
        )
    )
    emit(f"about {found['estimated_s']} s in all, if no training stops early")


def _day(instant: str | None) -> str | None:
    return None if instant is None else instant[:16].replace("T", " ")
