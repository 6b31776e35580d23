"""Promises of the form-event language, checked by a parser of its own that shares nothing with the simulator."""

import random
import re
from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np
import pytest

from ratchet.core.errors import RatchetError
from ratchet.data.redaction import redact
from ratchet.simulation import name_parts as parts
from ratchet.simulation.ambiguity import HARD_PAIRS, make_ambiguous_events
from ratchet.simulation.form_kinds import FORM_KINDS
from ratchet.simulation.form_visits import write_events
from ratchet.simulation.traces import LABELS, make_trace

NAME = r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*"
EVENT = re.compile(
    rf"focus:(?P<focus>{NAME})|input:(?P<input>{NAME})(?:\(x(?P<keys>[1-9]\d*)\))?|blur:(?P<blur>{NAME})(?:\((?P<reason>{NAME})\))?"
    r"|scroll:page\((?P<ms>[1-9]\d*)ms\)|(?P<exit>exit)|(?P<submit>submit)"
)
PER_CLASS = 600
LONG_MS = 30_000
_OFFER = rf"(?:(?:{'|'.join(parts.SCOPES)})_)?(?:{'|'.join(parts.OFFER)})(?:_(?:{'|'.join(parts.ASPECTS)}))?"
_CONDITION = rf"(?:{'|'.join(parts.CONDITIONS)})(?:_(?:{'|'.join(parts.CONDITION_ASPECTS)}))?"
INFORMATION = re.compile(rf"{'|'.join((*parts.PAGE_PARTS, *parts.CONDITION_PARTS))}|{_OFFER}|{_CONDITION}")
CHOICE = re.compile(rf"(?:{'|'.join(parts.OFFER)})_(?:{'|'.join(parts.CHOICES)})")

Parsed = list[tuple[str, str, int, str]]


def parse(text: str) -> Parsed:
    """Events as (verb, field, number, reason); an assertion fails where `text` is not of the language."""
    events: Parsed = []
    for part in text.split(", "):
        match = EVENT.fullmatch(part)
        assert match, f"{part!r} in {text!r}"
        verb = part.partition(":")[0]
        if verb == "input" and match["keys"]:
            assert int(match["keys"]) > 1, part
        number = int(match["ms"] or match["keys"] or 1)
        if verb == "scroll":
            assert 500 <= number <= 300_000, part
        events.append((verb, match["focus"] or match["input"] or match["blur"] or "", number, match["reason"] or ""))
    assert 2 <= len(events) <= 25, text
    assert all(verb not in ("exit", "submit") for verb, *_ in events[:-1]), text
    return events


def looked_at(events: Parsed, pattern: re.Pattern[str]) -> set[str]:
    """Entered names that match."""
    return {name for verb, name, *_ in events if verb == "focus" and pattern.fullmatch(name)}


def typed(events: Parsed) -> list[str]:
    """Names with key strokes, in order."""
    return [name for verb, name, *_ in events if verb == "input"]


def unsolved(events: Parsed) -> set[str]:
    """Fields that failed and were neither left without complaint afterwards, nor filled in before the next one."""
    failed: set[str] = set()
    refilled = ""
    for verb, name, _, reason in events:
        if verb == "blur":
            failed = failed | {name} if reason else failed - {name}
            refilled = "" if reason else refilled
        elif verb == "input" and name in failed:
            refilled = name
        elif verb == "focus" and name != refilled:
            failed -= {refilled}
    return failed


def gaps(events: Parsed) -> list[int]:
    """Places of the long gaps."""
    return [place for place, (verb, _, ms, _) in enumerate(events) if verb == "scroll" and ms >= LONG_MS]


@pytest.fixture(scope="module")
def traces() -> dict[str, list[Parsed]]:
    """Parsed traces of every class."""
    draw = random.Random(2024)  # noqa: S311
    return {label: [parse(make_trace(label, draw)) for _ in range(PER_CLASS)] for label in LABELS}


def test_ambiguous_traces_are_of_the_language_and_lean_to_one_side() -> None:
    """They would teach the model a dialect otherwise; no pair is left to a coin alone, except where nothing leans."""
    draw = random.Random(5)  # noqa: S311
    leans = defaultdict(set)
    for pair in HARD_PAIRS:
        for _ in range(300):
            events, lean = make_ambiguous_events(pair, draw)
            assert parse(write_events(events))[-1][0] != "submit"
            assert 0.2 < lean < 0.8
            leans[pair].add(lean)
    assert len(leans["comparison_shopping", "committed_leave"]) > 3


