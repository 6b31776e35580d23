"""A frontier model's answers outlive the process, whole or not at all."""

import json
from datetime import date
from pathlib import Path

import pytest

from ratchet.config.frontier import Frontier
from ratchet.config.spec import Label, Spec
from ratchet.core.cycle import Cycle
from ratchet.core.errors import RatchetError
from ratchet.models.frontier.client import FrontierClient, UnavailableFrontier
from ratchet.models.frontier.response import FrontierAnswer
from ratchet.storage.frontier_cache import CycleSpendLog, FrontierCache, open_frontier
from ratchet.storage.home import Home

DIGEST = "ab" * 32
ANSWER = FrontierAnswer(1, "", 40, 1, (0.1, 0.9), 0.2)


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"digest": "x", "answer": {}}', None])
def test_a_damaged_answer_is_asked_for_again(tmp_path: Path, damage: bytes | None) -> None:
    """Never half read: cut, emptied, of another question, or changed in one figure."""
    memory = FrontierCache(tmp_path)
    assert memory.recall(DIGEST) is None
    memory.keep(DIGEST, ANSWER)
    assert memory.recall(DIGEST) == ANSWER
    path = tmp_path / f"{DIGEST}.json"
    changed = {**json.loads(path.read_bytes()), "answer": {**ANSWER.as_json(), "label": 0}}
    path.write_bytes(json.dumps(changed).encode() if damage is None else damage)
    assert memory.recall(DIGEST) is None
    memory.keep(DIGEST, ANSWER)
    other = tmp_path / f"{'cd' * 32}.json"
    other.write_bytes(path.read_bytes())
    assert memory.recall("cd" * 32) is None
    with pytest.raises(ValueError, match="not a digest"):
        memory.recall("../../classifier")


def test_money_is_the_last_word_on_each_attempt(tmp_path: Path) -> None:
    """An attempt that was never settled counts with what was set aside; a torn last line was never acknowledged."""
    log = CycleSpendLog(tmp_path / "2026-01-05.jsonl")
    assert log.spent() == 0
    for name, money in (("a", 0.5), ("b", 0.25), ("a", 0.125)):
        log.write(name, money)
    with log.path.open("ab") as file:
        file.write(b'{"attempt": "c", "mon')
    assert log.spent() == 0.375


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"attempt": "a"}',
        '{"attempt": "a", "money": NaN}',
        '{"attempt": "a", "money": -1}',
        '{"attempt": 1, "money": 1}',
    ],
)
def test_spending_that_cannot_be_told_is_one_sentence(tmp_path: Path, line: str) -> None:
    """A broken whole line may be any attempt's: nothing is asked until somebody looked."""
    log = CycleSpendLog(tmp_path / "spent" / "2026-01-05.jsonl")
    log.write("a", 0.5)
    with log.path.open("a") as file:
        file.write(f"{line}\n")
    log.write("b", 0.5)
    with pytest.raises(RatchetError, match=r"line 2 of spent/2026-01-05.jsonl is not an entry"):
        log.spent()


def test_more_labels_than_codes_are_not_asked_for(tmp_path: Path) -> None:
    """An encoder may have them; it is trained and judged without the frontier's row, which says why."""
    labels = tuple(Label(f"label {number}") for number in range(60))
    spec = Spec("small", labels, frontier=Frontier("https://api.example.com/v1", "m", 1.0, 1.0))
    asker = open_frontier(Home(tmp_path), Cycle("small", date(2026, 1, 5)), spec)
    assert isinstance(asker, UnavailableFrontier)
    found = asker.ask(["a text"])
    assert found.sentence == "The frontier model was not asked: 60 labels are more than the 52 one-token codes."
    assert found.answers == (None,)


def test_a_specification_without_a_frontier_asks_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one, the key is the environment's, and each week has its own budget."""
    home, cycle, labels = Home(tmp_path), Cycle("small", date(2026, 1, 5)), (Label("a"), Label("b"))
    assert open_frontier(home, cycle, Spec("small", labels)) is None
    spec = Spec(
        "small", labels, frontier=Frontier("https://api.example.com/v1", "m", 1.0, 1.0, key_variable="OTHER_KEY")
    )
    monkeypatch.setenv("OTHER_KEY", " secret\n")
    asker = open_frontier(home, cycle, spec)
    assert isinstance(asker, FrontierClient)
    assert asker.key == "secret"
    monkeypatch.setenv("OTHER_KEY", "zwei\nzeilen")
    assert isinstance(found := open_frontier(home, cycle, spec), FrontierClient)
    assert found.key is None
    asker.log.write("a", 1.0)
    later = open_frontier(home, Cycle("small", date(2026, 1, 12)), spec)
    assert isinstance(later, FrontierClient)
    assert later.log.spent() == 0
