"""Settings refuse values that make no sense wherever they come from, a file or code, and name their content by a
digest."""

from dataclasses import FrozenInstanceError, replace
from datetime import date

import pytest

from ratchet.config.candidate import Candidate
from ratchet.config.machine import Machine
from ratchet.config.policy import Limits, PromotionPolicy
from ratchet.config.prompt import PromptPolicy
from ratchet.config.publish import PublishPolicy
from ratchet.config.spec import Label, Spec
from ratchet.config.window import Window
from ratchet.core.digests import digest_json
from ratchet.core.errors import RatchetError

LABELS = (Label("refund"), Label("other"))
SPEC = Spec("tickets", LABELS)


@pytest.mark.parametrize(
    ("kind", "values", "found"),
    [
        (Label, {"name": ""}, "label name '' is not allowed"),
        (Label, {"name": "a\nb"}, "is not allowed"),
        (Label, {"name": "a" * 101}, "is not allowed"),
        (Label, {"name": " a"}, "label name ' a' begins or ends with a space. hint: Write it as 'a'."),
        (Label, {"name": "a", "threshold": 2.0}, "threshold of label 'a' = 2.0 is outside 0..1"),
        (Label, {"name": "a", "cost_wrong": -1.0}, "cost_wrong of label 'a' = -1.0 is too small"),
        (Label, {"name": "a", "cost_wrong": float("inf")}, "cost_wrong of label 'a' = inf is not finite"),
        (Window, {"lookback_weeks": 0}, "window.lookback_weeks = 0 is too small"),
        (Window, {"calibration_share": 0.0}, "window.calibration_share = 0.0 is outside"),
        (Window, {"calibration_share": 0.6}, "window.calibration_share = 0.6 is outside"),
        (
            Window,
            {"earliest": date(2026, 1, 2), "latest": date(2026, 1, 1)},
            "2026-01-02 is after window.latest = 2026-01-01",
        ),
        (Machine, {"watts": -1.0}, "machine.watts = -1.0 is too small"),
        (Machine, {"price_per_hour": float("inf")}, "machine.price_per_hour = inf is not finite"),
        (Limits, {"min_agreement": 1.1}, "limits.min_agreement = 1.1 is outside 0..1"),
        (Limits, {"max_golden_loss": 5}, "limits.max_golden_loss = 5 is outside 0..1"),
        (Limits, {"golden_floor_per_class": float("nan")}, "limits.golden_floor_per_class = nan is outside 0..1"),
        (Limits, {"max_ece": -0.1}, "limits.max_ece = -0.1 is outside 0..1"),
        (Limits, {"min_doubles": 0}, "limits.min_doubles = 0 is too small"),
        (PromotionPolicy, {"steps": (50, 5, 100)}, "promotion.steps = [50, 5, 100] does not rise to 100"),
        (PromotionPolicy, {"steps": (5, 50)}, "promotion.steps = [5, 50] does not rise to 100"),
        (PromotionPolicy, {"steps": ()}, "promotion.steps = [] does not rise to 100"),
        (PromotionPolicy, {"margin": 1.5}, "promotion.margin = 1.5 is outside 0..1"),
        (PromotionPolicy, {"margin": 1.0}, "promotion.margin = 1 lets everything pass"),
        (PromotionPolicy, {"label_margin": -0.1}, "promotion.label_margin = -0.1 is outside 0..1"),
        (PromotionPolicy, {"alpha_year": 0.0}, "promotion.alpha_year = 0 can never be shown"),
        (PromotionPolicy, {"alpha_year": 1.0}, "promotion.alpha_year = 1 lets everything pass"),
        (PromotionPolicy, {"max_weeks": 1e6}, "promotion.max_weeks = 1e+06 is above 520"),
        (PromotionPolicy, {"ripe_hours": 1e6}, "promotion.ripe_hours = 1e+06 is above 8760"),
        (PromotionPolicy, {"alpha_back": 2.0}, "promotion.alpha_back = 2.0 is outside 0..1"),
        (PromotionPolicy, {"cycles_per_year": 0}, "promotion.cycles_per_year = 0 is too small"),
        (PromotionPolicy, {"max_weeks": -1.0}, "promotion.max_weeks = -1.0 is too small"),
        (PromotionPolicy, {"ripe_hours": float("nan")}, "promotion.ripe_hours = nan"),
        (PromotionPolicy, {"min_requests": 0}, "promotion.min_requests = 0 is too small"),
        (PromotionPolicy, {"min_labels": -3}, "promotion.min_labels = -3 is too small"),
        (PromotionPolicy, {"dwell_minutes": -1.0}, "promotion.dwell_minutes = -1.0 is too small"),
        (PublishPolicy, {"repo": "tickets"}, "publish.repo = 'tickets' is not a repository"),
        (PublishPolicy, {"repo": "../../etc"}, "is not a repository"),
        (PublishPolicy, {"licence": "Apache License"}, "publish.licence = 'Apache License' is not a licence name"),
        (PublishPolicy, {"base_model": "org/base"}, "belong together"),
        (
            PublishPolicy,
            {"base_model": "org/base", "base_revision": "main"},
            "publish.base_revision = 'main' is not a commit",
        ),
        (Candidate, {"rank": 0}, "candidate.rank = 0 is too small"),
        (Candidate, {"rank": 512}, "candidate.rank = 512 is above 256"),
        (Candidate, {"dropout": 1.0}, "candidate.dropout = 1 drops everything"),
        (Candidate, {"alpha": 0.0}, "candidate.alpha = 0.0 is not above 0"),
        (Candidate, {"learning_rate": float("nan")}, "candidate.learning_rate = nan is not above 0"),
        (Candidate, {"max_tokens": 4}, "candidate.max_tokens = 4 is too small"),
        (Candidate, {"seed": -1}, "candidate.seed = -1 is too small"),
        (Candidate, {"seed": 2**32}, "candidate.seed = 4294967296 is above 4294967295"),
        (Candidate, {"target_modules": ()}, "candidate.target_modules = [] trains nothing"),
        (Candidate, {"target_modules": ("auto", "query")}, "mixes names with 'auto'"),
        (Spec, {"name": "tickets", "label": (Label("refund"),)}, "1 label ['refund'] are too few"),
        (Spec, {"name": "tickets", "label": ()}, "0 labels [] are too few"),
        (Spec, {"name": "tickets", "label": (Label("a"), Label("b"), Label("a"))}, "label 'a' is listed twice"),
        (Spec, {"name": "My Tickets", "label": LABELS}, "name = 'My Tickets' is not allowed"),
        (Spec, {"name": "../tickets", "label": LABELS}, "name = '../tickets' is not allowed"),
        (Spec, {"name": "tickets", "label": LABELS, "candidate": ()}, "no [[candidate]] is listed"),
        (
            Spec,
            {"name": "tickets", "label": LABELS, "candidate": (Candidate(), Candidate())},
            "candidate 2 .* is listed twice",
        ),
        (Spec, {"name": "tickets", "label": LABELS, "cost_review": float("inf")}, "cost_review = inf is not finite"),
        (Spec, {"name": "tickets", "label": LABELS, "max_text_chars": 0}, "max_text_chars = 0 is too small"),
    ],
)
def test_a_contradiction_is_refused_with_the_value_and_the_cure(
    kind: type, values: dict[str, object], found: str
) -> None:
    """In a message of one sentence and a hint."""
    with pytest.raises(RatchetError) as caught:
        kind(**values)
    head, _, tail = found.partition(" .* ")
    assert head in str(caught.value)
    assert tail in str(caught.value)
    assert caught.value.code == "bad_spec"
    assert caught.value.hint
    assert caught.value.exit_code == 1


