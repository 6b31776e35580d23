"""Settings that we wrote are replaced by the next version; a text that somebody edited stays theirs, and is named."""

import lzma
import tarfile
from pathlib import Path

import pytest

from orchestration.dagster_settings import SETTINGS, judge_settings, write_settings

FIXTURE = Path(__file__).parents[1] / "fixtures" / "home_b97b3cb.tar.xz"


@pytest.fixture
def former() -> bytes:
    """The text that an earlier version wrote, from the home of before that is kept."""
    with lzma.open(FIXTURE) as packed, tarfile.open(fileobj=packed) as archive:
        member = archive.extractfile("home/dagster/dagster.yaml")
        assert member is not None
        return member.read()


def test_a_text_that_we_wrote_is_replaced(tmp_path: Path, former: bytes) -> None:
    """A new home and one of before end with the same settings, which name the queue of cycles."""
    for text in (None, former, SETTINGS.encode()):
        if text is not None:
            (tmp_path / "dagster.yaml").write_bytes(text)
        if text == former:
            assert "is as an earlier version wrote it" in judge_settings(tmp_path)[0].found
        write_settings(tmp_path)
        assert (tmp_path / "dagster.yaml").read_text() == SETTINGS
        assert judge_settings(tmp_path) == []


def test_an_edited_text_stays_and_doctor_prints_the_lines(tmp_path: Path, former: bytes) -> None:
    """One byte more, and it is theirs."""
    path = tmp_path / "dagster.yaml"
    path.write_bytes(former + b"# mine\n")
    write_settings(tmp_path)
    assert path.read_bytes() == former + b"# mine\n"
    (finding,) = judge_settings(tmp_path)
    assert (finding.what, finding.state) == ("dagster.yaml", "warn")
    assert "class: CycleRunCoordinator" in finding.cure
    assert "limit: 1}" in finding.cure


def test_a_home_without_settings_says_nothing(tmp_path: Path) -> None:
    """They are written when Dagster's home is prepared."""
    assert judge_settings(tmp_path / "dagster") == []
