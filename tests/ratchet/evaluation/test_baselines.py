"""A candidate must beat chance and its own base, and the report says when something simpler is enough."""

import json

import numpy as np
import pytest

from ratchet.config.spec import Label, Spec
from ratchet.data.label_selection import LabelSelection
from ratchet.data.unspaced_text import is_unspaced
from ratchet.evaluation.baselines import (
    answer_baselines,
    label_sentences,
    measure_baselines,
    pair_baselines,
    predict_majority,
    predict_probe,
    predict_tfidf,
    predict_untuned,
    spread,
)
from ratchet.evaluation.scoring import Split
from ratchet.gates.beats_baselines import HARD, SIMPLER, decide_baselines, decide_from_evidence, find_better_baseline
from ratchet.gates.first_model import pair_first

SPEC = Spec("tickets", (Label("card_lost"), Label("cash-back", description="money returned"), Label("never")))
SCORES = {"majority": 0.20, "base_model": 0.50, "tfidf_logreg": 0.80, "linear_probe": 0.85}


def baselines(**changed: float) -> dict[str, dict[str, float]]:
    """Scores of all four, some changed."""
    return {name: {"macro_f1": score, "ece": 0.1} for name, score in {**SCORES, **changed}.items()}


@pytest.mark.parametrize(
    ("candidate", "changed", "outcome", "said"),
    [
        (0.90, {}, "passed", "0.900 is above majority"),
        (0.85, {}, "passed", "The simpler model is enough: linear_probe does as well."),
        (0.80, {}, "passed", "The simpler model is enough: tfidf_logreg does as well, linear_probe does better."),
        (0.50, {}, "failed", "not above base_model"),
        (0.20, {}, "failed", "not above majority, base_model"),
        (0.40, {"base_model": 0.1, "majority": 0.4}, "failed", "not above majority ("),
    ],
)
def test_equal_is_not_above(candidate: float, changed: dict[str, float], outcome: str, said: str) -> None:
    """Majority and the untuned base block; TF-IDF and the probe only speak."""
    verdict = decide_baselines(candidate, baselines(**changed))
    assert verdict.outcome == outcome
    assert said in verdict.reason


@pytest.mark.parametrize(
    ("candidate", "end"),
    [
        (0.90, "0.900 is above majority 0.200, base_model 0.500, tfidf_logreg 0.800, linear_probe 0.850."),
        (0.85, "0.850 against majority 0.200, base_model 0.500, tfidf_logreg 0.800, linear_probe 0.850."),
        (0.80, "The simpler model is enough: tfidf_logreg does as well."),
    ],
)
def test_a_probe_is_not_called_replaceable_by_itself(candidate: float, end: str) -> None:
    """TF-IDF is simpler than a probe; the linear probe is the same model."""
    verdict = decide_baselines(candidate, baselines(), is_probe=True)
    assert verdict.outcome == "passed"
    assert verdict.reason.endswith(end)
    assert verdict.evidence["is_probe"]


BOTH, ALONE, RARE, FIVE = {"ham": 90, "spam": 90}, {"ham": 180}, {"ham": 178, "spam": 2}, {"ham": 175, "spam": 5}
PERFECT = {"majority": 1.0, "base_model": 1.0, "tfidf_logreg": 1.0, "linear_probe": 1.0}
TIES: dict[str, tuple[float, dict[str, float], dict[str, int] | None, str, str]] = {
    "all perfect, on one label": (1.0, PERFECT, ALONE, "inconclusive", "all 180 items of the test split are ham"),
    "one false answer, on one label": (0.497, PERFECT, ALONE, "inconclusive", "cannot tell the candidate (0.497)"),
    "one label, and nobody counted": (1.0, PERFECT, None, "inconclusive", "the test split has one label only"),
    "an empty count": (0.5, {"majority": 0.5}, {}, "inconclusive", "No verdict: all 0 items"),
    "the constant answer, where two are rare": (0.497, {"majority": 0.497, "base_model": 0.3}, RARE, "inconclusive",
                                                "only 2 of 180 items of the test split have another label than ham"),
    "the constant answer, where five are rare": (0.493, {"majority": 0.493, "base_model": 0.3}, FIVE, "failed",
                                                 "not above majority ("),
    "a tie with the base": (0.93, {"base_model": 0.93}, BOTH, "failed", "not above base_model ("),
    "a tie but for rounding": (0.93 + 1e-12, {"base_model": 0.93}, BOTH, "failed", "not above base_model ("),
    "perfect, as is the base": (1.0, {"base_model": 1.0}, BOTH, "passed", "Nothing can be above 1.000, which base"),
    "perfect, as are the simple ones": (1.0, {**PERFECT, "majority": 0.4, "base_model": 0.6}, BOTH, "passed",
                                        "The simpler model is enough: tfidf_logreg does as well, linear_probe does as"),
    "above all, though one is rare": (0.9, {}, RARE, "passed", "0.900 is above majority"),
    "below the base, and nobody counted": (0.4, {}, None, "failed", "not above base_model ("),
}  # fmt: skip


