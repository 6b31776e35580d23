"""The sample classifier holds together: its settings load, its golden set is balanced, clear and apart from every demo
week."""

import re
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest

from ratchet.config.spec import Spec
from ratchet.data.near_duplicates import NearDuplicates, normalise
from ratchet.data.redaction import redact
from ratchet.models.base_models import base_folder
from ratchet.simulation.traces import LABELS
from ratchet.simulation.vocabulary import INFORMATION
from ratchet.simulation.weeks import CLASSIFIER, Simulation
from ratchet.storage.golden_set import GoldenItem, load_golden
from ratchet.storage.specs import load_spec

FOLDER = Path(__file__).parents[2] / "data" / "form_abandonment"


@pytest.fixture(scope="module")
def spec() -> Spec:
    """The sample's settings."""
    return load_spec(FOLDER / "classifier.toml")


@pytest.fixture(scope="module")
def golden(spec: Spec) -> list[GoldenItem]:
    """The sample's golden set."""
    return load_golden(FOLDER / "golden.jsonl", spec)


def bears_its_sign(item: GoldenItem) -> bool:
    """Whether the text shows what its label claims, read without the simulator."""
    text = item.text
    idle = [int(ms) for ms in re.findall(r"scroll:page\((\d+)ms\)", text)]
    failed = re.findall(r"blur:(\w+)\(", text)
    typed = set(re.findall(r"input:(\w+)", text))
    entered = set(re.findall(r"focus:(\w+)", text))
    long = sum(ms >= 30_000 for ms in idle)
    return {
        "validation_error": len(set(failed)) == 1
        and (len(failed) > 1 or text.count(f"input:{failed[0]}") > 1)
        and not long,
        "distraction": long == 1 and len(typed) >= 1 and len(failed) <= 1,
        "comparison_shopping": len(idle) >= 3 and len(entered & set(INFORMATION)) >= 2 and len(typed) <= 1 and not long,
        "accidental_exit": len(typed) >= 2 and typed <= entered and not failed and max(idle, default=0) <= 2500,
        "bot": text.endswith("submit") and not entered and not idle and "blur" not in text,
        "committed_leave": not typed and not failed and not long and len(entered) <= 2 and text.count(",") < 8,
    }[item.label]


def test_the_settings_load_and_name_the_six_classes_in_order(spec: Spec) -> None:
    """They are what a newcomer copies."""
    assert spec.name == CLASSIFIER
    assert spec.labels == LABELS
    assert [(label.name, label.action) for label in spec.label] == list(
        zip(
            LABELS,
            ("fix_form", "reengagement_mail", "targeted_discount", "browser_notification", "ignore", "accept"),
            strict=True,
        )
    )
    assert all(label.description for label in spec.label)


def test_two_candidates_on_an_installed_base_are_tried(spec: Spec) -> None:
    """An adapter and the probe that wins when data are few."""
    assert [(candidate.family, candidate.method) for candidate in spec.candidate] == [
        ("encoder", "lora"),
        ("encoder", "probe"),
    ]
    assert all(base_folder(candidate.base).is_dir() for candidate in spec.candidate)


def test_every_setting_of_the_sample_is_commented() -> None:
    """The file teaches the settings, so each key is explained where it first stands."""
    seen: set[str] = set()
    comment = ""
    for line in (FOLDER / "classifier.toml").read_text().splitlines():
        key, assigned, value = line.partition(" = ")
        if line.startswith("#"):
            comment += line
        elif assigned and key not in seen:
            assert "#" in value or key in comment, line
        seen.add(key)


def test_the_golden_set_is_balanced_and_without_copies(golden: list[GoldenItem]) -> None:
    """At least thirty of each class: enough for a verdict within a class."""
    counts = Counter(item.label for item in golden)
    assert set(counts) == set(LABELS)
    assert min(counts.values()) >= 30
    assert len({normalise(item.text) for item in golden}) == len(golden) >= 180


def test_no_two_golden_items_are_near_duplicates(golden: list[GoldenItem], spec: Spec) -> None:
    """Copies would count one mistake twice."""
    index = NearDuplicates(spec.limits.near_duplicate_jaccard)
    pairs = [item.text for item in golden if len(item.text) > 40 and index.find_or_add(item.text) is not None]
    assert pairs == []


def test_every_golden_item_bears_the_sign_of_its_class_and_of_no_other(golden: list[GoldenItem]) -> None:
    """Clear visits only."""
    for item in golden:
        assert bears_its_sign(item), item
        others = [label for label in LABELS if label != item.label and bears_its_sign(GoldenItem(item.text, label))]
        assert not others, (item, others)


def test_the_golden_set_holds_no_personal_data(golden: list[GoldenItem]) -> None:
    """Redaction finds nothing to do."""
    assert all(redact(item.text) == item.text for item in golden)


def test_no_golden_text_occurs_in_the_weeks_that_the_demo_writes(golden: list[GoldenItem]) -> None:
    """The golden set is never trained on."""
    texts = {normalise(item.text) for item in golden}
    for number in range(3):
        for request in Simulation().iter_week(date(2026, 1, 5) + timedelta(days=7 * number), 1500, drift=0.2 * number):
            assert normalise(request.log["text"].partition(", note:")[0]) not in texts
