"""Form events as words: every event, every bucket, and whatever is not an event as it is."""

import random

import pytest

from ratchet.data.form_events import render_events
from ratchet.simulation.traces import LABELS, make_trace


@pytest.mark.parametrize(
    ("events", "words"),
    [
        (
            "focus:card_number, input:card_number(x16), blur:card_number(invalid_luhn), focus:card_number, exit",
            "enter card number, type keys, fails invalid luhn, enter card number again, exit",
        ),
        ("input:email(x255), input:pin, submit", "write email impossibly many keys, write pin one key, submit"),
        ("focus:a, input:a(x2), input:a(x5), input:a(x6)", "enter a, type few keys, type few keys, type keys"),
        ("focus:a, input:a(x25), input:a(x26), input:a(x80)",
         "enter a, type keys, type many keys, type impossibly many keys"),
        ("focus:a_b, blur:c_d, blur:c_d(too_short), blur:a_b", "enter a b, leave c d, fails too short c d, leave"),
        ("scroll:page(500ms), scroll:page(1999ms), scroll:page(2000ms), scroll:page(7999ms)",
         "brief pause, brief pause, short pause, short pause"),
        ("scroll:page(8000ms), scroll:page(29999ms), scroll:page(30000ms), scroll:page(300000ms)",
         "pause, pause, long gap, very long gap"),
        ("focus:billing_address_line_2,blur:billing_address_line_2 ,  exit",
         "enter billing address line 2, leave, exit"),
        ("focus:email, note:[EMAIL], hover:price, scroll:page(-1ms), input:email(x)",
         "enter email, note:[EMAIL], hover:price, scroll:page(-1ms), input:email(x)"),
        ("my parcel is late, again", "my parcel is late, again"),
        ("", ""),
    ],
)  # fmt: skip
def test_events_are_put_into_words(events: str, words: str) -> None:
    """Names are said once, durations and key strokes as buckets; nothing unknown is lost or refused."""
    assert render_events(events) == words


def test_a_rendered_trace_is_shorter_and_leaves_no_number() -> None:
    """Half of the tokens, and no exact time that a model could learn by heart."""
    draw = random.Random(9)  # noqa: S311
    for label in LABELS * 40:
        text = make_trace(label, draw)
        rendered = render_events(text)
        assert rendered.count(", ") == text.count(", ")
        assert "(" not in rendered
        assert ":" not in rendered