@pytest.mark.parametrize("case", TIES)
def test_a_test_that_cannot_tell_models_apart_has_no_verdict(case: str) -> None:
    """Ties of every kind; the same verdict follows from the evidence of the receipt alone."""
    candidate, changed, support, outcome, said = TIES[case]
    verdict = decide_baselines(candidate, baselines(**changed), support=support)
    assert (verdict.outcome, said in verdict.reason) == (outcome, True), verdict.reason
    assert decide_from_evidence(json.loads(json.dumps(verdict.evidence))) == verdict


@pytest.mark.parametrize(
    ("confirming", "reached", "outcome", "said"),
    [
        (3, 0.2, "inconclusive", "not like the others: 3 of 90 blind labels of the test split confirm"),
        (3, 0.9, "passed", "0.900 is above"),
        (9, 0.2, "failed", "not above majority"),
    ],
)
def test_a_test_of_errors_alone_fails_no_candidate(confirming: int, reached: float, outcome: str, said: str) -> None:
    """A candidate like live is wrong on them; from a tenth of confirming labels on a failure counts. Receipts of the
    second rule keep theirs."""
    verdict = decide_baselines(reached, baselines(), support=BOTH, selection=LabelSelection(90, confirming))
    assert (verdict.outcome, said in verdict.reason) == (outcome, True), verdict.reason
    assert decide_from_evidence(json.loads(json.dumps(verdict.evidence))) == verdict
    former = decide_baselines(reached, baselines(), support=BOTH, selection=LabelSelection(90, confirming), rule=2)
    assert former.outcome == ("passed" if outcome == "passed" else "failed")
    assert "selection" not in former.evidence


def test_a_receipt_of_before_is_judged_by_its_own_rule() -> None:
    """It named no rule and knew no labels: its tie at 1.000 stays the failure that it was."""
    verdict = decide_baselines(1.0, baselines(**PERFECT), support=ALONE, rule=1)
    assert (verdict.outcome, set(verdict.evidence)) == ("failed", {"candidate", "is_probe", *SCORES})
    assert verdict.reason.startswith("Fails: test macro-F1 1.000 is not above majority, base_model (")


FIRST: dict[str, tuple[int, tuple[int, int], bool, str, str]] = {
    "as good as the best": (400, (10, 12), False, "passed", "linear_probe +0.5 points [-1.5, +4.3], within 5"),
    "too few to show it": (60, (3, 3), False, "inconclusive", "undecided"),
    "shown to be worse": (400, (40, 5), False, "failed", "linear_probe -8.8 points [-11.6, -4.5], worse, shown"),
    "a probe beside the probe that it is": (400, (40, 5), True, "passed", "tfidf_logreg +0.0 points"),
}


@pytest.mark.parametrize("case", FIRST)
def test_a_first_model_is_within_a_margin_of_the_best_simple_one(case: str) -> None:
    """Item by item, since it has no live adapter to compare with; a later candidate is asked no such thing."""
    n, (losses, gains), is_probe, outcome, words = FIRST[case]
    figures = {
        name: {**each, "only_baseline_right": losses if name == "linear_probe" else 4,
               "only_candidate_right": gains if name == "linear_probe" else 4}
        for name, each in baselines().items()
    }  # fmt: skip
    first = pair_first(figures, n, 0.05)
    verdict = decide_baselines(0.9, figures, is_probe=is_probe, support={"a": 200, "b": n - 200}, first=first)
    assert (verdict.outcome, words in verdict.reason) == (outcome, True), verdict.reason
    again = decide_from_evidence(json.loads(json.dumps(verdict.evidence)))
    assert (again.outcome, again.reason) == (outcome, verdict.reason)
    of_errors = LabelSelection(100, 0)
    assert decide_baselines(0.9, figures, is_probe=is_probe, selection=of_errors, first=first).outcome == "passed"
    assert decide_baselines(0.9, figures, is_probe=is_probe).outcome == "passed"
    assert pair_first(baselines(), n, 0.05) is None


