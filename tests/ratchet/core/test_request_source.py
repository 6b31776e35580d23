"""Which requests come from a page of another site, by their headers alone."""

import pytest

from ratchet.core.request_source import (
    Destination,
    came_through_proxy,
    has_foreign_host,
    has_foreign_origin,
    media_type,
)

OURS = Destination(frozenset({"10.0.0.5"}), frozenset({"ratchet.example.org", "labels.example.org:8443"}))


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("localhost", True),
        ("localhost:8008", True),
        ("LOCALHOST:8008", True),
        ("127.0.0.1:1", True),
        ("[::1]:8008", True),
        ("[::1]", True),
        ("10.0.0.5:8008", True),
        ("ratchet.example.org", True),
        ("Ratchet.Example.org:443", True),
        ("labels.example.org:8443", True),
        ("labels.example.org", False),
        ("labels.example.org:80", False),
        ("evil.test", False),
        ("127.0.0.1.evil.test", False),
        ("evil.test:127", False),
        ("localhost.evil.test:8008", False),
        ("evil.test@localhost", False),
        ("localhost@evil.test", False),
        ("localhost:8008:8008", False),
        ("localhost, evil.test", False),
        ("10.0.0.6", False),
        ("0.0.0.0:8008", False),
        ("0", False),
        ("[::2]:8008", False),
        ("[", False),
        ("", False),
        ("localhost\x00", False),
        ("loc\u0430lhost", False),
    ],
)
def test_a_host_is_ours_or_another_sites(host: str, ours: bool) -> None:
    """Loopback names, the connection's address and the listed names are ours, whatever the port; nothing else is."""
    assert has_foreign_host({"host": [host]}, OURS) is not ours
    assert has_foreign_host({"host": ["localhost", host]}, OURS) is not ours


def test_a_mapped_address_is_the_address_itself() -> None:
    """A socket that takes both families names IPv4 clients' address in the form of IPv6."""
    assert not has_foreign_host({"host": ["10.0.0.5:8008"]}, Destination(frozenset({"::ffff:10.0.0.5"})))
    assert not has_foreign_host({}, OURS)


@pytest.mark.parametrize(
    ("headers", "foreign"),
    [
        ({}, False),
        ({"origin": "http://localhost:8008"}, False),
        ({"origin": "https://ratchet.example.org"}, False),
        ({"origin": "https://labels.example.org:8443"}, False),
        ({"origin": "http://localhost:8008", "sec-fetch-site": "same-origin"}, False),
        ({"origin": "null", "sec-fetch-site": "same-origin"}, False),
        ({"origin": "null", "content-type": "application/x-www-form-urlencoded"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"origin": "null"}, True),
        ({"origin": "null", "sec-fetch-site": "cross-site"}, True),
        ({"origin": "https://evil.test"}, True),
        ({"origin": "http://localhost:8888"}, True),
        ({"origin": "http://localhost"}, True),
        ({"origin": "https://labels.example.org"}, True),
        ({"origin": "https://ratchet.example.org:8443"}, True),
        ({"origin": "http://10.0.0.5:8008"}, True),
        ({"origin": "https://ratchet.example.org.evil.test"}, True),
        ({"origin": "https://evil.test:443"}, True),
        ({"origin": "chrome-extension://localhost:8008"}, True),
        ({"origin": "localhost:8008"}, True),
        ({"origin": ""}, True),
        ({"sec-fetch-site": "cross-site"}, True),
        ({"sec-fetch-site": "same-site"}, True),
        ({"sec-fetch-site": "odd"}, True),
        ({"origin": "http://localhost:8008", "sec-fetch-site": "cross-site"}, True),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, True),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}, True),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}, True),
    ],
)
def test_an_origin_is_ours_or_another_sites(headers: dict[str, str], foreign: bool) -> None:
    """Another port of this machine is another site; a page without an origin must prove that it is ours."""
    listed = {"host": ["localhost:8008"], **{name: [value] for name, value in headers.items()}}
    assert [has_foreign_origin(listed, method, OURS) for method in ("GET", "POST")] == [foreign, foreign]


def test_a_link_from_elsewhere_opens_a_page_and_sends_no_form() -> None:
    """Someone may follow a link of a chat or mail; a form that it sends is refused."""
    link = {"sec-fetch-site": ["cross-site"], "sec-fetch-mode": ["navigate"], "sec-fetch-dest": ["document"]}
    assert [has_foreign_origin(link, method, OURS) for method in ("GET", "HEAD", "POST")] == [False, False, True]


@pytest.mark.parametrize(
    ("values", "type_"),
    [
        ([], ""),
        (["application/json"], "application/json"),
        (["Application/JSON; charset=utf-8"], "application/json"),
        (["text/plain; application/json"], "text/plain"),
        (["application/json", "text/plain"], ""),
    ],
)
def test_one_type_is_read_and_two_are_none(values: list[str], type_: str) -> None:
    """A type in a parameter is not the type."""
    assert media_type({"content-type": values}) == type_


def test_a_proxy_is_known_by_its_headers() -> None:
    """Each common one."""
    for name in ("forwarded", "via", "x-forwarded-for", "x-forwarded-port", "x-real-ip", "cf-connecting-ip"):
        assert came_through_proxy({name: [""]})
    assert not came_through_proxy({"host": ["localhost"]})
