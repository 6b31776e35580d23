"""Personal data leaves a text once and for all, and nothing else does."""

import random
import time

import pytest
from datafog import scan

from ratchet.data.redaction import ENTITIES, redact, redact_all
from ratchet.simulation.traces import LABELS, make_trace

PHONES = (
    # of anywhere
    "call me on +49 30 1234567 please", "ring +44 (0)20 7946 0958", "+33 (0)6 12 34 56 78", "0033612345678",
    "Rufen Sie 0049 30 1234567 an", "+15551234567", "+41 44 668 18 00", "+48 600 123 456", "tel:+4930123456",
    "+91 98765 43210", "+45 12 34 56 78",
    # of Europe
    "Tel. 030/1234567", "(030) 123 45 67", "0171 / 123 45 67", "01711234567", "Handy: 0171-1234567",
    "Telefon 0221/1234-567", "fax 089 / 123 456 - 0", "mon numéro est le 06 12 34 56 78", "06.12.34.56.78",
    "06-12-34-56-78 merci", "0612345678", "020 7946 0958", "07911 123456", "044 668 18 00", "612 34 56 78",
    "llámame al 912 345 678", "347 123 4567", "06-12345678", "0475 12 34 56", "030 1234567 oder 0171 1234567",
    # of other places
    "(555) 123-4567", "555-123-4567", "555.123.4567", "555 123 4567", "1-800-555-0199", "Phone(555) 123-4567",
    "call 5551234567", "my phone number is 5551234567", "03-1234-5678", "138 0013 8000", "0412 345 678",
    "(11) 91234-5678", "8 (495) 123-45-67",
)  # fmt: skip
OTHERS = (
    # numbers of orders and the like
    "order 4711223344 was late", "my order number is 1234567890", "Bestellnummer 0171234567", "#1234567890",
    "tracking 1234567890123", "ORD-555-123-4567", "invoice 2023-000123456", "ref: 030-1234567", "302-1234567-1234567",
    "Rechnung Nr. 0123456789", "ticket 5551234567", "0000123456", "00012345678905", "1Z9991234567890123", "5551234567",
    "ISBN 978-3-16-148410-0", "550e8400-e29b-41d4-a716-446655440000", "MAC 00:11:22:33:44:55",
    # versions and addresses
    "version 2.14.1034567", "v1.555.123.4567", "build 20240115.1234567", "version 10.0.0.1",
    "https://shop.example/item/5551234567?ref=030/1234567", "www.example.com/0171/1234567",
    # dates and times
    "on 2024-01-01 at 12:30", "01.02.2024 12:30", "2024-01-01 12 30 45", "10/20/2024 and 11/21/2024", "1706000000",
    "20240115103000", "2019-2020 2021-2022", "12:30-14:45 15:00",
    # amounts and measures
    "paid 1.234.567,00 EUR", "1 234 567 €", "$1234567890", "1,234,567.89", "1000000000 EUR", "4 x 1000000 bytes",
    "52.5200 13.4050", "3.141592653589", "room 4, ZIP 90210", "page 10-20, 30-40, 50-60", "size 1920 1080 2560 1440",
)  # fmt: skip
OF_OTHER_KINDS = (
    ("write to jo.doe+x@mail.example.org, now", "write to [EMAIL], now", "email"),
    ("ü.b@münchen.de", "[EMAIL]", "email"),
    ("https://example.org/?to=a@example.org", "https://example.org/?to=[EMAIL]", "email"),
    ("card 4111 1111 1111 1111 was refused", "card [CREDIT_CARD] was refused", "credit_card"),
    ("4111111111111111", "[CREDIT_CARD]", "credit_card"),
    ("IBAN DE89 3704 0044 0532 0130 00 bitte", "IBAN [IBAN] bitte", "iban"),
    ("to GB82 WEST 1234 5698 7654 32 PLEASE", "to [IBAN] PLEASE", "iban"),
    ("from 192.168.10.20 at noon", "from [IP_ADDRESS] at noon", "ip_address"),
    ("my number is 123-45-6789", "my number is [SSN]", "ssn"),
)


