"""`ratchet sweep`: quality and cost of each candidate of a week.

Add here how the sweep is printed; its figures are made by `ratchet/evaluation/sweep.py`, its plot by
`ratchet/evaluation/report/sweep.py`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import typer

from orchestration.cli.help import Json, Name, Week
from orchestration.cli.output import emit, emit_json, printable, table
from orchestration.cli.session import session_of
from ratchet.core.cycle import choose_week, parse_week
from ratchet.core.errors import RatchetError

_BARS = "▁▂▃▄▅▆▇█"


def sweep(
    context: typer.Context,
    name: Name,
    week: Week = "latest",
    json: Json = False,
) -> int:
    """Print every candidate of one cycle, with TF-IDF as the simplest model, and their loss curves."""
    from ratchet.storage.reports import Reports
    from ratchet.storage.run_history import run_weeks

    session = session_of(context)
    session.home.need(name)
    chosen = choose_week(name, week, [parse_week(word) for word in run_weeks(session.home, name)])
    document = Reports(session.home).read(chosen)
    if not document.get("sweep"):
        raise RatchetError(
            f"the report of {name} {chosen.week} has no sweep; an older version wrote it.",
            f"Run 'ratchet cycle {name} --week {chosen.week}' again.",
            code="no_sweep",
        )
    if json:
        epochs = {str(result["index"]): result["epochs"] for result in document["candidates"]}
        shown = {key: document[key] for key in ("classifier", "week", "adapter", "sweep")}
        emit_json({**shown, "epochs": epochs, "report": str(session.home.report(chosen) / "eval_report.html")})
    else:
        emit("\n".join(_lines(document)))
    return 0


def _lines(document: Mapping[str, Any]) -> list[str]:
    result = document["sweep"]
    machine, cycle = result["machine"], result["cycle"]
    assumed = " (assumed; set yours in [machine] of classifier.toml)" if machine["assumed"] else ""
    curves = [
        f"{printable(candidate['title'])}: training loss"
        f" {_draw([epoch['train_loss'] for epoch in candidate['epochs']])}, calibration NLL"
        f" {_draw([epoch['nll'] for epoch in candidate['epochs']])}, epoch {candidate['selected_epoch']} kept"
        for candidate in document["candidates"]
        if candidate["epochs"]
    ]
    failures = [
        f"{printable(row['title'])} failed: {printable(row['reason'])}"
        for row in result["rows"]
        if row["status"] == "failed"
    ]
    notes = [f"{printable(row['title'])}: {printable(row['note'])}" for row in result["rows"] if row.get("note")]
    return [
        table([_row(row) for row in result["rows"]]),
        "",
        *(line for group in (curves, notes, failures) if group for line in [*group, ""]),
        (
            f"the cycle up to its report: {cycle['seconds']:.1f} s, {cycle['energy_wh']:.3f} Wh, {cycle['cost']:.4f} "
            f"at {machine['watts']:g} watts and {machine['price_per_hour']:g} an hour{assumed}"
        ),
    ]


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Figures of the calibration split; `*` marks the candidate that was kept."""
    return {
        "model": f"{row['title']}{' *' if row['kept'] else ''}",
        "macro-F1": row["macro_f1"],
        "ECE": row["ece"],
        "NLL": row["nll"],
        "NLL calibrated": row["served_nll"],
        "NLL by class": row.get("served_macro_nll"),
        "samples/s": None if row["samples_per_second"] is None else round(row["samples_per_second"]),
        "seconds": row["seconds"],
        "Wh": row["energy_wh"],
        "cost": f"{row['cost']:.4f}",
    }


def _draw(values: Sequence[float]) -> str:
    """The first and last value with a bar for each between them, the largest the highest."""
    most = max(values) or 1.0
    bars = "".join(_BARS[min(len(_BARS) - 1, int(len(_BARS) * value / most))] for value in values)
    return f"{values[0]:.3f} {bars} {values[-1]:.3f}"
