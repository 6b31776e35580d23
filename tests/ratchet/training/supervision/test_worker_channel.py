"""What a worker tells arrives in order, and its last words are kept."""

import io
import os

from ratchet.core.errors import RatchetError
from ratchet.training.supervision.worker_channel import Channel, relay_worker


class Heard:
    """A progress that remembers."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def say(self, line: str) -> None:
        """Remember a line."""
        self.told.append(line)

    def epoch(self, figures: object) -> None:
        """Remember figures."""
        self.told.append(figures)

    def finish(self, metadata: object, data_version: str) -> None:
        """A worker does not finish a training."""
        raise AssertionError


def test_lines_and_figures_arrive_in_order() -> None:
    """Through a real pipe; without an error there are no last words."""
    ours, theirs = os.pipe()
    channel, heard = Channel(theirs), Heard()
    channel.say("one ü\ntwo")
    channel.epoch({"epoch": 1, "nll": 0.5})
    os.close(theirs)
    with os.fdopen(ours, "rb") as stream:
        last = relay_worker(stream, heard)
    assert heard.told == ["one ü\ntwo", {"epoch": 1, "nll": 0.5}]
    assert [last.error, last.second] == [None, None]


def test_the_error_and_the_second_one_s_end_are_last_words() -> None:
    """With message, cure and code; a document that death cut short is dropped."""
    ours, theirs = os.pipe()
    channel = Channel(theirs)
    channel.fail(RatchetError("none trained.", "Look.", code="no_candidate"))
    channel.lose_second(-9)
    os.close(theirs)
    with os.fdopen(ours, "rb") as stream:
        failed, lost = stream.readlines()
    error = relay_worker(io.BytesIO(failed + lost[:-1]), Heard()).error
    assert error is not None
    assert [error.message, error.hint, error.code] == ["none trained.", "Look.", "no_candidate"]
    assert relay_worker(io.BytesIO(lost + lost[:5]), Heard()).second == -9