def test_no_simpler_model_is_better_on_a_test_of_one_label() -> None:
    """One false answer halves the candidate's macro-F1 there."""
    found = baselines(linear_probe=1.0)
    assert find_better_baseline(0.497, found, support=ALONE) is None
    assert find_better_baseline(0.497, found, support=BOTH) == ("linear_probe", 1.0, 0.497)
    assert find_better_baseline(0.497, found, support=BOTH, selection="labelled requests are not like ...") is None


@pytest.mark.parametrize("name", HARD + SIMPLER)
def test_a_missing_baseline_is_not_a_pass(name: str) -> None:
    """Whichever it is."""
    found = baselines()
    del found[name]
    with pytest.raises(KeyError, match=name):
        decide_baselines(0.99, found)


@pytest.mark.parametrize("name", ["candidate", *HARD, *SIMPLER])
def test_a_figure_that_is_no_number_is_not_a_pass(name: str) -> None:
    """NaN compares as neither above nor below, so it is refused."""
    with pytest.raises(ValueError, match="not finite"):
        decide_baselines(
            float("nan") if name == "candidate" else 0.9,
            baselines(**({} if name == "candidate" else {name: float("nan")})),
        )


def test_the_majority_predicts_the_shares_of_training() -> None:
    """The same for every item."""
    assert predict_majority(np.array([0, 0, 1, 0]), 2, 3).tolist() == [[0.75, 0.25, 0.0]] * 2


def test_classes_that_a_model_never_saw_get_nothing() -> None:
    """Columns are spread over all labels."""
    assert spread(np.array([[0.3, 0.7]]), np.array([0, 2]), 4).tolist() == [[0.3, 0.0, 0.7, 0.0]]


def test_labels_are_read_as_words_with_their_description() -> None:
    """What the untuned base compares texts with."""
    assert label_sentences(SPEC.label) == ["card lost", "cash back: money returned", "never"]


def split(name: str, copies: int) -> Split:
    """Two easy subjects."""
    texts = [
        f"{text} {i}" for i in range(copies) for text in ("my card is lost or stolen", "give me cash and money back")
    ]
    return Split(name, tuple(map(str, range(len(texts)))), tuple(texts), np.array([0, 1] * copies, dtype=np.int64))


def embed(texts: "tuple[str, ...] | list[str]") -> np.ndarray:
    """Counts of a few letters, normalised: a real if poor embedding."""
    counts = np.array([[text.count(letter) + 1e-3 for letter in "abcdelmnorst"] for text in texts])
    return counts / np.linalg.norm(counts, axis=1, keepdims=True)


def test_every_baseline_is_judged_on_the_test_split() -> None:
    """Learnable subjects are learned by TF-IDF and the probe; the majority is half right at best; probabilities sum to
    1."""
    train, test = split("train", 20), split("test", 5)
    answers = answer_baselines(train, test, SPEC, embed)
    found = measure_baselines(answers, test.labels)
    assert set(found) == {*HARD, *SIMPLER}
    assert found["tfidf_logreg"]["macro_f1"] == found["linear_probe"]["macro_f1"] == 1.0
    assert found["majority"]["macro_f1"] == pytest.approx(1 / 3)
    assert found == measure_baselines(answer_baselines(train, test, SPEC, embed), test.labels)
    paired = pair_baselines(found, answers, np.array([0] * 10), test.labels)["tfidf_logreg"]
    assert paired == {**found["tfidf_logreg"], "only_baseline_right": 5, "only_candidate_right": 0}
    for p in (
        predict_tfidf(train.texts, train.labels, test.texts, 3),
        predict_probe(embed(train.texts), train.labels, embed(test.texts), 3),
        predict_untuned(embed(["a", "b", "c"]), embed(test.texts)),
    ):
        assert p.shape == (10, 3)
        assert p.sum(axis=1) == pytest.approx(1.0)


def test_characters_are_terms_where_words_are_not_separated() -> None:
    """Six Chinese sentences, each one word between its signs, are told apart; English keeps its words."""
    parcels = ["我的包裹还没有到", "包裹什么时候到", "快递没有送包裹"]
    refunds = ["我想要退款", "请尽快给我退款", "退款什么时候到账"]
    labels = np.array([0, 0, 0, 1, 1, 1])
    answers = predict_tfidf(parcels + refunds, labels, ["你们的包裹在哪里", "要退款"], 2)
    assert answers.argmax(axis=1).tolist() == [0, 1]
    assert [is_unspaced(texts) for texts in (parcels, ["my parcel 包裹"], ["Paket"], [])] == [True, False, False, False]
