"""Base, tuned and frontier model answer the same texts, over the paths that serve; whatever a frontier does, the rest
is there."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ratchet.config.candidate import Candidate
from ratchet.config.evaluation import Evaluation
from ratchet.config.frontier import Frontier
from ratchet.config.prompt import make_prompt
from ratchet.config.spec import Label, Spec
from ratchet.core.errors import RatchetError
from ratchet.evaluation.comparison import NOT_CONFIGURED, compare_three_ways, draw_sample
from ratchet.evaluation.scoring import Split, score
from ratchet.evaluation.untuned_base import UntunedCausal, UntunedEncoder
from ratchet.evaluation.verbalized_confidence import QUESTION, write_confidence
from ratchet.metrics.calibration import UNCALIBRATED
from ratchet.models.causal import load_causal
from ratchet.models.few_shot import Shot
from ratchet.models.frontier.client import FrontierClient
from ratchet.models.inference.predictor import CausalPredictor, causal_predictor
from ratchet.models.prompt_tokenizer import load_prompt_tokenizer
from ratchet.storage.frontier_cache import CycleSpendLog, FrontierCache
from ratchet.testing.frontier_server import LocalFrontier, serve_locally
from ratchet.testing.tiny_causal import write_tiny_causal
from ratchet.testing.tiny_encoder import write_tiny_encoder

pytestmark = pytest.mark.slow

WORDS = {"parcel": "courier delivery", "refund": "money back", "other": "good morning"}
SMALL = Evaluation(max_texts=12, timed_calls=3, verbalised_texts=8)
SPEC = Spec("small", tuple(Label(name) for name in WORDS), evaluation=SMALL)


def split(name: str, n: int) -> Split:
    """So many texts, of each label in turn."""
    labels = np.arange(n) % 3
    texts = tuple(f"{list(WORDS.values())[label]} number {i} of {name}" for i, label in enumerate(labels))
    return Split(name, tuple(f"{name}-{i}" for i in range(n)), texts, labels)


@pytest.fixture(scope="module")
def causal(tmp_path_factory: pytest.TempPathFactory) -> tuple[UntunedCausal, CausalPredictor]:
    """A tiny base and, state in for the tuned model, the same weights behind the serving prompt."""
    prompt = make_prompt(SPEC.prompt, SPEC.label)
    known = [*split("test", 30).texts, *split("train", 30).texts, prompt.render(""), QUESTION]
    folder = write_tiny_causal(tmp_path_factory.mktemp("causal"), known)
    tokenizer = load_prompt_tokenizer(folder, prompt, 32)
    candidate = Candidate(family="causal", base=str(folder), max_tokens=32)
    return UntunedCausal(candidate, SPEC), causal_predictor(load_causal(folder), SPEC.labels, UNCALIBRATED, tokenizer)


def asker(server: LocalFrontier, folder: Path, **changes: Any) -> FrontierClient:
    """Somebody who asks the local server."""
    usual: dict[str, Any] = {"price_input": 100.0, "price_output": 100.0, "max_texts": 9}
    settings = Frontier(server.base_url, "large", **{**usual, **changes})
    memory, log = FrontierCache(folder / "answers"), CycleSpendLog(folder / "spent.jsonl")
    return FrontierClient(settings, make_prompt(SPEC.prompt, SPEC.label), None, memory, log, wait=lambda seconds: None)


def compare(causal: Any, frontier: FrontierClient | None = None) -> dict[str, Any]:
    """The report's key, as it would be written."""
    untuned, tuned = causal
    test = split("test", 30)
    found = compare_three_ways(
        SPEC, split("train", 30), tuned, score(tuned, test, SPEC.labels), "tiny", untuned, frontier
    )
    document: dict[str, Any] = json.loads(json.dumps(found, allow_nan=False))
    return document