@pytest.mark.feature(4)
def test_a_label_that_the_spec_lacks_is_named_with_its_place_and_the_nearest() -> None:
    """Whoever meets a label asks the spec."""
    SPEC.check_label("other", "golden.jsonl line 1")
    with pytest.raises(RatchetError, match=r"'refunds' in golden.jsonl line 7 .*has: refund, other.*'refund'"):
        SPEC.check_label("refunds", "golden.jsonl line 7")


def test_the_order_of_labels_is_kept() -> None:
    """It is the order of logits and probabilities."""
    assert SPEC.labels == ("refund", "other")
    assert Spec("tickets", LABELS[::-1]).labels == ("other", "refund")


def test_the_digest_names_every_setting() -> None:
    """The same settings give the same digest, another order of labels or another limit does not."""
    assert SPEC.digest == Spec("tickets", LABELS).digest
    others = [
        Spec("tickets", LABELS[::-1]),
        replace(SPEC, limits=Limits(min_agreement=0.8)),
        replace(SPEC, window=Window(earliest=date(2026, 1, 1))),
        replace(SPEC, candidate=(Candidate(seed=1),)),
    ]
    assert len({SPEC.digest, *(other.digest for other in others)}) == 5


def test_settings_are_frozen() -> None:
    """What was checked cannot be changed behind the check's back."""
    with pytest.raises(FrozenInstanceError):
        SPEC.name = "other"  # type: ignore[misc]


def test_a_candidate_has_a_short_title() -> None:
    """For tables."""
    assert Candidate(rank=8).title == "encoder/lora r8 all-MiniLM-L6-v2"
    assert Candidate(method="probe").title == "encoder/probe all-MiniLM-L6-v2"


def test_few_examples_make_small_steps_and_many_make_large_ones() -> None:
    """By default an epoch has about 64 steps, within 8 to 32 examples each; a batch that is given is kept."""
    assert [Candidate().batch_of(n) for n in (3, 512, 1000, 2048, 50_000)] == [8, 8, 15, 32, 32]
    assert Candidate(batch=5).batch_of(50_000) == 5


def test_a_prompt_counts_only_where_a_candidate_reads_it() -> None:
    """Changing it does not bar an encoder's adapter from promotion, and makes another policy for a causal one."""
    labels, other = (Label("a"), Label("b")), PromptPolicy("{labels} {text} =")
    plain, causal = Spec("x", labels), Spec("x", labels, candidate=(Candidate(family="causal"),))
    assert replace(plain, prompt=other).digest == plain.digest
    assert replace(causal, prompt=other).digest != causal.digest


def test_what_the_machine_costs_decides_nothing() -> None:
    """Another price is no other specification: a candidate that was judged before it may still be promoted."""
    assert replace(SPEC, machine=Machine(watts=300.0)).digest == SPEC.digest
    others = {"machine", "prompt", "people", "publish", "evaluation", "frontier", "export", "review", "receipts"}
    assert SPEC.file_digest == digest_json({key: value for key, value in SPEC.as_json().items() if key not in others})


def test_where_it_is_published_decides_nothing() -> None:
    """Naming a repository after a cycle leaves its verdicts state."""
    assert replace(SPEC, publish=PublishPolicy(repo="me/tickets", private=False)).digest == SPEC.digest


def test_a_method_has_a_learning_rate_of_its_own() -> None:
    """Written as 0 or not at all; what is written otherwise stays, whatever the method."""
    assert (Candidate().learning_rate, Candidate(learning_rate=0).learning_rate) == (1.5e-3, 1.5e-3)
    assert Candidate(method="full").learning_rate == 5e-5
    assert Candidate(method="full", learning_rate=1.5e-3).learning_rate == 1.5e-3
