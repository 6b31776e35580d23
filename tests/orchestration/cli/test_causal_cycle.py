"""A cycle whose candidate is a causal model: trained, calibrated, judged against its own base, and asked like any other."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ratchet.frontier.local_server import LocalFrontier, serve_locally
from ratchet.prompt import PromptPolicy, make_prompt
from ratchet.spec import Label
from ratchet.stores.home import Home
from ratchet.testing import WORDS, SmallClassifier
from ratchet.tiny_causal import write_tiny_causal

FRONTIER = '[frontier]\nbase_url = "{}"\nmodel = "large"\nprice_input = 1\nprice_output = 2\nmax_texts = 5\n'
KNOWN = [(str(code), words) for code, words in enumerate(WORDS.values(), start=1)]

pytestmark = pytest.mark.xdist_group("causal_cycle")


def test_a_causal_candidate_goes_the_whole_way(execute: Any, tmp_path: Path) -> None:
    """Its baseline is its own base by the same prompt; its answers are the spec's labels with calibrated confidence."""
    prompt = make_prompt(PromptPolicy(), [Label(name) for name in WORDS])
    known = [*(word for words in WORDS.values() for word in words), prompt.render("")]
    base = write_tiny_causal(tmp_path / "base", known)
    small = SmallClassifier(Home(tmp_path / "home"))
    frontier = LocalFrontier(answer=lambda said: next((c for c, w in KNOWN if any(word in said for word in w)), "none"))
    with serve_locally(frontier):
        small.write(
            FRONTIER.format(frontier.base_url),
            f'[[candidate]]\nfamily = "causal"\nbase = "{base}"\nlearning_rate = 2e-2\nepochs = 12\nbatch = 8\n',
        )
        small.write_week(date(2026, 1, 5))
        done = execute("--home", tmp_path / "home", "cycle", "small", "--week", "2026-01-05")
    assert done.code == 0, done.err
    report = json.loads((small.folder / "reports" / "2026-01-05" / "eval_report.json").read_bytes())
    assert report["candidate"]["family"] == "causal"
    assert report["metrics"]["test"]["macro_f1"] > report["baselines"]["base_model"]["macro_f1"]
    ways = {row["name"]: row for row in report["three_way"]["rows"]}
    assert [ways[name]["n"] for name in ("tuned", "base_zero_shot", "base_few_shot", "frontier")] == [18, 18, 18, 5]
    assert ways["frontier"]["macro_f1"] == 1
    assert len(frontier.requests) == 5
    assert report["three_way"]["verbalised"]["n"] == 18
    done = execute("--home", tmp_path / "home", "report", "small")
    assert "base_few_shot" in done.out
    assert report["three_way"]["verdict"] in done.out
    (tmp_path / "in.jsonl").write_text('{"text": "courier parcel"}\n{"text": "sign in password"}\n')
    asked = ("predict", "small", "--input", tmp_path / "in.jsonl", "--output", tmp_path / "out.jsonl", "--adapter", "candidate")
    done = execute("--home", tmp_path / "home", *asked)
    assert done.code == 0, done.err
    answers = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert len(answers) == 2
    assert {answer["label"] for answer in answers} <= set(WORDS)
    assert all(abs(sum(answer["probabilities"].values()) - 1) < 1e-6 for answer in answers)
