"""`ratchet report`: a week's figures on the terminal.

Add here figures of `eval_report.json` that a person reads first; the page beside it shows them all.
"""

from typing import Annotated, Any

import typer

from orchestration.cli.help import Json, Name, Week
from orchestration.cli.output import emit, emit_json, printable, say, table
from orchestration.cli.session import session_of
from ratchet.core.cycle import Cycle, choose_week, parse_week


def report(
    context: typer.Context,
    name: Name,
    week: Week = "latest",
    json: Json = False,
    show: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> int:
    """Print the figures of one eval report, or raise the error that blocked its cycle."""
    from ratchet.storage.reports import Reports
    from ratchet.storage.run_history import blocking_stage, run_weeks

    session = session_of(context)
    home, reports = session.home, Reports(session.home)
    home.need(name)
    chosen = choose_week(name, week, [parse_week(word) for word in run_weeks(home, name)])
    # A blocked cycle wrote no report: the reason why it was blocked answers the question.
    if str(chosen.week) not in reports.weeks(name) and (stage := blocking_stage(home, chosen)):
        raise stage
    document = reports.read(chosen)
    page = home.report(chosen) / "eval_report.html"
    if json:
        emit_json({**document, "report": str(page)})
    else:
        emit("\n".join(_lines(document, chosen)))
        emit(f"\npage: {page}")
    if show:
        say(session, f"opening {page}")
        typer.launch(page.as_uri())
    return 0


def _lines(document: dict[str, Any], cycle: Cycle) -> list[str]:
    models = {"candidate": document["metrics"], "live": document["live_metrics"]}
    figures = [
        {
            "model": model, "split": split, "n": s["n"], "macro-F1": s["macro_f1"],
            "95 % interval": f"{s['macro_f1_ci'][0]:.3f}..{s['macro_f1_ci'][1]:.3f}", "accuracy": s["accuracy"],
            "ECE before": s["ece_raw"], "ECE": s["ece"], "NLL": s["nll"],
        }
        for model, splits in models.items() if splits for split, s in splits.items()
    ]  # fmt: skip
    classes = [
        {"label": label, "precision": s["precision"], "recall": s["recall"], "F1": s["f1"], "support": s["support"]}
        for label, s in document["metrics"]["test"]["per_class"].items()
    ]
    live = f"live {document['live'][:12]}" if document["live"] else "no live adapter"
    return [
        document["verdict"]["sentence"],
        (
            f"{cycle.classifier} {cycle.week}: adapter {document['adapter'][:12]} ({document['candidate']['title']}),"
            f" {live}, temperature {document['temperature']:.3f}"
        ),
        *(printable(each["remark"]) for each in document.get("acting", [])),
        *_on_examples(document["data"]),
        *_one_sided(document),
        "",
        table(figures),
        "",
        table(
            [
                {"baseline": name, "macro-F1": s["macro_f1"], "ECE": s["ece"]}
                for name, s in document["baselines"].items()
            ]
        ),
        *_three_ways(document.get("three_way")),
        *_texts(document["data"].get("texts", {})),
        *_not_taken(document.get("rows", {})),
        "",
        table(classes),
        "",
        table(
            [{"check": name, "verdict": c["verdict"], "reason": c["reason"]} for name, c in document["checks"].items()]
        ),
    ]


def _on_examples(data: dict[str, Any]) -> list[str]:
    """Return that no request judged, or the number of labelled examples that trained beside requests."""
    if sentence := data.get("judged_on_examples", ""):
        return [printable(sentence)]
    n = data.get("labelled_examples", 0)
    return [f"{n} labelled examples without a request trained as well; they never judge"] if n else []


def _one_sided(document: dict[str, Any]) -> list[str]:
    """Return the remarks on labels: that hardly ever confirm what was served, only train, or are of one person."""
    found = document["data"].get("labels", {}).get("selection", "")
    sentences = [document["data"].get(key, "") for key in ("judging_sentence", "team_sentence")]
    return [printable(sentence) for sentence in (f"{found}." if found else "", *sentences) if sentence]


def _texts(found: dict[str, Any]) -> list[str]:
    """Return what the model does not read of the examples: too long texts, and words of another language."""
    return [printable(found[key]) + "." for key in ("sentence", "language_sentence") if found.get(key)]


def _not_taken(found: dict[str, dict[str, int]]) -> list[str]:
    """Return the rows that were outside the warehouse when the cycle ran, each reason with its number."""
    rows = [
        {"rows not taken": place, "reason": printable(reason), "rows": number}
        for place, reasons in found.items()
        for reason, number in reasons.items()
    ]
    return ["", table(rows)] if rows else []


def _three_ways(found: dict[str, Any] | None) -> list[str]:
    """Return the comparison of base, tuned and frontier model with its verdict; empty where there was none."""
    if not found:
        return []
    rows = [
        {
            "model": row["name"], "n": row["n"], "macro-F1": row["macro_f1"], "ECE": row["ece"],
            "cost of 1,000": None if row["cost_per_1000"] is None else f"{row['cost_per_1000']:.3g}",
            "p50 ms": row["p50_ms"], "p95 ms": row["p95_ms"],
        }
        for row in found["rows"]
    ]  # fmt: skip
    lines = ["", table(rows), "", printable(found["verdict"])]
    written = found["verbalised"]
    if written and not written["n"]:
        lines.append(printable(f"The model's written confidence was not measured: {written['reason']}"))
    elif written:
        lines.append(
            f"ECE of {written['n']} answers: {written['written_ece']:.3f} by the written confidence,"
            f" {written['logits_ece']:.3f} by the logits."
        )
    return lines
