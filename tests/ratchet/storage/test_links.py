"""Links are absolute, begin with the addresses of the settings, and quote whatever they are given."""

import pytest

from ratchet.config.home_settings import Addresses, HomeSettings
from ratchet.storage.links import Links

LINKS = Links(HomeSettings(addresses=Addresses("https://ratchet.example/a/", "https://dagster.example/")))


@pytest.mark.parametrize(
    ("link", "address"),
    [
        (Links().home(), "http://127.0.0.1:8008/"),
        (Links().run("abc"), "http://127.0.0.1:3000/runs/abc"),
        (LINKS.home(), "https://ratchet.example/a/"),
        (LINKS.trends("tickets"), "https://ratchet.example/a/trends/tickets"),
        (LINKS.reports("tickets"), "https://ratchet.example/a/reports/tickets"),
        (LINKS.report("tickets", "2026-01-05"), "https://ratchet.example/a/reports/tickets/2026-01-05"),
        (LINKS.rollout("tickets"), "https://ratchet.example/a/rollout/tickets"),
        (LINKS.review("tickets"), "https://ratchet.example/a/review/tickets"),
        (LINKS.why("a/../b?c#d"), "https://ratchet.example/a/why/a%2F..%2Fb%3Fc%23d"),
        (LINKS.manual(), "https://ratchet.example/a/manual"),
        (LINKS.manual("how-to/runbooks#blocked"), "https://ratchet.example/a/manual/how-to/runbooks/#blocked"),
        (LINKS.run("a b"), "https://dagster.example/runs/a%20b"),
    ],
)
def test_a_page_has_its_address(link: str, address: str) -> None:
    """The addresses of contract 3: the gateway's pages and Dagster's runs."""
    assert link == address
