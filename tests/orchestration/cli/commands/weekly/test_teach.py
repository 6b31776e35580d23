"""`ratchet teach` asks about training rows only, pays for each once, and writes what a candidate's teacher is read
from."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ratchet.core.filesystem import DISK
from ratchet.ingest.landing import Landing
from ratchet.ingest.rebuild import open_warehouse
from ratchet.storage.home import Home
from ratchet.storage.specs import Specs
from ratchet.testing.frontier_server import LocalFrontier, serve_locally
from ratchet.testing.homes import WORDS, SmallClassifier
from ratchet.training.teacher import match_answers, read_teacher_answers
from ratchet.workflows.plan_cycle import read_next_cycle

pytestmark = pytest.mark.slow

TABLE = '[frontier]\nbase_url = "{}"\nmodel = "large"\nprice_input = 1\nprice_output = 2\nmax_texts = 1\n'
CODES = {label: str(code) for code, label in enumerate(WORDS, start=1)}
LABELS = tuple(WORDS)


def right(prompt: str) -> str:
    """The code of the label whose words stand in the text."""
    text = prompt.partition("Message: ")[2]
    return next((CODES[label] for label, words in WORDS.items() if any(word in text for word in words)), "1")


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SmallClassifier, LocalFrontier]]:
    """A home with one week of rows and a frontier model on loopback; nothing was trained."""
    small = SmallClassifier(Home(tmp_path_factory.mktemp("teach") / "home"))
    with serve_locally(LocalFrontier(answer=right, codes=tuple(CODES.values()))) as server:
        small.write(TABLE.format(server.base_url))
        small.write_week(date(2026, 1, 5))
        Landing(small.home, open_warehouse(small.home, "small")).take(Specs(small.home)["small"])
        yield small, server


@pytest.fixture
def train(asked: tuple[SmallClassifier, LocalFrontier]) -> list[str]:
    """The training texts of the week; the server has forgotten what it was asked."""
    small, server = asked
    server.requests.clear()
    server.faults = lambda number: ""
    examples = read_next_cycle(small.home, "small", "latest")[2].examples
    return list(examples[examples["split"] == "train"]["text"])


def test_training_rows_and_nothing_else_are_asked_once(call: Any, asked: Any, train: list[str]) -> None:
    """What is held out is never sent; the file is read by a candidate's own reader; the second time costs nothing."""
    small, server = asked
    found = call("--home", small.home.root, "teach", "small", "--json")
    assert found.code == 0, found.err
    said = json.loads(found.out)
    sent = sorted(
        request["messages"][0]["content"].partition("Message: ")[2].partition("\n")[0] for request in server.requests
    )
    assert sent == sorted(train)
    assert (said["taught"], said["texts"], said["remembered"]) == (len(train), len(train), 0)
    assert said["spent"] == pytest.approx((server.tokens_in + 2 * server.tokens_out) / 1e6)
    path = small.folder / "teachers" / "frontier.jsonl"
    assert said["file"] == str(path)
    answers = match_answers(read_teacher_answers(path, LABELS), train, LABELS)
    assert answers.max(axis=1) == pytest.approx([0.8] * len(train))
    assert [CODES[LABELS[place]] for place in answers.argmax(axis=1)] == [right(f"Message: {text}") for text in train]
    before = path.read_bytes()
    again = call("--home", small.home.root, "teach", "small", "--file", "other.jsonl")
    assert again.code == 0, again.err
    assert f"{len(train)} of {len(train)} training texts of 2026-01-05 have an answer" in again.out
    assert len(server.requests) == len(train)
    assert (small.folder / "teachers" / "other.jsonl").read_bytes() == before
    spent = small.folder / "frontier" / "spent"
    assert [path.name for path in spent.iterdir()] == ["2026-01-05-teaching.jsonl"], "a cycle's budget is another"


def test_bare_labels_teach_only_where_it_is_asked_for(call: Any, asked: Any, train: list[str]) -> None:
    """They are left out and counted, and nothing is written when too few are left; a share makes probabilities of
    them."""
    small, server = asked
    words = ("--home", small.home.root, "teach", "small", "--file", "bare.jsonl")
    spec = small.folder / "classifier.toml"
    before = spec.read_text()
    try:
        spec.write_text(before.replace('"large"', '"silent"'))
        server.faults = lambda number: "no_logprobs"
        refused = call(*words)
        assert refused.code == 1
        assert f"0 of {len(train)} training texts have a usable answer; at least half must." in refused.err
        assert "--one-hot 0.9" in refused.err
        assert not (small.folder / "teachers" / "bare.jsonl").exists()
        done = call(*words, "--one-hot", "0.9")
        assert done.code == 0, done.err
        assert len(server.requests) == len(train), "what was answered is kept"
        answers = match_answers(read_teacher_answers(small.folder / "teachers" / "bare.jsonl", LABELS), train, LABELS)
        assert answers.max(axis=1) == pytest.approx([0.9] * len(train))
        assert call(*words, "--one-hot", "0.2").code == 64
        spec.write_text(before.replace('model = "large"', 'model = "large"\nlog_probabilities = false'))
        refused = call(*words)
        assert (refused.code, len(server.requests)) == (1, len(train))
        assert "frontier.log_probabilities = false" in refused.err
    finally:
        spec.write_text(before)


def test_what_is_left_out_is_said_with_the_exit_code(call: Any, asked: Any, train: list[str]) -> None:
    """Refusals and texts that were not sent keep their label; a budget that ends too early writes nothing."""
    small, server = asked
    spec = small.folder / "classifier.toml"
    before = spec.read_text()
    try:
        spec.write_text(before.replace('"large"', '"shy"'))
        server.faults = lambda number: "refusal" if number < 2 else ""
        words = ("--home", small.home.root, "teach", "small", "--file", "part.jsonl")
        poor = call(*words, "--budget", "0.0001")
        assert (poor.code, len(server.requests)) == (1, 0)
        assert "could have exceeded the budget of 0.0001" in poor.err
        done = call(*words, "--max-texts", str(len(train) - 1))
        assert done.code == 3, done.err
        assert "skipped, to be learned by their label only: 1 not sent, 2 unusable" in done.out
        assert len(read_teacher_answers(small.folder / "teachers" / "part.jsonl", LABELS)) == len(train) - 3
    finally:
        spec.write_text(before)


def test_somebody_elses_file_and_name_are_left_alone(call: Any, asked: Any, train: list[str], tmp_path: Path) -> None:
    """A file made by hand, a link and a name that is a path are refused before anything is asked."""
    small, server = asked
    folder = small.folder / "teachers"
    folder.mkdir(exist_ok=True)
    (folder / "mine.jsonl").write_text('{"text": "x", "probabilities": {}}\n')
    (folder / "link.jsonl").symlink_to(tmp_path / "elsewhere")
    for file, code in (("mine.jsonl", 1), ("link.jsonl", 1), ("../classifier.jsonl", 64), ("answers.parquet", 64)):
        found = call("--home", small.home.root, "teach", "small", "--file", file)
        assert found.code == code, (file, found.err)
        assert "hint: " in found.err
    folder = small.home.frontier("small")
    folder.mkdir(exist_ok=True)
    with DISK.lock(folder / ".teaching.lock"):
        assert (
            "another process runs a teacher"
            in call("--home", small.home.root, "teach", "small", "--file", "two.jsonl").err
        )
    assert call("--home", small.home.root, "teach", "small", "--budget", "nan").code != 0
    assert server.requests == []
    assert not (tmp_path / "elsewhere").exists()
