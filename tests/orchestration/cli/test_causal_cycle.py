"""Weeks of causal candidates: trained, calibrated, judged against their own base, asked and shadowed like any other."""

import json
import urllib.request
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from orchestration.cli.demo.gateway_process import await_rollout, await_rows, run_gateway
from ratchet.config.prompt import PromptPolicy, make_prompt
from ratchet.config.spec import Label
from ratchet.ingest.rebuild import open_warehouse
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.rollout.shadow_pairs import Pairs
from ratchet.testing.frontier_server import LocalFrontier, serve_locally
from ratchet.testing.homes import WORDS, SmallClassifier
from ratchet.testing.tiny_causal import write_tiny_causal
from ratchet.training.device import PROCESSES
from ratchet.workflows.rollout.nominate import nominate, shadow

LENIENT = "[limits]\nmax_golden_loss = 1.0\nmax_nll_rise = 20.0\n"
"""What a tiny random model forgets from one week to the next is not what is tested."""
FRONTIER = '[frontier]\nbase_url = "{}"\nmodel = "large"\nprice_input = 1\nprice_output = 2\nmax_texts = 5\n'
KNOWN = [(str(code), words) for code, words in enumerate(WORDS.values(), start=1)]
ASKED = ("courier parcel", "sign in password", "money back refund", "tracking number delivered")

pytestmark = [pytest.mark.xdist_group("causal_cycle"), pytest.mark.slow]


@pytest.fixture(scope="module")
def played(run_here: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SmallClassifier, int]]:
    """A home of one causal candidate on a tiny Llama after its first week's cycle, and how often that asked the
    frontier model."""
    root = tmp_path_factory.mktemp("causal")
    prompt = make_prompt(PromptPolicy(), [Label(name) for name in WORDS])
    known = [*(word for words in WORDS.values() for word in words), prompt.render("")]
    base = write_tiny_causal(root / "base", known)
    small = SmallClassifier(Home(root / "home"))
    frontier = LocalFrontier(answer=lambda said: next((c for c, w in KNOWN if any(word in said for word in w)), "none"))
    with serve_locally(frontier), pytest.MonkeyPatch.context() as environment:
        environment.setenv(PROCESSES, "2")  # what so tiny a model learns hangs on the last bit
        small.write(
            LENIENT + FRONTIER.format(frontier.base_url),
            f'[[candidate]]\nfamily = "causal"\nbase = "{base}"\nlearning_rate = 2e-2\nepochs = 12\npatience ='
            " 12\nbatch = 8\n",
        )
        small.write_week(date(2026, 1, 5))
        done = run_here("--home", small.home.root, "cycle", "small", "--week", "2026-01-05")
        assert done.returncode == 0, done.stderr
        yield small, len(frontier.requests)


def test_a_causal_candidate_goes_the_whole_way(
    run_here: Any, played: tuple[SmallClassifier, int], tmp_path: Path
) -> None:
    """Its baseline is its own base by the same prompt; its answers are the spec's labels with calibrated confidence."""
    small, requests = played
    report = json.loads((small.folder / "reports" / "2026-01-05" / "eval_report.json").read_bytes())
    assert report["candidate"]["family"] == "causal"
    assert report["metrics"]["test"]["macro_f1"] > report["baselines"]["base_model"]["macro_f1"]
    ways = {row["name"]: row for row in report["three_way"]["rows"]}
    assert [ways[name]["n"] for name in ("tuned", "base_zero_shot", "base_few_shot", "frontier")] == [18, 18, 18, 5]
    assert ways["frontier"]["macro_f1"] == 1
    assert requests == 5
    assert report["three_way"]["verbalised"]["n"] == 18
    done = run_here("--home", small.home.root, "report", "small", "--week", "2026-01-05")
    assert "base_few_shot" in done.stdout
    assert report["three_way"]["verdict"] in done.stdout
    (tmp_path / "in.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in ASKED))
    asked = (
        "predict",
        "small",
        "--input",
        tmp_path / "in.jsonl",
        "--output",
        tmp_path / "out.jsonl",
        "--adapter",
        "candidate",
    )
    done = run_here("--home", small.home.root, *asked)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert len(answers) == len(ASKED)
    assert {answer["label"] for answer in answers} <= set(WORDS)
    assert all(abs(sum(answer["probabilities"].values()) - 1) < 1e-6 for answer in answers)


def test_the_next_weeks_causal_candidate_shadows_the_one_that_is_live(
    run_here: Any, played: tuple[SmallClassifier, int], tmp_path: Path
) -> None:
    """As in the demo: the first is promoted by hand, the second answers unseen beside it behind a gateway, and pairs
    are kept."""
    small, home = played[0], played[0].home
    done = run_here("--home", home.root, "promote", "small", "--why", "the first", "--yes")
    assert done.returncode == 0, done.stderr
    live = Ledger(home).live("small")
    small.write_week(date(2026, 1, 12))
    done = run_here("--home", home.root, "cycle", "small", "--week", "2026-01-12")
    assert done.returncode == 0, done.stderr
    entry = shadow(home, nominate(home, "small"))
    assert entry.adapter not in {None, live}
    with run_gateway(home, tmp_path / "gateway.log", max_shadow_load=1.0) as url:
        await_rollout(home, "small", url)
        answers = [ask(url, text) for text in ASKED]
        await_rows(home, "small", url, len(ASKED))
    assert {answer["adapter"] for answer in answers} == {live}
    assert {answer["label"] for answer in answers} <= set(WORDS)
    (evidence,) = Pairs(home, open_warehouse(home, "small")).count("small", (str(live), str(entry.adapter)), 0)
    assert (evidence.requests, evidence.errors) == (len(ASKED), 0)


def ask(url: str, text: str) -> dict[str, Any]:
    """The answer of a gateway."""
    body = json.dumps({"text": text}).encode()
    request = urllib.request.Request(f"{url}/v1/classifiers/small", body, {"Content-Type": "application/json"})  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310
        return dict(json.load(reply))
