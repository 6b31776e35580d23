"""Page of the gates: table and plots that `make bench-gates` writes into docs/explanation/gates.md, between two marks.

Add here what the page shows of a measurement; the text around the marks is written by hand.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.gates.drawing import draw
from benchmarks.gates.figures import Curve, Figure, Measured, Plot

PAGE = Path("docs/explanation/gates.md")
FOLDER = Path("docs/explanation/gates")
_STORED = FOLDER / "measured.json"
BEGIN = "<!-- begin bench-gates: written by `make bench-gates`; do not edit -->"
END = "<!-- end bench-gates -->"


def render(measured: Mapping[int, Measured], titles: Mapping[int, str]) -> str:
    """Return the table of all figures, row by row, then the plots."""
    lines = ["| row | measured | figure, 95 % interval | demand | met |", "|---|---|---|---|---|"]
    for row in sorted(measured):
        for i, figure in enumerate(measured[row].figures):
            first = f"**{row}** {titles[row]}: " if i == 0 else ""
            met = "" if not figure.demand else "yes" if figure.met else "**no**"
            lines.append(f"| {row} | {first}{figure.what} | {figure.write()} | {figure.demand} | {met} |")
    for row in sorted(measured):
        lines += [f"\n![{plot.title}](gates/{plot.name}.svg)" for plot in measured[row].plots]
    return "\n".join(lines)


def write(root: Path, measured: Mapping[int, Measured], titles: Mapping[int, str]) -> None:
    """Write the table into the page and each plot into a file beside it; rows that were not `measured` now stay.

    Raises ValueError where the marks are gone.
    """
    page = root / PAGE
    before, mark, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (mark and end):
        raise ValueError(f"{PAGE} lacks the line {BEGIN if not mark else END}; put it back where the table belongs.")
    (root / FOLDER).mkdir(exist_ok=True)
    every = {row: each for row, each in {**_read(root / _STORED), **measured}.items() if row in titles}
    stored = {str(row): asdict(every[row]) for row in sorted(every)}
    (root / _STORED).write_text(json.dumps(stored, indent=1) + "\n")
    for each in every.values():
        for plot in each.plots:
            (root / FOLDER / f"{plot.name}.svg").write_text(draw(plot))
    page.write_text(f"{before}{BEGIN}\n{render(every, titles)}\n{END}{after}")


def _read(path: Path) -> dict[int, Measured]:
    document: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    return {int(row): _measured(each) for row, each in document.items()}


def _measured(document: Mapping[str, Any]) -> Measured:
    plots = []
    for plot in document["plots"]:
        curves = (Curve(each["name"], tuple((x, y) for x, y in each["points"])) for each in plot["curves"])
        plots.append(Plot(**{**plot, "curves": tuple(curves)}))
    return Measured(tuple(Figure(**each) for each in document["figures"]), tuple(plots))
