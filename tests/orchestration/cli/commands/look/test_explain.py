"""`ratchet explain` says why, on the terminal, as JSON and as a page; its probability is that of `ratchet predict`."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ratchet.evaluation.report.explanation import render_explanation
from ratchet.models.base_models import resolve_base
from ratchet.storage.home import Home
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.testing.homes import WORDS, SmallClassifier
from ratchet.testing.tiny_adapter import write_tiny_adapter
from ratchet.testing.tiny_encoder import write_tiny_encoder

pytestmark = pytest.mark.slow

TEXT = "parcel refund <script>alert(1)</script> password"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A home with one sealed adapter of classifier `small`, and its digest."""
    root = tmp_path_factory.mktemp("explain")
    home = Home(root / "home")
    SmallClassifier(home).write()
    base = resolve_base(str(write_tiny_encoder(root / "base", [word for words in WORDS.values() for word in words])))
    calibration = {"method": "temperature", "temperature": 0.7, "accepted": True, "reason": "made up"}
    adapter = write_tiny_adapter(root / "made", base, tuple(WORDS), seed=3)
    return home.root, AdapterStore(home).seal("small", adapter, {"calibration": calibration})


@pytest.fixture(scope="module")
def asked(made: tuple[Path, str]) -> tuple[Any, ...]:
    """The command for `TEXT`."""
    return "--home", made[0], "explain", "small", "--adapter", made[1][:10], "--text", TEXT


@pytest.fixture
def document(call: Any, asked: tuple[Any, ...]) -> dict[str, Any]:
    """What `--json` prints."""
    said = call(*asked, "--json")
    assert said.code == 0, said.err
    return dict(json.loads(said.out))


def test_its_probability_is_that_of_predict(
    call: Any, document: dict[str, Any], made: tuple[Path, str], tmp_path: Path
) -> None:
    """To the last digit, for every label."""
    (tmp_path / "in.jsonl").write_text(json.dumps({"text": TEXT}) + "\n")
    files = ("--input", tmp_path / "in.jsonl", "--output", tmp_path / "out.jsonl")
    assert call("--home", made[0], "predict", "small", "--adapter", made[1], *files).code == 0
    answer = json.loads((tmp_path / "out.jsonl").read_text())
    assert document["probabilities"] == answer["probabilities"]
    assert (document["label"], document["probability"]) == (answer["label"], answer["confidence"])


def test_another_label_is_explained_on_the_terminal(
    call: Any, asked: tuple[Any, ...], document: dict[str, Any]
) -> None:
    """The answer is said beside it; without a terminal there is no colour."""
    other = next(label for label in WORDS if label != document["answer"])
    said = call(*asked, "--label", other)
    assert said.code == 0
    assert said.out.startswith(
        f"{other} {document['probabilities'][other]:.3f}, the answer is {document['answer']}; adapter"
    )
    assert TEXT in said.out
    assert "nats" in said.out or "log-probability" in said.out
    assert "\x1b" not in said.out


@pytest.mark.parametrize("environment", [{}, {"NO_COLOR": "1"}])
def test_a_terminal_gets_colour_unless_it_is_refused(asked: tuple[Any, ...], environment: dict[str, str]) -> None:
    """A real pseudo-terminal: words for the answer green, words against it red."""
    leader, follower = pty.openpty()
    kept = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    command = [sys.executable, "-m", "orchestration.cli.app", *map(str, asked)]
    process = subprocess.Popen(
        command, stdout=follower, stderr=subprocess.DEVNULL, env={**kept, "TERM": "xterm", **environment}
    )
    os.close(follower)
    shown = b""
    try:
        while part := os.read(leader, 65536):
            shown += part
    except OSError:  # how a pseudo-terminal says that nobody writes any more
        pass
    os.close(leader)
    assert process.wait(timeout=60) == 0
    assert (b"\x1b[" in shown) == (not environment)
    assert b"parcel" in shown


def test_the_page_is_harmless_and_says_what_json_says(
    call: Any, asked: tuple[Any, ...], document: dict[str, Any], find_dangers: Any, tmp_path: Path
) -> None:
    """Escaped, without scripts, under the policy of the eval report; every word with its figure."""
    page = tmp_path / "why.html"
    assert call(*asked, "--html", page).code == 0
    content = page.read_text()
    assert find_dangers(content) == []
    assert "default-src &#39;none&#39;" in content
    assert "&lt;" in content
    assert f"{document['probability']:.3f}" in content
    for word in document["words"]:
        assert (
            f'title="{word["attribution"]:+.3f}"'.replace("-", "\N{MINUS SIGN}") in content
            or abs(word["attribution"]) < 5e-4
        )


def test_hostile_words_stay_words(document: dict[str, Any], payloads: list[str], find_dangers: Any) -> None:
    """Text, labels and sentence of a page are escaped, whatever they hold."""
    for payload in payloads[::7]:
        words = [{"text": payload, "start": 0, "end": len(payload), "attribution": 0.5}]
        hostile = {
            **document,
            "text": payload,
            "label": payload,
            "sentence": payload,
            "words": words,
            "classifier": payload,
        }
        assert find_dangers(render_explanation({**hostile, "probabilities": {payload: 1.0}})) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--text", "  "), "the text is empty"),
        (("--text", "x" * 3000), "more than max_text_chars"),
        (("--text", "parcel", "--label", "gren"), "no label 'gren'"),
        (("--text", "parcel", "--html", "/nowhere/at/all.html"), "a folder that does not exist"),
        (("--text", "parcel", "--adapter", "live"), "has no live adapter"),
    ],
)
def test_mistakes_are_named(call: Any, made: tuple[Path, str], words: tuple[str, ...], said: str) -> None:
    """Each in one sentence, before anything is computed."""
    spec = made[0] / "small" / "classifier.toml"
    if "max_text_chars" not in spec.read_text():
        spec.write_text("max_text_chars = 2000\n" + spec.read_text())
    adapter = () if "--adapter" in words else ("--adapter", made[1])
    done = call("--home", made[0], "explain", "small", *adapter, *words)
    assert done.code == 1
    assert said in done.err
