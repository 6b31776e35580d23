"""A golden set names its labels in one form, and no two lines that contradict each other are taken."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ratchet.config.spec import Label, Spec
from ratchet.core.errors import RatchetError
from ratchet.storage.golden_set import MAX_ITEMS, load_golden, read_golden
from ratchet.storage.specs import load_spec
from ratchet.workflows.init_classifier import labels_of

SPEC = Spec("tickets", (Label("0"), Label("1"), Label("übrig")))
CASES = Path(__file__).parents[4] / "shared" / "cases" / "labels"


def write(path: Path, *rows: tuple[str, Any]) -> Path:
    """Write a golden set of texts and labels."""
    path.write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows))
    return path


def test_integers_and_another_form_of_unicode_are_labels(tmp_path: Path) -> None:
    """As logs, corrections and `classifier.toml` take them; `init` makes the same labels of them."""
    path = write(tmp_path / "golden.jsonl", ("one", 0), ("two", 1), ("three", "u\u0308brig"))
    assert [item.label for item in load_golden(path, SPEC)] == ["0", "1", "übrig"]
    assert labels_of(path) == ["0", "1", "übrig"]


def test_a_list_of_one_label_is_that_label(tmp_path: Path) -> None:
    """As annotation tools write it, in a table as text; decimals with places are no label, as in a log."""
    (tmp_path / "golden.csv").write_text('text,label\na,"[""0""]"\n')
    pq.write_table(pa.table({"text": ["a"], "label": [["0"]]}), tmp_path / "golden.parquet")
    for path in (tmp_path / "golden.csv", tmp_path / "golden.parquet", write(tmp_path / "golden.jsonl", ("a", ["0"]))):
        assert [item.label for item in load_golden(path, SPEC)] == ["0"]
    places = pa.array([Decimal(0)], pa.decimal128(38, 9))
    pq.write_table(pa.table({"text": ["a"], "label": places}), tmp_path / "golden.parquet")
    with pytest.raises(RatchetError, match="line 1 is not a golden item"):
        load_golden(tmp_path / "golden.parquet", SPEC)


CONTRADICTIONS: dict[str, tuple[list[tuple[str, Any]], str]] = {
    "one text by case": ([("Where is it", 0), ("x", 1), ("where IS it", 1)], "line 3 has label '1' .* '0' in line 1"),
    "one text by spaces": ([("where  is it ", 0), ("where is it", 1)], "line 2 has label '1' .* '0' in line 1"),
    "one text by Unicode": ([("cafe\u0301", 0), ("caf\u00e9", 1)], "line 2 has label '1' .* '0' in line 1"),
    "labels by case": ([("a", "übrig"), ("b", "Übrig")], "label 'Übrig', which looks like 'übrig' in line 1"),
    "labels by a space": ([("a", "0"), ("b", "0 ")], "line 2 has label '0 ', which looks like '0' in line 1"),
    "labels by script": ([("a", "cat"), ("b", "\u0441at")], "label '\u0441at', which looks like 'cat' in line 1"),
    "a fraction": ([("a", 1.5)], "line 1 is not a golden item"),
    "no label": ([("a", "")], "line 1 is not a golden item"),
    "two labels": ([("a", ["0", "1"])], "line 1 is not a golden item"),
    "another label": ([("a", 7)], "label '7' in golden.jsonl line 1 is not in classifier.toml"),
}  # fmt: skip


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_a_contradiction_is_refused_with_its_lines(tmp_path: Path, case: str) -> None:
    """Both lines, where two are about one text or one label."""
    rows, match = CONTRADICTIONS[case]
    spec = Spec("tickets", (*SPEC.label, Label("cat"))) if "script" in case else SPEC
    with pytest.raises(RatchetError, match=match):
        load_golden(write(tmp_path / "golden.jsonl", *rows), spec)


def test_the_same_text_with_the_same_label_may_come_twice(tmp_path: Path) -> None:
    """It counts twice, as before."""
    assert len(load_golden(write(tmp_path / "golden.jsonl", ("A", 0), ("a", "0")), SPEC)) == 2


def test_a_csv_without_a_header_is_refused_with_what_its_first_line_needs(tmp_path: Path) -> None:
    """Its first row is taken for the names, so its second lacks both."""
    (tmp_path / "g.csv").write_text("my card is lost,card\nwhere is my money,refund\n")
    with pytest.raises(RatchetError, match=r"g.csv line 2 is not a golden item") as caught:
        list(read_golden(tmp_path / "g.csv"))
    assert "the first line of a CSV names its columns: text,label" in caught.value.hint


def test_a_golden_set_has_as_many_items_as_people_review(tmp_path: Path) -> None:
    """One file of a million rows would keep `init` and every cycle busy for hours."""
    path = tmp_path / "golden.jsonl"
    path.write_text('{"text": "a", "label": "0"}\n' * (MAX_ITEMS + 1))
    with pytest.raises(RatchetError, match=r"golden\.jsonl has more than 100,000 items"):
        labels_of(path)


TOML = {
    "case": ('"refund"', '"Refund"', "label 'Refund' looks like 'refund' in line 2"),
    "a soft hyphen": ('"refund"', '"re\\u2011fund"', None),
    "Unicode forms": ('"u\\u0308brig"', '"\\u00fcbrig"', "label 'übrig' is listed twice"),
    "an integer and its digits": ("1", '"1"', "label '1' is listed twice"),
    "integers": ("0", "1", None),
}


@pytest.mark.parametrize("case", TOML)
def test_look_alikes_of_a_specification_are_refused_with_both_lines(tmp_path: Path, case: str) -> None:
    """Integers are labels there, too, and another form of Unicode is the same label."""
    first, second, fault = TOML[case]
    path = tmp_path / "tickets" / "classifier.toml"
    path.parent.mkdir()
    path.write_text(f"[[label]]\nname = {first}\n\n[[label]]\nname = {second}\n", encoding="utf-8")
    if fault is None:
        assert len(load_spec(path).labels) == 2
        return
    with pytest.raises(RatchetError) as caught:
        load_spec(path)
    assert fault in str(caught.value)
    assert case != "case" or "classifier.toml line 5" in str(caught.value)


@pytest.mark.skipif(not CASES.is_dir(), reason="the shared inputs are not there")
def test_the_shared_inputs_come_out_as_their_page_says() -> None:
    """Integer labels are 0 and 1; two labels of one text are refused with both lines."""
    assert {item.label for _, item in read_golden(CASES / "golden_integer_labels.jsonl")} == {"0", "1"}
    items = [item for _, item in read_golden(CASES / "golden_same_text_two_labels.jsonl")]
    spec = Spec("tickets", tuple(Label(label) for label in dict.fromkeys(item.label for item in items)))
    with pytest.raises(RatchetError, match=r"line \d+ has label .* in line \d+"):
        load_golden(CASES / "golden_same_text_two_labels.jsonl", spec)
