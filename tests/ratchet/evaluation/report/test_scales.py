"""Values become places, and axes get round numbers."""

import pytest

from ratchet.evaluation.report.scales import Scale, pick_ticks, write_ticks


def test_a_scale_is_linear_and_holds_what_lies_outside():
    """Ends map to ends, also downwards; nothing is drawn off the frame."""
    scale = Scale(0.0, 2.0, 100.0, 0.0)
    assert [scale.at(v) for v in (0, 1, 2, 3, -1)] == [100, 50, 0, 0, 100]
    assert scale.json == "0 2 100 0"


def test_a_scale_of_no_extent_is_refused():
    """It would divide by zero."""
    with pytest.raises(ValueError, match="low < high"):
        Scale(1.0, 1.0, 0, 1)


@pytest.mark.parametrize(
    ("low", "high", "written"),
    [
        (0, 1, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (-0.03, 0.03, ["\u22120.02", "0.00", "0.02"]),
        (0, 2.3, ["0.0", "0.5", "1.0", "1.5", "2.0"]),
        (0.6, 1, ["0.6", "0.7", "0.8", "0.9", "1.0"]),
    ],
)
def test_ticks_are_round_and_alike(low, high, written):
    """All within the axis, all with as many decimals as the finest needs."""
    assert write_ticks(pick_ticks(low, high)) == written
