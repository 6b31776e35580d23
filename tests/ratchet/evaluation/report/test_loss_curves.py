"""Loss curves with the kept epoch, whatever a training left behind."""

import pytest

from ratchet.evaluation.report.loss_curves import draw_curves


def candidate(losses, selected, **other):
    """A candidate of (train_loss, nll) by epoch."""
    epochs = [{"epoch": i, "train_loss": train, "nll": nll} for i, (train, nll) in enumerate(losses, 1)]
    return {"epochs": epochs, "selected_epoch": selected, **other}


def test_the_kept_epoch_is_told_apart_from_the_last():
    """Place, ring and sentence speak of the same epoch."""
    drawing = draw_curves(candidate([(1.0, 0.9), (0.5, 0.4), (0.2, 0.6)], 2))
    assert drawing["chosen"]["x"] == drawing["across"].at(2)
    assert drawing["chosen"]["ring"] == drawing["up"].at(0.4)
    assert "Epoch 2 was kept, not the last." in drawing["sentence"]
    assert "Epoch 3 was kept, the last." in draw_curves(candidate([(1.0, 0.9), (0.5, 0.4), (0.2, 0.6)], 3))["sentence"]


@pytest.mark.parametrize("training", [{}, {"epochs": []}, {"epochs": None}, candidate([(None, None)], 1)])
def test_a_training_without_losses_has_no_curve(training):
    """A probe is fitted in one step; a failed candidate may have none."""
    assert draw_curves(training) is None


def test_missing_losses_leave_gaps_not_zeros():
    """Only what was measured is a point, and each names its row of the document."""
    drawing = draw_curves(candidate([(None, 0.9), (0.5, None), (0.4, 0.5)], None))
    assert [[p["row"] for p in line["points"]] for line in drawing["lines"]] == [[1, 2], [0, 2]]
    assert drawing["chosen"] is None
    assert "No epoch was kept." in drawing["sentence"]


def test_one_epoch_and_many_epochs_can_be_drawn():
    """One epoch stands in the middle; sixty have at most ten numbers on the axis."""
    one = draw_curves(candidate([(0.5, 0.4)], 1))
    assert one["lines"][0]["points"][0]["x"] == (one["across"].start + one["across"].end) / 2
    assert len(draw_curves(candidate([(1.0, 1.0)] * 60, 60))["epochs"]) <= 10


def test_names_of_lines_that_meet_do_not_cover_each_other():
    """A line of text lies between them."""
    first, second = (line["name_y"] for line in draw_curves(candidate([(1.0, 1.0), (0.5, 0.5)], 2))["lines"])
    assert abs(first - second) > 14.9
