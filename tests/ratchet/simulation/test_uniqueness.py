"""Promises of uniqueness: marks keep weeks apart, and change a trace by little."""

import random

from ratchet.simulation.form_visits import Event
from ratchet.simulation.traces import LABELS, make_events
from ratchet.simulation.uniqueness import KEY_MARKS, mark_events


def test_a_trace_marked_for_one_week_is_left_alone_by_that_week_and_changed_by_others() -> None:
    """So no two of sixteen weeks in a row can write the same trace."""
    draw = random.Random(4)  # noqa: S311
    for label in LABELS:
        for _ in range(100):
            events = mark_events(make_events(label, draw), mark=3)
            if events is None:
                continue
            assert mark_events(events, mark=3) == events
            for other in range(4, 3 + KEY_MARKS):
                assert mark_events(events, mark=other) != events


def test_a_mark_raises_one_number_by_little() -> None:
    """A class's sign survives."""
    draw = random.Random(5)  # noqa: S311
    for label in LABELS:
        for mark in range(60):
            before = make_events(label, draw)
            after = mark_events(before, mark)
            if after is None:
                continue
            changed = [new.amount - old.amount for old, new in zip(before, after, strict=True) if old != new]
            assert len(changed) <= 1
            assert all(0 < amount < 64 for amount in changed)


def test_a_trace_without_numbers_passes_in_one_week_of_sixteen() -> None:
    """It has nothing that could be raised."""
    events = [Event("focus", "email"), Event("blur", "email"), Event("exit")]
    assert sum(mark_events(events, mark) == events for mark in range(KEY_MARKS)) == 1
