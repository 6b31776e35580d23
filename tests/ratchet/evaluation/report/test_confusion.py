"""Confusions are ordered, keep their places in the document, and lead to their texts."""

from ratchet.evaluation.report.confusion import LABELS_AT_MOST, arrange_confusion


def document(counts, **other):
    """Labels a, b, c ... with these counts on the test split."""
    return {"labels": [f"l{i}" for i in range(len(counts))], "metrics": {"test": {"confusion": counts}}, **other}


def test_the_most_confused_labels_come_first_and_keep_their_places():
    """Row and column numbers are those of the document, whatever the order."""
    found = arrange_confusion(document([[9, 0, 1], [0, 9, 0], [4, 0, 6]]), "test", 600)
    assert found["labels"] == ["l0", "l2", "l1"]
    assert [(c["row"], c["column"], c["count"]) for c in found["rows"][1]["cells"]] == [(2, 0, 4), (2, 2, 6), (2, 1, 0)]
    assert [(p["label"], p["predicted"], p["count"]) for p in found["pairs"]] == [("l2", "l0", 4), ("l0", "l2", 1)]


def test_cells_with_texts_have_an_anchor_and_others_have_none():
    """Worst errors of that split and pair; an item is listed once."""
    error = {"split": "test", "item": "i", "text": "t", "label": "l0", "predicted": "l1"}
    found = arrange_confusion(
        document([[1, 1], [0, 2]], worst_errors=[error, error, {**error, "split": "golden"}]), "test", 600
    )
    assert [cell["anchor"] for cell in found["rows"][0]["cells"]] == ["", "pair-test-l0-as-l1"]
    assert found["texts"][0]["rows"] == [{"place": "worst_errors", "row": "0"}]


def test_lost_golden_items_are_texts_of_the_golden_set():
    """They stand behind its cells too."""
    made = document([[1, 1], [0, 2]], golden={"lost": [{"item": "g", "text": "t", "label": "l0", "predicted": "l1"}]})
    made["metrics"]["golden"] = made["metrics"]["test"]
    assert arrange_confusion(made, "test", 600)["texts"] == []
    assert arrange_confusion(made, "golden", 600)["texts"][0]["rows"] == [{"place": "golden.lost", "row": "0"}]


def test_a_large_matrix_keeps_its_most_confused_labels():
    """How many were left out is known."""
    k = LABELS_AT_MOST + 8
    found = arrange_confusion(document([[int(i == j) + int(j == 0) for j in range(k)] for i in range(k)]), "test", 600)
    assert (len(found["rows"]), found["left_out"]) == (LABELS_AT_MOST, 8)


def test_a_missing_or_misfit_matrix_is_not_drawn():
    """No labels, no metrics, or counts of other labels."""
    assert arrange_confusion({}, "test", 600) is None
    assert arrange_confusion({**document([[1]]), "labels": ["a", "b"]}, "test", 600) is None


def test_a_full_matrix_is_cut_to_its_room():
    """Filled cells are what weighs, not labels."""
    found = arrange_confusion(document([[1] * 20] * 20), "test", 100)
    assert (len(found["rows"]), found["left_out"]) == (10, 10)