def test_labels_stand_in_the_order_of_the_specification() -> None:
    """The order of labels is the order of probabilities."""
    assert LABELS == (
        "validation_error",
        "distraction",
        "comparison_shopping",
        "accidental_exit",
        "bot",
        "committed_leave",
    )


def test_a_validation_error_is_never_got_past(traces: dict[str, list[Parsed]]) -> None:
    """A field has failed and stays so; it was tried again, or at least entered again; no gap ends the visit."""
    single = 0
    for events in traces["validation_error"]:
        failed = [name for verb, name, _, reason in events if verb == "blur" and reason]
        assert unsolved(events), events
        last = failed[-1]
        first = next(place for place, event in enumerate(events) if event[1] == last and event[3])
        assert any(name == last for _, name, *_ in events[first + 1 :]) or len(failed) > 1, events
        assert all(place < len(events) - 3 for place in gaps(events)), events
        single += len(failed) == 1
    assert 0.05 < single / PER_CLASS < 0.3, "some fail only once: the hard pair with accidental_exit"


def test_a_distraction_has_a_long_gap_after_which_nothing_is_filled_in(traces: dict[str, list[Parsed]]) -> None:
    """Progress before, at most a look afterwards; now and then a failure was fixed on the way."""
    noisy = 0
    for events in traces["distraction"]:
        assert gaps(events), events
        assert not typed(events[gaps(events)[0] :]), events
        assert any(verb in ("focus", "input") for verb, *_ in events[: gaps(events)[0]]), events
        assert len(events) - gaps(events)[0] <= 6, events
        assert not unsolved(events)
        noisy += any(reason for *_, reason in events)
    assert 0.03 < noisy / PER_CLASS < 0.2


def test_comparison_shopping_holds_several_parts_against_each_other(traces: dict[str, list[Parsed]]) -> None:
    """At least two parts or choices, one of them information; one short input at most, no failure, no last gap."""
    returning = 0
    for events in traces["comparison_shopping"]:
        information, choices = looked_at(events, INFORMATION), looked_at(events, CHOICE)
        assert information, events
        assert len(information | choices) >= 2, events
        assert sum(number for verb, _, number, _ in events if verb == "input") <= 5, events
        assert not any(reason for *_, reason in events)
        assert all(place < len(events) - 2 for place in gaps(events)), events
        entered = [name for verb, name, *_ in events if verb == "focus"]
        returning += len(set(entered)) < len(entered)
    assert returning / PER_CLASS > 0.4


def test_an_accidental_exit_is_quick_and_cut_off(traces: dict[str, list[Parsed]]) -> None:
    """Fields are filled in without a pause over 2.5 s; many end in a word, some without a noticed exit."""
    cut = silent = 0
    for events in traces["accidental_exit"]:
        assert typed(events), events
        assert set(typed(events)) <= {name for verb, name, *_ in events if verb == "focus"}, events
        assert not unsolved(events)
        assert all(ms <= 2500 for verb, _, ms, _ in events if verb == "scroll"), events
        last = [verb for verb, *_ in events if verb != "exit"][-1]
        cut += last in ("input", "focus")
        silent += events[-1][0] != "exit"
    assert 0.5 < cut / PER_CLASS < 0.95
    assert 0.03 < silent / PER_CLASS < 0.3


def test_a_bot_types_without_focus_and_submits(traces: dict[str, list[Parsed]]) -> None:
    """Input only, each field once, then submit; forms of one field and of a dozen."""
    lengths = set()
    for events in traces["bot"]:
        assert {verb for verb, *_ in events[:-1]} == {"input"}, events
        assert events[-1][0] == "submit"
        assert len(set(typed(events))) == len(typed(events)), events
        lengths.add(len(typed(events)))
    assert {1, 2, 5, 10, 12} <= lengths


def test_a_bot_keeps_to_document_order(traces: dict[str, list[Parsed]]) -> None:
    """Fields of one kind of form follow each other as in the form."""
    kinds = [{name: place for place, name in enumerate(fields)} for fields in FORM_KINDS.values()]
    for events in traces["bot"]:
        names = typed(events)
        own = max(kinds, key=lambda kind: sum(name in kind for name in names))
        places = [own[name] for name in names if name in own]
        assert sum(b < a for a, b in pairwise(places)) <= 1, "a field that any form may have stands anywhere"


