"""A file of rows is answered row by row, and nothing that it held is lost."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from orchestration.cli.predict_files import open_target
from ratchet.core.errors import RatchetError
from ratchet.storage.row_files.rows import FileRow, read_rows
from ratchet.workflows.predict_file import BLOCK, BadRow, keep_given, predict_rows


class Echo:
    """Answers the first label to each text, and keeps the texts."""

    labels = ("a", "b")

    def __init__(self) -> None:
        self.texts: list[str] = []

    def predict(self, texts: list[str]) -> Any:
        """Return the one answer for each text."""
        self.texts += texts
        probabilities = np.tile([0.75, 0.25], (len(texts), 1))
        return SimpleNamespace(labels=["a"] * len(texts), confidence=probabilities[:, 0], probabilities=probabilities)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("in.csv", "TEXT;label;given_label\r\ndéjà vu;x;truth\r\n".encode("cp1252")),
        ("in.json", '[{"Text": "déjà vu", "label": "x", "given_label": "truth"}]'.encode("utf-16")),
        ("in.jsonl", '{"text": "déjà vu", "label": "x", "given_label": "truth"}'.encode()),
    ],
)
def test_predict_reads_what_ingest_reads_and_keeps_every_value(tmp_path: Path, name: str, content: bytes) -> None:
    """In any encoding and form, with names in any case; the column of the truth is never overwritten."""
    (tmp_path / name).write_bytes(content)
    echo: Any = Echo()
    (row,) = predict_rows(echo, read_rows(tmp_path / name), 50)
    assert isinstance(row, dict)
    assert echo.texts == ["déjà vu"]
    assert (row["label"], row["given_label"], row["given_label_2"], row["confidence"]) == ("a", "truth", "x", 0.75)


def test_names_of_answers_are_given_away_once() -> None:
    """Whatever names a row has already."""
    row = {"label": 1, "given_label": 2, "given_label_2": 3, "confidence": 4, "id": 5}
    assert keep_given(row) == {
        "given_label_3": 1, "given_label": 2, "given_label_2": 3, "given_confidence": 4, "id": 5,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (FileRow(1, {"body": "x"}), "has no text; write"),
        (FileRow(1, {"text": 1.5}), "has no text; write"),
        (FileRow(1, {"my card is lost": "hello"}), "the first line of a CSV names the columns"),
        (FileRow(1, {"text": "\u200b"}), "has an empty text"),
        (FileRow(1, {"text": "x" * 51}), "51 characters, more than max_text_chars = 50"),
        (FileRow(1, reason="is not JSON"), "is not JSON"),
    ],
)
def test_a_row_without_a_text_is_named_and_the_others_are_answered(row: FileRow, reason: str) -> None:
    """By the rules of intake: a number is its digits, a text in which nothing can be seen is none."""
    echo: Any = Echo()
    sound = [FileRow(number, {"text": number}) for number in range(2, BLOCK + 4)]
    first, *rest = predict_rows(echo, [row, *sound], 50)
    assert isinstance(first, BadRow)
    assert reason in first.reason
    assert [each["text"] for each in rest if isinstance(each, dict)] == list(range(2, BLOCK + 4))


def test_another_name_of_the_text_is_given() -> None:
    """`--map text=body`."""
    echo: Any = Echo()
    list(predict_rows(echo, [FileRow(1, {"text": "not this", "Body": "this"})], 50, "body"))
    assert echo.texts == ["this"]


def test_nothing_never_takes_the_place_of_an_output(tmp_path: Path) -> None:
    """The output of before stays where no row was answered; the input is never the output, whatever it is called."""
    source, target, link = tmp_path / "in.jsonl", tmp_path / "out.jsonl", tmp_path / "link.jsonl"
    source.write_text("truth")
    target.write_text("before")
    link.symlink_to(source)
    with open_target(str(source), str(target)):
        pass
    assert target.read_text() == "before"
    with open_target(str(source), str(target)) as output:
        output.write("after")
    assert target.read_text() == "after"
    for same in (source, link):
        with pytest.raises(RatchetError, match="is the input itself"), open_target(str(source), str(same)):
            pass
    assert source.read_text() == "truth"


@pytest.mark.parametrize("name", ["part-0.jsonl", "out.jsonl", "day=1/out.jsonl"])
def test_no_output_is_written_into_the_input_folder(tmp_path: Path, name: str) -> None:
    """It would take the place of a part, or be read as one by the next run."""
    folder = tmp_path / "in"
    (folder / "day=1").mkdir(parents=True)
    (folder / "part-0.jsonl").write_text("truth")
    (tmp_path / "link").symlink_to(folder)
    for source in (folder, tmp_path / "link"):
        with pytest.raises(RatchetError, match="inside the input folder"), open_target(str(source), str(folder / name)):
            pass
    assert [path.name for path in sorted(folder.rglob("*"))] == ["day=1", "part-0.jsonl"]