def test_four_rows_on_the_same_texts(causal: Any, tmp_path: Path) -> None:
    """Each with quality, honesty, price and time; here tuned and base are the same weights, so their answers are the
    same."""
    right = {words: str(place) for place, words in enumerate(WORDS.values(), start=1)}
    with serve_locally(
        LocalFrontier(answer=lambda p: next(code for words, code in right.items() if words in p))
    ) as server:
        found = compare(causal, asker(server, tmp_path))
    rows = {row["name"]: row for row in found["rows"]}
    assert list(rows) == ["tuned", "base_zero_shot", "base_few_shot", "frontier"]
    assert (found["n"], found["of"]) == (12, 30)
    assert [row["n"] for row in rows.values()] == [12, 12, 12, 9]
    assert rows["base_zero_shot"]["difference"] == 0
    assert rows["base_zero_shot"]["macro_f1"] == rows["tuned"]["macro_f1"]
    assert "6 from the training split, at most 2 of each label" in rows["base_few_shot"]["note"]
    assert rows["frontier"]["macro_f1"] == 1
    assert rows["frontier"]["ece"] == pytest.approx(0.2)
    assert rows["frontier"]["cost_per_1000"] == pytest.approx((server.tokens_in + server.tokens_out) * 1e-4 * 1000 / 9)
    for row in rows.values():
        assert all(row[key] > 0 for key in ("p50_ms", "p95_ms", "cost_per_1000"))
        assert row["p50_ms"] <= row["p95_ms"]
        assert row["macro_f1_ci"][0] <= row["macro_f1"] <= row["macro_f1_ci"][1]
    asked = {request["messages"][0]["content"] for request in server.requests}
    assert len(asked) == 9
    assert all(any(text in prompt for text in split("test", 30).texts) for prompt in asked)
    assert "the frontier model" in found["verdict"]


def test_examples_come_from_the_training_split_only(causal: Any) -> None:
    """No text that is judged on stands in the few-shot prompt."""
    untuned, _ = causal
    shown: list[str] = []
    real = untuned.few_shot

    class Watched:
        name, ways, zero_shot = untuned.name, untuned.ways, untuned.zero_shot

        def few_shot(self, shots: Any) -> Any:
            shown.extend(shot.text for shot in shots)
            return real(shots)

    compare((Watched(), causal[1]))
    assert len(shown) == 6
    assert all(text.endswith("of train") for text in shown)


def test_an_endpoint_that_breaks_leaves_the_rest(causal: Any, tmp_path: Path) -> None:
    """Its row says why; a refusal to some texts is a lower score, not a missing one."""
    with serve_locally(LocalFrontier(faults=lambda number: "500")) as server:
        found = compare(causal, asker(server, tmp_path / "broken", retries=0, at_once=1))
    row = found["rows"][-1]
    assert row["macro_f1"] is None
    assert "HTTP 500" in row["note"] == found["frontier"]
    assert found["rows"][2]["macro_f1"] is not None
    with serve_locally(LocalFrontier(faults=lambda number: "refusal" if number < 3 else "no_logprobs")) as server:
        found = compare(causal, asker(server, tmp_path / "refusing", at_once=1))
    assert (found["rows"][-1]["unusable"], found["rows"][-1]["ece"]) == (3, None)


