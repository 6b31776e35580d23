"""A cycle whose candidate is a causal model: trained, calibrated, judged against its own base, and asked like any other."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ratchet.prompt import PromptPolicy, make_prompt
from ratchet.spec import Label
from ratchet.stores.home import Home
from ratchet.testing import WORDS, SmallClassifier
from ratchet.tiny_causal import write_tiny_causal

pytestmark = pytest.mark.xdist_group("causal_cycle")


def test_a_causal_candidate_goes_the_whole_way(execute: Any, tmp_path: Path) -> None:
    """Its baseline is its own base by the same prompt; its answers are the spec's labels with calibrated confidence."""
    prompt = make_prompt(PromptPolicy(), [Label(name) for name in WORDS])
    known = [*(word for words in WORDS.values() for word in words), prompt.render("")]
    base = write_tiny_causal(tmp_path / "base", known)
    small = SmallClassifier(Home(tmp_path / "home"))
    small.write(candidates=f'[[candidate]]\nfamily = "causal"\nbase = "{base}"\nlearning_rate = 2e-2\nepochs = 12\nbatch = 8\n')
    small.write_week(date(2026, 1, 5))
    done = execute("--home", tmp_path / "home", "cycle", "small", "--week", "2026-01-05")
    assert done.code == 0, done.err
    report = json.loads((small.folder / "reports" / "2026-01-05" / "eval_report.json").read_bytes())
    assert report["candidate"]["family"] == "causal"
    assert report["metrics"]["test"]["macro_f1"] > report["baselines"]["base_model"]["macro_f1"]
    (tmp_path / "in.jsonl").write_text('{"text": "courier parcel"}\n{"text": "sign in password"}\n')
    asked = ("predict", "small", "--input", tmp_path / "in.jsonl", "--output", tmp_path / "out.jsonl", "--adapter", "candidate")
    done = execute("--home", tmp_path / "home", *asked)
    assert done.code == 0, done.err
    answers = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert len(answers) == 2
    assert {answer["label"] for answer in answers} <= set(WORDS)
    assert all(abs(sum(answer["probabilities"].values()) - 1) < 1e-6 for answer in answers)
