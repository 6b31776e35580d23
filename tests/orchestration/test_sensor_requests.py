"""One classifier's fault costs the others nothing, and it is never silent."""

import logging
from pathlib import Path

import dagster as dg
import pytest

from orchestration.sensor_requests import ask_each
from ratchet.core.errors import RatchetError
from ratchet.storage.home import Home


def ask(name: str) -> dg.RunRequest | str:
    """Answer by the name: a request, a reason, an error of ours, or one that nobody expected."""
    if name == "moves":
        return dg.RunRequest(run_key=name)
    if name == "damaged":
        raise RatchetError("its ledger is damaged.", "Restore it.")
    if name == "surprising":
        raise OSError(28, "No space left on device")
    return "nothing is compared with live"


@pytest.mark.parametrize("first", ["damaged", "surprising", "quiet"])
def test_a_fault_of_one_classifier_leaves_the_requests_of_the_others(tmp_path: Path, first: str) -> None:
    """Whatever comes before it, the request is made; then there is no reason to skip."""
    requests, skip = ask_each(Home(tmp_path), [first, "moves"], ask)
    assert ([request.run_key for request in requests], skip) == (["moves"], None)


def test_without_requests_every_reason_is_shown(tmp_path: Path) -> None:
    """By classifier; a home without one says so."""
    _, skip = ask_each(Home(tmp_path), ["quiet", "damaged", "surprising"], ask)
    assert skip is not None
    assert skip.skip_message == (
        "quiet: nothing is compared with live; damaged: its ledger is damaged. hint: Restore it.;"
        " surprising: OSError: [Errno 28] No space left on device"
    )
    _, skip = ask_each(Home(tmp_path), [], ask)
    assert skip is not None
    assert skip.skip_message == f"no classifier in {tmp_path}"


def test_an_unexpected_error_is_logged_with_its_traceback(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Also in a tick that requests a run for another classifier, which then shows no reason."""
    with caplog.at_level(logging.WARNING):
        ask_each(Home(tmp_path), ["damaged", "surprising", "moves"], ask)
    (record,) = caplog.records
    assert record.getMessage() == "surprising: the sensor could not look at it"
    assert record.exc_info is not None
    assert record.exc_info[0] is OSError
