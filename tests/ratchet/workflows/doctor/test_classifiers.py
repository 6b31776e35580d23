"""Init, plan and doctor say of texts what a candidate does not read, and name the way on."""

import json
from pathlib import Path

from ratchet.config.candidate import Candidate
from ratchet.models.text_fit import MOST_TEXTS, measure_texts, say_texts
from ratchet.storage.home import Home
from ratchet.workflows.doctor.classifiers import examine_texts
from ratchet.workflows.init_classifier import init_classifier

CHINESE = ("我的包裹还没有到。快递员把它放在雨里了。", "我想退款。因为耳机坏了。请尽快处理我的订单。")


def write_golden(path: Path, *texts: str) -> Path:
    """A golden set of two labels in turn."""
    rows = [{"text": text, "label": ("parcel", "refund")[n % 2]} for n, text in enumerate(texts)]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def test_another_language_is_a_remark_at_init_and_in_doctor(tmp_path: Path) -> None:
    """Both name the base that is missing and how to get it."""
    home = Home(tmp_path / "home")
    made = init_classifier(home, "tickets", [], write_golden(tmp_path / "golden.jsonl", *CHINESE))
    assert len(made.remarks) == 2, "one of them is what the team's labels can decide"
    assert "the tokenizer of all-MiniLM-L6-v2 knows only" in made.remarks[0]
    assert "Gemma-3-270M" in made.remarks[0]
    assert "ratchet fetch-base" in made.remarks[0]
    (finding,) = examine_texts(home, "tickets")
    assert (finding.what, finding.state) == ("texts of tickets", "warn")
    assert "ratchet fetch-base" in finding.cure


def test_long_texts_are_a_remark(tmp_path: Path) -> None:
    """The finding warns where most texts are not read whole."""
    home = Home(tmp_path / "home")
    long = "my parcel did not come and " * 60
    made = init_classifier(home, "tickets", [], write_golden(tmp_path / "golden.jsonl", long, "refund me", long))
    assert "2 of 3 texts are longer than max_tokens = 128" in made.remarks[0]
    assert "(parcel 2 of 2)." in made.remarks[0]
    (finding,) = examine_texts(home, "tickets")
    assert finding.state == "warn"
    assert "max_tokens" in finding.cure


def test_short_texts_in_english_are_no_remark(tmp_path: Path) -> None:
    """The finding says that they are read whole; a classifier that does not exist is not a finding."""
    home = Home(tmp_path / "home")
    made = init_classifier(home, "tickets", [], write_golden(tmp_path / "golden.jsonl", "my parcel", "my refund"))
    assert [remark.startswith("With 250 labels a week a candidate that is 2 points") for remark in made.remarks] == [
        True
    ]
    (finding,) = examine_texts(home, "tickets")
    assert (finding.state, finding.found) == ("ok", "2 looked at; the candidates read them whole")
    assert list(examine_texts(home, "strange")) == []


def test_many_texts_are_measured_by_a_sample_and_equal_candidates_once() -> None:
    """Candidates that differ in what they learn alone read alike."""
    candidates = (Candidate(), Candidate(rank=4), Candidate(max_tokens=16))
    found = measure_texts(candidates, ["my parcel " * 10] * (3 * MOST_TEXTS), ["a"] * (3 * MOST_TEXTS))
    assert [(each["max_tokens"], each["n"], each["cut"]) for each in found] == [(128, 2000, 0), (16, 2000, 2000)]
    assert len(say_texts(found)) == 1
    assert measure_texts(candidates, [], []) == []
