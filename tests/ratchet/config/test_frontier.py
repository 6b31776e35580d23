"""The `[frontier]` table refuses what would leak, cost or hang, with the cure; and it decides nothing."""

from pathlib import Path

import pytest

from ratchet.config.frontier import Frontier
from ratchet.config.spec import Label, Spec
from ratchet.core.errors import RatchetError
from ratchet.storage.specs import load_spec

URL = "https://api.example.com/v1"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"base_url": "http://api.example.com/v1"}, "in the clear"),
        ({"base_url": "https://key:secret@api.example.com/v1"}, "not the address"),
        ({"base_url": "https://api.example.com/v1?key=x"}, "not the address"),
        ({"base_url": "ftp://api.example.com"}, "not the address"),
        ({"base_url": "api.example.com/v1"}, "not the address"),
        ({"base_url": "https://host:99999/v1"}, "not the address"),
        ({"model": " "}, "model is empty"),
        ({"key_variable": "sk-abcdef"}, "not the name of an environment variable"),
        ({"price_input": -1.0}, "too small"),
        ({"budget": float("inf")}, "not finite"),
        ({"budget": float("nan")}, "too small"),
        ({"retries": 11}, "above 10"),
        ({"timeout_s": 0.0}, "too small"),
        ({"at_once": 0}, "too small"),
    ],
)
def test_what_cannot_be_used_is_refused(changes: dict[str, object], said: str) -> None:
    """In one sentence with the cure, and without repeating what may be a key."""
    with pytest.raises(RatchetError, match=said) as refused:
        Frontier(**{"base_url": URL, "model": "m", "price_input": 1.0, "price_output": 2.0, **changes})  # type: ignore[arg-type]
    assert refused.value.hint
    assert "secret" not in str(refused.value)
    assert "sk-abcdef" not in str(refused.value)


def test_plain_http_is_for_this_machine() -> None:
    """A server on loopback needs no certificate."""
    assert Frontier("http://127.0.0.1:8000/v1", "m", 0.0, 0.0).is_local
    assert not Frontier(URL, "m", 0.0, 0.0).is_local


def test_prices_are_asked_for_and_named(tmp_path: Path) -> None:
    """A table without its price is refused by key and file; with it, it is read."""
    path = tmp_path / "small" / "classifier.toml"
    path.parent.mkdir()
    head = (
        f'[[label]]\nname = "a"\n[[label]]\nname = "b"\n[frontier]\nbase_url = "{URL}"\nmodel = "m"\nprice_input = 3\n'
    )
    path.write_text(head)
    with pytest.raises(RatchetError, match=r"'frontier\.price_output' is missing"):
        load_spec(path)
    path.write_text(f"{head}price_output = 15\n[evaluation]\nmax_texts = 0\n")
    spec = load_spec(path)
    assert spec.frontier == Frontier(URL, "m", 3, 15)
    path.write_text(f"{head}price_output = 15\nbugdet = 2\n")
    with pytest.raises(RatchetError, match="unknown key"):
        load_spec(path)


def test_what_only_the_report_shows_changes_no_digest() -> None:
    """A candidate that was judged before a price changed may still be promoted."""
    labels = (Label("a"), Label("b"))
    assert Spec("s", labels).digest == Spec("s", labels, frontier=Frontier(URL, "m", 1.0, 2.0)).digest