def test_a_committed_leave_types_nothing_and_compares_nothing(traces: dict[str, list[Parsed]]) -> None:
    """No input, no failure, no gap; at most one information part, and then no choice of an offer."""
    priced = long = 0
    for events in traces["committed_leave"]:
        assert {verb for verb, *_ in events} <= {"focus", "blur", "scroll", "exit"}, events
        assert not any(reason for *_, reason in events)
        assert not gaps(events)
        information = looked_at(events, INFORMATION)
        assert len(information) <= 1, events
        assert not information or not looked_at(events, CHOICE), events
        priced += bool(information)
        long += len(events) > 8
    assert 0.2 < priced / PER_CLASS < 0.6
    assert long / PER_CLASS > 0.3, "not short alone"


def test_a_model_that_only_counts_cannot_tell_shopping_from_leaving(traces: dict[str, list[Parsed]]) -> None:
    """Both browse without input, and differ in intent alone."""
    from sklearn.linear_model import LogisticRegression

    rows = [
        ([len(events), *(sum(verb == each for verb, *_ in events) for each in ("focus", "blur", "scroll"))], label)
        for label in ("comparison_shopping", "committed_leave")
        for events in traces[label]
    ]
    counts, truth = np.array([row for row, _ in rows]), np.array([label for _, label in rows])
    first = np.arange(len(rows)) % 2 == 0
    model = LogisticRegression(max_iter=2000).fit(counts[first], truth[first])
    assert 0.5 < model.score(counts[~first], truth[~first]) < 0.8


def test_nobody_types_into_an_information_part(traces: dict[str, list[Parsed]]) -> None:
    """Not even a bot, which finds no field there; one opens a part and leaves it."""
    for parsed in traces.values():
        assert not any(INFORMATION.fullmatch(name) for events in parsed for name in typed(events))


def test_only_bots_submit(traces: dict[str, list[Parsed]]) -> None:
    """The others abandoned the form."""
    for label in set(LABELS) - {"bot"}:
        assert not any(events[-1][0] == "submit" for events in traces[label])


def test_lengths_of_all_classes_overlap(traces: dict[str, list[Parsed]]) -> None:
    """Each is short and long: a fifth of every class has at most eight events, and a tenth at least twelve."""
    for label, parsed in traces.items():
        lengths = [len(events) for events in parsed]
        assert sum(length <= 8 for length in lengths) > 0.15 * PER_CLASS, label
        assert sum(length >= 12 for length in lengths) > 0.08 * PER_CLASS, label


def test_no_field_belongs_to_a_class(traces: dict[str, list[Parsed]]) -> None:
    """Most names of a class turn up in another one, and every class meets most kinds of forms."""
    listed = {name: kind for kind, fields in FORM_KINDS.items() for name in fields}
    named = {label: Counter(name for events in parsed for _, name, *_ in events) for label, parsed in traces.items()}
    for label, names in named.items():
        others = set().union(*(named[other] for other in LABELS if other != label))
        common = [name for name in names if name in listed]
        assert len({listed[name] for name in common}) > 40, label
        assert sum(name in others for name in common) > 0.8 * len(common), label


def test_contexts_lengths_timings_and_counts_vary(traces: dict[str, list[Parsed]]) -> None:
    """No class has a template."""
    for label, parsed in traces.items():
        shapes = {tuple((verb, bool(reason)) for verb, _, _, reason in events) for events in parsed}
        assert len({len(events) for events in parsed}) >= 12, label
        assert len(shapes) >= 12, label
        assert len({name for events in parsed for _, name, *_ in events}) > 400, label
        numbers = {number for events in parsed for verb, _, number, _ in events if verb in ("scroll", "input")}
        assert len(numbers) > 30, label


def test_the_same_generator_state_gives_the_same_trace() -> None:
    """Nothing but the given generator is drawn from."""
    first, second = random.Random(3), random.Random(3)  # noqa: S311
    assert [make_trace(label, first) for label in LABELS * 50] == [make_trace(label, second) for label in LABELS * 50]


def test_redaction_leaves_clean_traces_alone(traces: dict[str, list[Parsed]]) -> None:
    """Key counts and times must not look like phones or cards."""
    draw = random.Random(1)  # noqa: S311
    for label in LABELS:
        for text in (make_trace(label, draw) for _ in range(60)):
            assert redact(text) == text


def test_an_unknown_class_is_refused_with_the_nearest_known_one() -> None:
    """A slip of the keyboard is answered with a proposal."""
    with pytest.raises(RatchetError, match=r"no class 'distracton'.*'distraction'"):
        make_trace("distracton", random.Random(0))  # noqa: S311
