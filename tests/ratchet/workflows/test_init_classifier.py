"""A new classifier's files, from labels or from a golden set in any form."""

from pathlib import Path

import pytest

from ratchet.storage.golden_set import GoldenItem
from ratchet.storage.home import Home
from ratchet.storage.specs import Specs
from ratchet.workflows.init_classifier import init_classifier


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("golden.jsonl", '{"text": "déjà vu", "label": 0}\n{"text": "b", "label": 1}\n'.encode("cp1252")),
        ("golden.json", '[{"text": "déjà vu", "label": 0}, {"text": "b", "label": "1"}]'.encode()),
        ("golden.csv", "text;label\r\ndéjà vu;0\r\nb;1\r\n".encode("utf-16")),
    ],
)
def test_a_golden_set_may_come_in_any_form(tmp_path: Path, name: str, content: bytes) -> None:
    """In another encoding, as a list or a table, with integers for labels: `init` writes it down in the one form."""
    (tmp_path / name).write_bytes(content)
    made = init_classifier(Home(tmp_path / "home"), "tickets", (), tmp_path / name)
    assert made.labels == ("0", "1")
    specs = Specs(Home(tmp_path / "home"))
    assert specs.golden("tickets") == [GoldenItem("déjà vu", "0"), GoldenItem("b", "1")]