def test_what_fails_leaves_the_report_whole(causal: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It only advises: a base that cannot be shown examples, one that fails and lost books each cost one row."""
    untuned, tuned = causal

    class Failing:
        name, ways = untuned.name, untuned.ways

        def zero_shot(self, texts: Any) -> Any:
            raise MemoryError("not enough")

        def few_shot(self, shots: Any) -> Any:
            raise RatchetError("the base model's chat template changes earlier messages.", "Set prompt.chat = false.")

    with serve_locally(LocalFrontier()) as server:
        asking = asker(server, tmp_path)
        (tmp_path / "spent.jsonl").write_text("no entry\n")
        found = compare((Failing(), tuned), asking)
    assert [row["n"] for row in found["rows"]] == [12, 0, 0, 0]
    zero, few, outside = found["rows"][1:]
    assert zero["note"] == "Not measured: it failed with MemoryError; see the log."
    assert "not enough" in caplog.text
    assert few["note"].endswith("chat template changes earlier messages. Set prompt.chat = false.")
    assert "the money spent is unknown" in outside["note"]
    assert outside["note"] in found["verdict"]
    assert "Its untuned base was not measured here." in found["verdict"]


def test_a_frontier_that_is_cut_short_proves_nothing(causal: Any, tmp_path: Path) -> None:
    """The verdict counts what could not be used and claims nothing; the cure is in it."""
    with serve_locally(LocalFrontier(faults=lambda number: "cut_short")) as server:
        found = compare(causal, asker(server, tmp_path, at_once=1))
    assert (found["rows"][-1]["n"], found["rows"][-1]["unusable"]) == (5, 5)
    assert "The frontier model cannot be judged: 5 of its 5 answers could not be used." in found["verdict"]
    assert "Raise frontier.max_answer_tokens, now 8" in found["verdict"]
    assert "Nothing here favours" not in found["verdict"]


def test_a_call_of_an_untuned_encoder_opens_nothing(tmp_path: Path) -> None:
    """Its time stands beside the tuned model's, which is open too: what was opened once answers without the files."""
    base = write_tiny_encoder(tmp_path / "base", [*split("test", 30).texts, *WORDS])
    untuned, texts = UntunedEncoder(Candidate(base=str(base)), SPEC), list(split("test", 6).texts)
    before = untuned.zero_shot(texts)
    answer = untuned.few_shot([Shot("courier delivery", 0), Shot("money back", 1)])
    assert answer is not None
    base.rename(tmp_path / "elsewhere")
    assert np.array_equal(untuned.zero_shot(texts), before)
    assert answer(texts).shape == before.shape


def test_without_a_frontier_it_says_so(causal: Any) -> None:
    """In one sentence, which the verdict carries."""
    found = compare(causal)
    assert found["frontier"] == NOT_CONFIGURED
    assert NOT_CONFIGURED in found["verdict"]


def test_the_written_confidence_is_the_mean_of_the_digits(causal: Any) -> None:
    """By the whole model on the whole string, one text at a time: no shortcut changes it."""
    import torch

    _, tuned = causal
    texts, answers = list(split("test", 5).texts), np.array([0, 1, 2, 0, 1])
    found = write_confidence(tuned, texts, answers)
    words = tuned.tokenizer.without_cutting()
    digits = [words.token_to_id(str(digit)) for digit in range(10)]
    for text, answer, confidence in zip(texts, answers, found, strict=True):
        row = [*tuned.tokenizer.prefix, *words.encode(text, add_special_tokens=False).ids, *tuned.tokenizer.suffix]
        row += [tuned.tokenizer.codes[answer], *words.encode(QUESTION, add_special_tokens=False).ids]
        with torch.no_grad():
            p = torch.softmax(tuned.network(input_ids=torch.tensor([row])).logits[0, -1, digits], dim=0)
        assert confidence == pytest.approx(sum((d + 0.5) / 10 * float(share) for d, share in enumerate(p)), abs=1e-4)
    said = compare(causal)["verbalised"]
    assert said["n"] == 8
    assert {"written_ece", "logits_ece", "written_mean", "logits_mean"} <= set(said)


def test_an_encoder_compares_with_names_and_with_examples(tmp_path: Path) -> None:
    """Its few-shot way is the mean of each label's examples; it writes no confidence."""
    base = write_tiny_encoder(tmp_path, [*split("test", 30).texts, *split("train", 30).texts, *WORDS])
    untuned = UntunedEncoder(Candidate(base=str(base)), SPEC)
    train, test = split("train", 30), split("test", 30)

    class Tuned:
        labels, calibration = SPEC.labels, UNCALIBRATED

        def logits(self, texts: Any) -> Any:
            return np.eye(3)[[next(i for i, words in enumerate(WORDS.values()) if words in text) for text in texts]] * 9

    found = compare_three_ways(SPEC, train, Tuned(), score(Tuned(), test, SPEC.labels), "tiny", untuned, None)
    assert found is not None
    assert found["verbalised"] is None
    zero, few = found["rows"][1:3]
    assert "labels' names" in zero["note"]
    assert few["macro_f1"] > zero["macro_f1"]
    assert "Tuning" in found["verdict"] or "tuning" in found["verdict"]
    nothing = Spec("small", SPEC.label, evaluation=Evaluation(max_texts=0))
    assert compare_three_ways(nothing, train, Tuned(), score(Tuned(), test, SPEC.labels), "tiny", untuned, None) is None


def test_a_sample_is_the_same_again_and_all_when_it_is_small() -> None:
    """In the order of the split."""
    assert draw_sample(5, 10, 0).tolist() == [0, 1, 2, 3, 4]
    found = draw_sample(1000, 200, 0)
    assert len(set(found.tolist())) == 200
    assert found.tolist() == sorted(found.tolist()) == draw_sample(1000, 200, 0).tolist()
    assert found.tolist() != draw_sample(1000, 200, 1).tolist()
