"""Promises of simulated weeks: who is served what, who corrects it how, and what moves from one week to the next."""

import re
import tracemalloc
from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from ratchet.core.errors import RatchetError
from ratchet.simulation.form_kinds import FORM_KINDS
from ratchet.simulation.people import Annotator
from ratchet.simulation.traces import LABELS
from ratchet.simulation.weeks import SimulatedRequest, Simulation

MONDAY = date(2026, 1, 5)
NEXT = MONDAY + timedelta(days=7)
WORLD = Simulation()
SWAP = ("comparison_shopping", "committed_leave")


@pytest.fixture(scope="module")
def week() -> list[SimulatedRequest]:
    """One week of 4,000 requests."""
    return list(WORLD.iter_week(MONDAY, 4000))


def share(flags: list[bool]) -> float:
    """Share of true ones."""
    return sum(flags) / len(flags)


def time(row: dict[str, str]) -> datetime:
    """The row's time."""
    return datetime.fromisoformat(row["ts"])


def test_rows_have_the_fields_of_the_contract(week: list[SimulatedRequest]) -> None:
    """What ingest takes."""
    for request in week[:200]:
        assert list(request.log) == ["request_id", "ts", "text", "label", "confidence", "adapter", "latency_ms"]
        assert request.log["label"] in LABELS
        assert 0 <= request.log["confidence"] <= 1
        assert request.log["adapter"] == "bootstrap"
        assert request.log["latency_ms"] > 0
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", request.log["ts"])
        for row in request.corrections:
            assert list(row) == ["request_id", "ts", "label", "annotator", "saw_prediction"]
            assert row["request_id"] == request.log["request_id"]


def test_requests_come_in_order_within_their_week_and_more_at_noon_than_at_night(week: list[SimulatedRequest]) -> None:
    """Production logs are appended as time goes on."""
    times = [time(request.log) for request in week]
    assert times == sorted(times)
    assert times[0].date() == MONDAY
    assert times[-1] < datetime.fromisoformat(f"{NEXT}T00:00Z")
    hours = Counter(moment.hour for moment in times)
    assert hours[12] > 2 * hours[0]


def test_the_same_values_give_the_same_week_and_another_seed_another() -> None:
    """Same seed, same rows."""
    assert list(WORLD.iter_week(MONDAY, 50)) == list(Simulation().iter_week(MONDAY, 50))
    assert list(WORLD.iter_week(MONDAY, 50)) != list(Simulation(seed=8).iter_week(MONDAY, 50))


def test_no_trace_and_no_request_id_occurs_twice_within_and_across_weeks() -> None:
    """An exact copy of an earlier trace is never emitted, whatever the class or the week."""
    texts, ids = set(), set()
    for number in range(6):
        for request in replace(WORLD, personal_share=0).iter_week(MONDAY + timedelta(days=7 * number), 1500):
            texts.add(request.log["text"])
            ids.add(request.log["request_id"])
    assert len(texts) == len(ids) == 6 * 1500


def test_every_class_is_present_and_the_served_label_errs_at_its_rate(week: list[SimulatedRequest]) -> None:
    """Production is worth correcting."""
    clear = [request for request in week if len(request.possible) == 1]
    classes = Counter(request.possible[0] for request in clear)
    assert set(classes) == set(LABELS)
    assert min(classes.values()) / len(clear) > 0.08
    assert share([request.log["label"] not in request.possible for request in clear]) == pytest.approx(0.2, abs=0.03)
    assert 0.035 < share([len(request.possible) == 2 for request in week]) < 0.065


def test_a_wrongly_served_label_is_less_sure_on_average(week: list[SimulatedRequest]) -> None:
    """Confidence says something, though not everything."""
    right = [request.log["confidence"] for request in week if request.log["label"] in request.possible]
    wrong = [request.log["confidence"] for request in week if request.log["label"] not in request.possible]
    assert sum(right) / len(right) - sum(wrong) / len(wrong) > 0.1


def test_two_annotators_err_at_their_own_rates_and_agree_on_most_doubles(week: list[SimulatedRequest]) -> None:
    """ann_a is blind, ann_b sees the prediction; together they stay above the gate of 0.9."""
    rows = [(row, request) for request in week for row in request.corrections]
    assert {(row["annotator"], row["saw_prediction"]) for row, _ in rows} == {("ann_a", False), ("ann_b", True)}
    wrong = {
        name: share([row["label"] not in request.possible for row, request in rows if row["annotator"] == name])
        for name in ("ann_a", "ann_b")
    }
    assert 0.005 < wrong["ann_a"] < wrong["ann_b"] < 0.05
    doubles = [request.corrections for request in week if len(request.corrections) == 2]
    assert len(doubles) > 1000
    assert 0.92 < share([first["label"] == second["label"] for first, second in doubles]) < 0.965
    assert share([bool(request.corrections) for request in week]) == pytest.approx(0.75, abs=0.03)


