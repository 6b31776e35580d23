"""The form of a Label Studio project: labels, keys and guide as data, whatever they hold."""

import xml.etree.ElementTree as ElementTree

import pytest

from ratchet.config.label_studio import check_url
from ratchet.config.spec import Label
from ratchet.core.errors import RatchetError
from ratchet.review.guide import Guide
from ratchet.review.label_studio.form import hotkeys, make_form, make_instructions
from ratchet.review.label_studio.marker import Marker, read_marker, write_marker


def test_payloads_stay_text(payloads: list[str], find_dangers: object) -> None:
    """Each payload as label, description and guide: the XML gives it back, the instructions hold no element of it."""
    assert callable(find_dangers)
    for payload in payloads:
        name = "".join(letter for letter in payload if letter.isprintable()).strip()[:100]
        labels = (Label(name, description=payload.replace("\0", "")), Label("other"))
        form = ElementTree.fromstring(make_form(labels))  # noqa: S314 - our own text
        first = next(form.iter("Choice"))
        assert (first.get("alias") or first.get("value")) == name
        page = make_instructions(labels, payload, Guide(payload, {name: payload}))
        assert find_dangers(page) == []


def test_keys_are_those_of_the_review_page_as_far_as_label_studio_tells_them_apart() -> None:
    """Digits, then letters without undo and note; no key twice, also with small letters alone."""
    keys = list(hotkeys([Label(f"label {n}") for n in range(60)]).values())
    assert keys[:12] == [*"1234567890ab"]
    assert len({key.lower() for key in keys}) == len(keys) == 34


def test_a_dollar_is_not_taken_for_a_field_of_the_task() -> None:
    """The editor showed `undefined` and saved an empty answer; results hold the alias, which is the name."""
    labels = (Label("$due", description="in $"), Label("b $c"))
    form = ElementTree.fromstring(make_form(labels))  # noqa: S314 - our own text
    choices = [(each.get("value"), each.get("alias"), each.get("hint")) for each in form.iter("Choice")]
    assert choices[:2] == [("\uff04due", "$due", "in \uff04"), ("b \uff04c", "b $c", None)]


@pytest.mark.parametrize("name", ["None of these", "Cannot tell", "ratchet:none"])
def test_a_label_that_would_mean_another_answer_is_refused(name: str) -> None:
    """Its answers could not be told from those in place of a label."""
    with pytest.raises(RatchetError, match="means another answer"):
        make_form((Label(name), Label("b")))


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://labels.example.com", "in the clear"),
        ("ftp://127.0.0.1", "in the clear"),
        ("https://user:secret@labels.example.com", "is not the address"),
        ("https://labels.example.com/?token=secret", "is not the address"),
        ("labels.example.com", "is not the address"),
        ("http://127.0.0.1:port", "is not the address"),
        ("http://127.0.0.1.example.com", "in the clear"),
    ],
)
def test_an_address_is_https_or_this_machine(url: str, reason: str) -> None:
    """The error does not repeat the address, which may hold a token."""
    with pytest.raises(RatchetError, match=reason) as caught:
        check_url(url)
    assert "secret" not in str(caught.value)


def test_an_address_of_this_machine_or_by_tls_is_taken() -> None:
    """Loopback in its three forms, and https."""
    for url in (
        "http://localhost:8080",
        "http://127.0.0.1:1",
        "http://[::1]:8080",
        "https://labels.example.com/studio",
    ):
        assert check_url(url) == url


def test_the_marker_survives_beside_what_people_write() -> None:
    """One line is replaced, the rest stays; a description without it has none."""
    once = write_marker("our project", Marker("0123456789abcdef-1", 3))
    again = write_marker(f"{once}\nmore", Marker("0123456789abcdef-1", 4))
    assert read_marker(again) == Marker("0123456789abcdef-1", 4)
    assert again.count("ratchet:") == 1
    assert "our project" in again
    assert "more" in again
    assert read_marker("our project") is None