@pytest.mark.parametrize("text", PHONES)
def test_telephone_numbers_are_replaced(text: str) -> None:
    """Numbers of many countries, however they are grouped: no digit of them stays."""
    shown = redact(text)
    assert "[PHONE]" in shown
    assert not any(map(str.isdigit, shown))


@pytest.mark.parametrize("text", OTHERS)
def test_other_numbers_stay(text: str) -> None:
    """Order numbers, versions, addresses of pages, dates and amounts are what the text is about."""
    assert redact(text) == text


@pytest.mark.parametrize(("text", "expected", "kind"), OF_OTHER_KINDS)
def test_each_other_kind_of_personal_data_is_replaced_and_counted(text: str, expected: str, kind: str) -> None:
    """A placeholder stands in its place, and the count names its kind; check digits decide on accounts and cards."""
    assert redact_all([f"  {text} ", "nothing here"]) == ([expected, "nothing here"], {kind: 1})


@pytest.mark.parametrize("text", ["4111 1111 1111 1112", "5555-5555-5555-5555", "DE88 3704 0044 0532", "123456 pieces"])
def test_wrong_check_digits_are_no_card_and_no_account(text: str) -> None:
    """Sixteen digits are often a number of something else."""
    assert redact(text) == text


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("order 4711223344 was late", "order [PHONE] was late"),
        ("Tel. 030/1234567", "Tel. 030/1234567"),
        ("a@b.com5551234567", "[EMAIL][PHONE]"),
        (" call +1 (555) 123-4567 ", "call [PHONE]"),
    ],
)
def test_the_first_version_still_reads_as_it_did(text: str, first: str) -> None:
    """An adapter of before gets the same placeholders as at its training, right or wrong."""
    assert redact(text, version=1) == first


def test_the_time_is_in_proportion_to_the_length() -> None:
    """The worst texts of 64,000 characters, made of what each rule looks for, take a second at most."""
    for piece in (
        "1 ",
        "(1",
        "a@",
        "a@b.com555",
        "4111 ",
        "DE89 ",
        "AB12",
        "1.1.",
        "call 12345678 ",
        "order no no 1234567 ",
    ):
        started = time.process_time()
        redact(piece * (64_000 // len(piece)))
        assert time.process_time() - started < 5, piece


PIECES = (
    "a@b.com", "user.name+tag@sub.example.co.uk", "4111 1111 1111 1111", "4111111111111111", "+1 (555) 123-4567",
    "555-123-4567",
    "192.168.1.1", "10.0.0.1:8080", "123-45-6789", "+44 20 7946 0958", "2024-01-01", "12345", "hello", "[EMAIL]", "(",
    ")", ",",
    "-", "+", " ", "1", "x12", "120000ms", "scroll:page(120000ms)", "@",
    "\u0663\u0663\u0663-\u0661\u0662\u0663-\u0664\u0665\u0666\u0667", "030/1234567", "order ", "call ", "EUR",
    "06 12 34 56 78", "DE89 3704 0044 0532 0130 00", "/", ":", ".",
)  # fmt: skip


def test_redacting_twice_changes_nothing() -> None:
    """Over 2,000 random glued texts, among them pieces that are recognised only once a neighbour is gone."""
    generator = random.Random(0)  # noqa: S311
    for _ in range(2000):
        text = "".join(
            generator.choice(PIECES) + generator.choice(("", "", " ")) for _ in range(generator.randint(1, 7))
        )
        for version in (1, 2):
            once = redact(text, version=version)
            assert redact(once, version=version) == once, text


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


def test_the_quick_look_never_hides_what_the_detector_would_find() -> None:
    """4,000 random strings of digits and separators: version 1 replaces whatever datafog finds."""
    generator = random.Random(2)  # noqa: S311
    letters = "0123456789" * 3 + "  ..--++()@ax\u0663"
    for _ in range(4000):
        text = "".join(generator.choices(letters, k=generator.randint(4, 20))).strip()
        if scan(text, entity_types=list(ENTITIES)).entities:
            assert redact(text, version=1) != text, text