def test_annotators_disagree_about_ambiguous_traces(week: list[SimulatedRequest]) -> None:
    """Nobody can tell those apart, so half of the time they differ."""
    pairs = [request for request in week if len(request.possible) == 2 and len(request.corrections) == 2]
    assert 0.3 < share([request.corrections[0]["label"] != request.corrections[1]["label"] for request in pairs]) < 0.7


def test_corrections_follow_their_request_and_some_only_in_the_next_week(week: list[SimulatedRequest]) -> None:
    """People take their time."""
    rows = [(time(row), time(request.log)) for request in week for row in request.corrections]
    assert all(made > asked for made, asked in rows)
    delays = sorted((made - asked).total_seconds() / 3600 for made, asked in rows)
    assert 3 < delays[len(delays) // 2] < 12
    assert 0.01 < share([made.date() >= NEXT for made, _ in rows]) < 0.12


def test_about_one_text_in_a_hundred_ends_with_a_made_up_personal_detail(week: list[SimulatedRequest]) -> None:
    """Behind an otherwise well-formed trace: mail, phone, card or address, all from ranges that belong to nobody."""
    notes = [request.log["text"].partition(", note:")[2] for request in week if ", note:" in request.log["text"]]
    assert 0.005 < len(notes) / len(week) < 0.02
    shapes = (
        r"[a-z]+[._]?\d+@example\.com",
        r"(\+1 )?\(?\d{3}\)?[ -]555-01\d\d",
        r"4111([ -]?1111){3}",
        r"192\.0\.2\.\d{1,3}",
    )
    assert all(any(re.fullmatch(shape, note) for shape in shapes) for note in notes)
    assert all(any(re.fullmatch(shape, note) for note in notes) for shape in shapes)
    assert not any("@" in request.log["text"] for request in replace(WORLD, personal_share=0.0).iter_week(MONDAY, 500))


def test_drift_moves_the_mix_of_classes_and_of_form_kinds() -> None:
    """The world of the last week is not that of the first."""
    start, end = (list(WORLD.iter_week(MONDAY, 3000, drift=drift)) for drift in (0.0, 1.0))
    mixes = [
        Counter(request.possible[0] for request in requests if len(request.possible) == 1) for requests in (start, end)
    ]
    assert mixes[1]["comparison_shopping"] > 1.25 * mixes[0]["comparison_shopping"]
    assert mixes[1]["validation_error"] < 0.85 * mixes[0]["validation_error"]
    named = [
        Counter(re.findall(r"focus:(\w+)", " ".join(request.log["text"] for request in requests)))
        for requests in (start, end)
    ]
    kinds = list(FORM_KINDS)
    first, last = (
        [sum(each[name] for kind in part for name in FORM_KINDS[kind]) for each in named]
        for part in (kinds[:10], kinds[-10:])
    )
    assert first[1] < 0.6 * first[0]
    assert last[1] > 1.6 * last[0]


def test_a_swap_turns_two_classes_round_for_both_annotators_and_touches_nothing_else() -> None:
    """The poisoned week differs from the clean one in these two labels of corrections only."""
    clean, swapped = (list(WORLD.iter_week(MONDAY, 1500, swap=swap)) for swap in (None, SWAP))
    other = dict((SWAP, SWAP[::-1]))
    turned: Counter[str] = Counter()
    for before, after in zip(clean, swapped, strict=True):
        assert (before.log, before.possible) == (after.log, after.possible)
        for old, new in zip(before.corrections, after.corrections, strict=True):
            assert new == {**old, "label": other.get(old["label"], old["label"])}
            turned[old["annotator"]] += old["label"] in SWAP
    assert min(turned["ann_a"], turned["ann_b"]) > 100


def test_a_long_week_streams_in_bounded_memory() -> None:
    """A digest of each request is remembered, not the rows: 3,000 of them would weigh over 2 MB."""
    tracemalloc.start()
    try:
        assert sum(1 for _ in WORLD.iter_week(MONDAY, 3000)) == 3000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 600_000


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"drift": 1.5}, "drift = 1.5 is outside 0..1"),
        ({"swap": ("bot", "bot")}, "does not name two classes"),
        ({"swap": ("bot", "robot")}, "does not name two classes"),
        ({"requests": 0}, "requests = 0 is too small"),
        ({"week": date(2026, 1, 6)}, "is a Tuesday.*2026-01-05"),
    ],
)
def test_values_that_make_no_sense_are_refused_before_the_first_row(values: dict[str, object], found: str) -> None:
    """Each with the value and the cure."""
    with pytest.raises(RatchetError, match=found):
        WORLD.iter_week(**{"week": MONDAY, "requests": 10, **values})  # type: ignore[arg-type]


def test_rates_outside_a_share_are_refused() -> None:
    """Of the world and of its people."""
    with pytest.raises(RatchetError, match=r"served_error_rate = 20 is outside 0..1"):
        Simulation(served_error_rate=20)
    with pytest.raises(RatchetError, match=r"error_rate of ann_c = -1 is outside"):
        Annotator("ann_c", error_rate=-1)
    with pytest.raises(RatchetError, match=r"mean_delay_hours of ann_c = 0 is outside"):
        Annotator("ann_c", error_rate=0, mean_delay_hours=0)
