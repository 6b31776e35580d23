"""The sample classifier holds together: its settings load, its golden set is balanced, clear and apart from every demo
week."""

import json
import re
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest

from ratchet.config.spec import Spec
from ratchet.data.near_duplicates import NearDuplicates, normalise
from ratchet.data.redaction import redact
from ratchet.models.base_models import base_folder
from ratchet.simulation import name_parts
from ratchet.simulation.traces import LABELS
from ratchet.simulation.weeks import CLASSIFIER, Simulation
from ratchet.storage.golden_set import GoldenItem, load_golden
from ratchet.storage.specs import load_spec
from ratchet.workflows.sample import make_golden

FOLDER = Path(__file__).parents[2] / "data" / "form_abandonment"


@pytest.fixture(scope="module")
def spec() -> Spec:
    """The sample's settings."""
    return load_spec(FOLDER / "classifier.toml")


@pytest.fixture(scope="module")
def golden(spec: Spec) -> list[GoldenItem]:
    """The sample's golden set."""
    return load_golden(FOLDER / "golden.jsonl", spec)


def sign_of(text: str) -> str:
    """Label whose sign the text shows, read without the simulator's behaviour: only its lists of names are used."""
    entered, typed = re.findall(r"focus:(\w+)", text), re.findall(r"input:(\w+)", text)
    if text.endswith("submit"):
        return "bot"
    *_, gap = [0, *(place.end() for place in re.finditer(r"scroll:page\(\d{5,}ms\)", text) if _ms(place[0]) >= 30_000)]
    if gap and "input:" not in text[gap:] and "(" not in text[gap:].replace("page(", ""):
        return "distraction"
    failed = re.findall(r"blur:(\w+)\(", text)
    if failed and not re.search(rf"blur:{failed[-1]}(?!\w|\()", text[text.rindex(f"blur:{failed[-1]}(") :]):
        return "validation_error"
    parts = {name for name in entered if _is_information(name)}
    if parts and len(parts | {name for name in entered if _is_choice(name)}) > 1 and len(typed) <= 1:
        return "comparison_shopping"
    return "accidental_exit" if typed else "committed_leave"


def _ms(event: str) -> int:
    return int(re.sub(r"\D", "", event))


def _is_information(name: str) -> bool:
    about = {f"{subject}_{aspect}" for subject in name_parts.OFFER for aspect in name_parts.ASPECTS}
    agreed = {f"{subject}_{aspect}" for subject in name_parts.CONDITIONS for aspect in name_parts.CONDITION_ASPECTS}
    plain = {*name_parts.PAGE_PARTS, *name_parts.CONDITION_PARTS, *name_parts.OFFER, *name_parts.CONDITIONS}
    scoped = [name.removeprefix(f"{scope}_") for scope in name_parts.SCOPES]
    return name in plain | about | agreed or any(each in about for each in scoped)


def _is_choice(name: str) -> bool:
    return any(name == f"{subject}_{choice}" for subject in name_parts.OFFER for choice in name_parts.CHOICES)


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


def test_every_golden_item_bears_the_sign_of_its_class(golden: list[GoldenItem]) -> None:
    """Clear visits only, by the rules of the page on the language."""
    assert [item for item in golden if sign_of(item.text) != item.label] == []


def test_the_golden_set_is_what_its_command_writes() -> None:
    """A change of the simulator without `python -m benchmarks.sample_golden` is found here."""
    assert (FOLDER / "golden.jsonl").read_text() == make_golden()


def test_handwritten_traces_are_of_the_language_and_of_every_class(spec: Spec) -> None:
    """Ten of each class, and none of them is simulated: they are for evaluation alone."""
    rows = [json.loads(line) for line in (FOLDER / "handwritten.jsonl").read_text().splitlines()]
    assert Counter(row["label"] for row in rows) == dict.fromkeys(spec.labels, 10)
    assert all(re.match(r"(focus|input|scroll):\w+", row["text"]) for row in rows)


def test_the_golden_set_holds_no_personal_data(golden: list[GoldenItem]) -> None:
    """Redaction finds nothing to do."""
    assert all(redact(item.text) == item.text for item in golden)


def test_no_golden_text_occurs_in_the_weeks_that_the_demo_writes(golden: list[GoldenItem]) -> None:
    """The golden set is never trained on."""
    texts = {normalise(item.text) for item in golden}
    for number in range(5):
        for request in Simulation().iter_week(date(2026, 1, 5) + timedelta(days=7 * number), 1500, drift=0.2 * number):
            assert normalise(request.log["text"].partition(", note:")[0]) not in texts
