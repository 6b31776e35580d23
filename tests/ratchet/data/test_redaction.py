"""Personal data leaves a text once and for all, and nothing else does."""

import random

import pytest
from datafog import scan

from ratchet.data.redaction import ENTITIES, redact, redact_all
from ratchet.simulation.traces import LABELS, make_trace

PIECES = (
    "a@b.com", "user.name+tag@sub.example.co.uk", "4111 1111 1111 1111", "4111111111111111", "+1 (555) 123-4567",
    "555-123-4567",
    "192.168.1.1", "10.0.0.1:8080", "123-45-6789", "+44 20 7946 0958", "2024-01-01", "12345", "hello", "[EMAIL]", "(",
    ")", ",",
    "-", "+", " ", "1", "x12", "120000ms", "scroll:page(120000ms)", "@",
    "\u0663\u0663\u0663-\u0661\u0662\u0663-\u0664\u0665\u0666\u0667",
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected", "kind"),
    [
        ("write to jo.doe+x@mail.example.org now", "write to [EMAIL] now", "email"),
        ("call +1 (555) 123-4567 today", "call [PHONE] today", "phone"),
        ("card 4111 1111 1111 1111 was refused", "card [CREDIT_CARD] was refused", "credit_card"),
        ("from 192.168.10.20 at noon", "from [IP_ADDRESS] at noon", "ip_address"),
        ("my number is 123-45-6789", "my number is [SSN]", "ssn"),
    ],
)
def test_each_kind_of_personal_data_is_replaced_and_counted(text: str, expected: str, kind: str) -> None:
    """A placeholder stands in its place, and the count names its kind."""
    assert redact_all([f"  {text} ", "nothing here"]) == ([expected, "nothing here"], {kind: 1})
    assert kind.upper() in ENTITIES


def test_redacting_twice_changes_nothing() -> None:
    """Over 3,000 random glued texts, among them pieces that are recognised only once a neighbour is gone."""
    generator = random.Random(0)  # noqa: S311
    for _ in range(3000):
        text = "".join(
            generator.choice(PIECES) + generator.choice(("", "", " ")) for _ in range(generator.randint(1, 7))
        )
        once = redact(text)
        assert redact(once) == once, text


def test_what_is_glued_to_a_neighbour_is_found_too() -> None:
    """The number after an address without a space between is recognised in a second look."""
    assert redact_all(["a@b.com5551234567"]) == (["[EMAIL][PHONE]"], {"email": 1, "phone": 1})


def test_form_traces_stay_as_they_are() -> None:
    """Milliseconds, key counts and field names such as phone are no personal data: 600 traces of every class."""
    fixed = [
        "scroll:page(120000ms), input:phone(x12)",
        "input:card_number(x16), blur:card_number(invalid_luhn)",
        "input:ip(x11), submit",
    ]
    generator = random.Random(1)  # noqa: S311
    traces = fixed + [make_trace(label, generator) for label in LABELS for _ in range(100)]
    assert redact_all(traces) == (traces, {})


@pytest.mark.parametrize(
    "text", ["", "plain words", "on 2024-01-01 at 12:30", "order 12345 of 99 items", "room 4, ZIP 90210"]
)
def test_ordinary_numbers_stay(text: str) -> None:
    """Dates, ZIP codes and small numbers are left on purpose."""
    assert redact(text) == text


def test_the_quick_look_never_hides_what_the_detector_would_find() -> None:
    """8,000 random strings of digits and separators: whatever datafog finds in the text is gone afterwards."""
    generator = random.Random(2)  # noqa: S311
    letters = "0123456789" * 3 + "  ..--++()@ax\u0663"
    for _ in range(8000):
        text = "".join(generator.choices(letters, k=generator.randint(4, 20))).strip()
        if scan(text, entity_types=list(ENTITIES)).entities:
            assert redact(text) != text, text
