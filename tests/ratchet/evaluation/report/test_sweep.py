"""The sweep's drawing: every row at its place, and no letter over another."""

from copy import deepcopy
from itertools import combinations
from math import log10

from ratchet.evaluation.report.page import render_report
from ratchet.evaluation.report.scales import Scale
from ratchet.evaluation.report.sweep import draw_sweep, letter_of


def test_each_row_has_its_place(usual):
    """Seconds by their logarithm, macro-F1 as it is; the kept one and the baseline are told apart."""
    drawn = draw_sweep(usual)
    rows = usual["sweep"]["rows"]
    assert [point["row"] for point in drawn["points"]] == list(range(len(rows)))
    across, up = (Scale(*map(float, drawn[axis].json.split())) for axis in ("across", "up"))
    for point, row in zip(drawn["points"], rows, strict=True):
        assert (point["x"], point["y"]) == (across.at(log10(row["seconds"])), up.at(row["macro_f1"]))
        assert (point["kept"], point["kind"]) == (row["kept"], row["kind"])
    assert [name for _, name in drawn["seconds"]] == ["0.1", "1", "10", "100", "1000"]
    assert "A (kept) 187.2" in drawn["sentence"]


def test_letters_do_not_touch(usual):
    """Ten candidates that are nearly equal, and more rows than there are letters."""
    document = deepcopy(usual)
    document["sweep"]["rows"] = [
        {**document["sweep"]["rows"][0], "seconds": 50.0 + i, "macro_f1": 0.9} for i in range(30)
    ]
    points = draw_sweep(document)["points"]
    assert len(points) == 26
    assert all(
        abs(a["x"] - b["x"]) >= 15 or abs(a["letter_y"] - b["letter_y"]) >= 15 for a, b in combinations(points, 2)
    )
    assert letter_of(26) == ""


def test_what_failed_or_is_missing_is_not_drawn(usual):
    """A candidate without a macro-F1 has a row and a reason, but no point; a report from before has a sentence."""
    document = deepcopy(usual)
    document["sweep"]["rows"][1] |= {"macro_f1": None, "status": "failed", "reason": "it broke"}
    assert [point["row"] for point in draw_sweep(document)["points"]] == [0, 2, 3]
    assert "it broke" in render_report(document)
    assert draw_sweep({**usual, "sweep": None}) is None
    assert "nothing was swept" in render_report({key: value for key, value in usual.items() if key != "sweep"})
