"""A file's name tells its form."""

import pytest

from ratchet.storage.row_files.formats import CSV, JSONL, PARQUET, form_of


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.parquet", PARQUET), ("part-00000-x.c000.snappy.parquet", PARQUET), ("part-0.gz.parquet", PARQUET),
        ("a.jsonl", JSONL), ("a.NDJSON", JSONL), ("a.json", JSONL), ("data_0_0_0.json.gz", JSONL),
        ("a.csv", CSV), ("a.TSV", CSV), ("a.csv.gz", CSV), ("a.ndjson.GZ", JSONL),
        ("a.parquet.gz", None), ("a.xlsx", None), ("a", None), ("a.gz", None), ("csv", None), ("a.txt", None),
    ],
)  # fmt: skip
def test_a_name_tells_the_form_of_its_file(name: str, form: str | None) -> None:
    """In any case of letters, packed or not; Parquet packs itself."""
    assert form_of(name) == form
