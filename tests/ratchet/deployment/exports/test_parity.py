"""An export may answer when it loses next to nothing on enough labelled texts."""

import numpy as np
import pytest

from ratchet.config.policy import ExportPolicy
from ratchet.core.errors import RatchetError
from ratchet.deployment.exports.parity import Parity, compare_answers, compare_sets, decide_parity, judge_evidence
from ratchet.metrics.calibration import softmax
from ratchet.metrics.classification import Floats

TRUTH = np.arange(1000) % 4


def answers(wrong: int, shift: float = 0.0) -> tuple[Floats, Floats]:
    """Logits and probabilities of which the first `wrong` name another class."""
    said = np.where(np.arange(1000) < wrong, (TRUTH + 1) % 4, TRUTH)
    logits = 4.0 * np.eye(4)[said] + shift
    return logits, softmax(logits)


INTERVALS = [(0, "-0.27 and +0.66 points"), (4, "-0.89 and +0.26 points")]
LOST = [(0, "passed"), (3, "passed"), (4, "inconclusive"), (7, "inconclusive"), (8, "failed"), (400, "failed")]


@pytest.mark.parametrize(("lost", "outcome"), LOST)
def test_an_export_is_blocked_where_it_is_shown_to_be_worse(lost: int, outcome: str) -> None:
    """Eight of a thousand without a gain are no chance; four are beyond the limit, which proves nothing yet."""
    found = compare_answers(answers(50), answers(50 + lost), TRUTH)
    assert (found.changed, round(found.accuracy_loss * 1000)) == (lost, lost)
    verdict = decide_parity(found, ExportPolicy())
    assert verdict.outcome == outcome
    assert f"{lost} of 1000 answers change" in verdict.reason
    assert f"accuracy between {dict(INTERVALS).get(lost, '')}" in verdict.reason
    before = {key: value for key, value in found.as_json().items() if key not in ("losses", "gains")}
    assert judge_evidence(before, ExportPolicy()).outcome == ("failed" if lost > 3 else "passed")


def test_gains_of_an_export_count_with_its_losses() -> None:
    """Twelve lost and ten gained are a loss of 0.2 points, and no sign of a worse export."""
    first, second = answers(10), answers(0)
    swapped = tuple(np.where((np.arange(1000) >= 988)[:, None], part[:, [1, 2, 3, 0]], part) for part in second)
    found = compare_answers(first, swapped, TRUTH)  # type: ignore[arg-type]
    assert (found.losses, found.gains) == (12, 10)
    assert decide_parity(found, ExportPolicy()).outcome == "passed"


def test_the_limits_are_the_classifiers_own() -> None:
    """Tighter or wider, and the reason names the one that held."""
    found = compare_answers(answers(50), answers(59), TRUTH)
    wider = decide_parity(found, ExportPolicy(max_accuracy_loss=0.02))
    assert (wider.outcome, decide_parity(found, ExportPolicy(max_accuracy_loss=0.0)).outcome) == ("passed", "failed")
    assert "limit -2.00" in wider.reason
    assert decide_parity(found, ExportPolicy(max_accuracy_loss=0.01, min_items=1001)).outcome == "failed"


def test_the_same_scores_one_higher_are_the_same() -> None:
    """The softmax knows only differences."""
    assert compare_answers(answers(5), answers(5, shift=3.0), TRUTH).max_logit_distance < 1e-12


def test_confidence_that_is_not_kept_fails() -> None:
    """The same labels with much higher confidence: ECE rises."""
    logits, _ = answers(300)
    verdict = decide_parity(
        compare_answers((logits, softmax(logits * 0.4)), (logits, softmax(logits * 5)), TRUTH), ExportPolicy()
    )
    assert verdict.outcome == "failed"
    assert "0 of 1000 answers change" in verdict.reason


def test_too_few_texts_are_no_pass() -> None:
    """Nor is none at all."""
    assert decide_parity(Parity(29, 0, 1.0, 0.0, 0.0, 0.0, 0.0), ExportPolicy()).outcome == "failed"
    none = np.empty((0, 4))
    assert decide_parity(compare_answers((none, none), (none, none), []), ExportPolicy()).outcome == "failed"


def test_what_is_no_number_is_refused() -> None:
    """A broken graph is an error, not a bad score."""
    logits, probabilities = answers(0)
    broken = np.where(np.arange(1000)[:, None] == 7, np.nan, logits)
    with pytest.raises(RatchetError, match="NaN or infinity"):
        compare_answers((logits, probabilities), (broken, probabilities), TRUTH)


def test_all_texts_together_decide_and_each_set_has_its_figures() -> None:
    """Seven of a thousand and one of thirty are too many together; without the thousand the thirty decide alone."""
    golden = tuple(tuple(part[:30] for part in answers(wrong)) for wrong in (5, 6))
    sets = {"golden": (*golden, TRUTH[:30]), "calibration": (answers(50), answers(57), TRUTH)}
    evidence = compare_sets(sets)  # type: ignore[arg-type]
    assert (evidence["items"], evidence["changed"]) == (1030, 8)
    assert {name: part["changed"] for name, part in evidence["parts"].items()} == {"golden": 1, "calibration": 7}
    verdict = judge_evidence(evidence, ExportPolicy())
    assert verdict.outcome == "failed"
    assert "8 of 1030 answers change, accuracy -0.78 points (limit -0.30)" in verdict.reason
    assert "on the golden set 1 of 30 change, accuracy -3.33 points" in verdict.reason
    assert "on the calibration split 7 of 1000 change, accuracy -0.70 points" in verdict.reason
    alone = compare_sets({**sets, "calibration": ((np.empty((0, 4)),) * 2, (np.empty((0, 4)),) * 2, [])})  # type: ignore[dict-item]
    assert "parts" not in alone
    assert judge_evidence(alone, ExportPolicy()).reason == decide_parity(Parity(**alone), ExportPolicy()).reason
