"""Promises of the form-event language, checked by a parser of its own that shares nothing with the simulator."""

import random
import re
from collections import Counter, defaultdict
from itertools import pairwise

import pytest

from ratchet.core.errors import RatchetError
from ratchet.data.redaction import redact
from ratchet.simulation.ambiguity import HARD_PAIRS, make_ambiguous_events
from ratchet.simulation.form_visits import write_events
from ratchet.simulation.traces import LABELS, make_trace
from ratchet.simulation.vocabulary import FORM_KINDS, INFORMATION

NAME = r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*"
EVENT = re.compile(
    rf"focus:(?P<focus>{NAME})|input:(?P<input>{NAME})(?:\(x(?P<keys>[1-9]\d*)\))?|blur:(?P<blur>{NAME})(?:\((?P<reason>{NAME})\))?"
    r"|scroll:page\((?P<ms>[1-9]\d*)ms\)|(?P<exit>exit)|(?P<submit>submit)"
)
PER_CLASS = 600
LONG_MS = 30_000

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


def failures(events: Parsed) -> list[str]:
    """The fields of failed validations, in order."""
    return [name for verb, name, _, reason in events if verb == "blur" and reason]


def gaps(events: Parsed) -> list[int]:
    """Places of the long gaps."""
    return [place for place, (verb, _, ms, _) in enumerate(events) if verb == "scroll" and ms >= LONG_MS]


@pytest.fixture(scope="module")
def traces() -> dict[str, list[Parsed]]:
    """Parsed traces of every class."""
    draw = random.Random(2024)  # noqa: S311
    return {label: [parse(make_trace(label, draw)) for _ in range(PER_CLASS)] for label in LABELS}


def test_ambiguous_traces_are_of_the_language_too() -> None:
    """They would teach the model a dialect otherwise."""
    draw = random.Random(5)  # noqa: S311
    for pair in HARD_PAIRS:
        for _ in range(500):
            assert parse(write_events(make_ambiguous_events(pair, draw)))[-1][0] != "submit"


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


def test_a_validation_error_fails_in_one_field_that_nothing_gets_past(traces: dict[str, list[Parsed]]) -> None:
    """After the first failure no field is left without complaint after typing; the failing one is tried again."""
    single = 0
    for events in traces["validation_error"]:
        failing = set(failures(events))
        assert len(failing) == 1, events
        (name,) = failing
        first = next(place for place, event in enumerate(events) if event[3])
        after = events[first + 1 :]
        assert all(field == name for verb, field, *_ in after if verb == "input"), events
        assert not any(verb == "blur" and field == name and not reason for verb, field, _, reason in after), events
        assert any(field == name for _, field, *_ in after), events
        assert not gaps(events)
        single += len(failures(events)) == 1
    assert 0.05 < single / PER_CLASS < 0.3, "some fail only once: the hard pair with accidental_exit"


def test_a_distraction_has_exactly_one_long_gap_near_its_end(traces: dict[str, list[Parsed]]) -> None:
    """Progress first, then 30 to 300 s, then at most two more events."""
    noisy = 0
    for events in traces["distraction"]:
        assert len(gaps(events)) == 1, events
        (gap,) = gaps(events)
        assert len(events) - gap <= 3, events
        assert sum(verb == "input" for verb, *_ in events[:gap]) >= 1, events
        assert len(failures(events)) <= 1, events
        assert all(event[0] != "input" for event in events[gap:]), events
        noisy += len(failures(events))
    assert 0 < noisy / PER_CLASS < 0.15, "now and then a failure is fixed on the way"


def test_comparison_shopping_browses_several_parts_and_hardly_types(traces: dict[str, list[Parsed]]) -> None:
    """At least two information parts, three scrolls, at most one short input."""
    for events in traces["comparison_shopping"]:
        assert len({name for verb, name, *_ in events if verb == "focus" and name in INFORMATION}) >= 2, events
        assert sum(verb == "scroll" for verb, *_ in events) >= 3, events
        typed = [number for verb, _, number, _ in events if verb == "input"]
        assert len(typed) <= 1, events
        assert sum(typed) <= 5, events
        assert not failures(events)
        assert not gaps(events)


def test_an_accidental_exit_is_quick_even_and_cut_off(traces: dict[str, list[Parsed]]) -> None:
    """Several fields, no error, no pause over 2.5 s; many end in a word, some without a noticed exit."""
    cut = silent = 0
    for events in traces["accidental_exit"]:
        assert len({name for verb, name, *_ in events if verb == "input"}) >= 2, events
        assert not failures(events)
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
        names = [name for _, name, *_ in events[:-1]]
        assert len(set(names)) == len(names), events
        lengths.add(len(names))
    assert {1, 2, 5, 10, 12} <= lengths


def test_a_bot_keeps_to_document_order(traces: dict[str, list[Parsed]]) -> None:
    """Fields of one kind of form follow each other as in the form."""
    kinds = [{name: place for place, name in enumerate(fields)} for fields in FORM_KINDS.values()]
    for events in traces["bot"]:
        names = [name for _, name, *_ in events[:-1]]
        own = max(kinds, key=lambda kind: sum(name in kind for name in names))
        places = [own[name] for name in names if name in own]
        assert sum(b < a for a, b in pairwise(places)) <= 1, "a borrowed field may stand anywhere"


def test_a_committed_leave_is_short_and_types_nothing(traces: dict[str, list[Parsed]]) -> None:
    """At most eight events, two fields, no input, no failure, no long gap; some have a look at one information part."""
    priced = 0
    for events in traces["committed_leave"]:
        assert len(events) <= 8, events
        assert {verb for verb, *_ in events} <= {"focus", "blur", "scroll", "exit"}, events
        looked = {name for verb, name, *_ in events if verb == "focus"}
        assert len(looked) <= 2, events
        assert not failures(events)
        assert not gaps(events)
        priced += any(name in INFORMATION for name in looked)
    assert 0.1 < priced / PER_CLASS < 0.6


def test_only_bots_submit(traces: dict[str, list[Parsed]]) -> None:
    """The others abandoned the form."""
    for label in set(LABELS) - {"bot"}:
        assert not any(events[-1][0] == "submit" for events in traces[label])


def test_no_field_name_belongs_to_a_class() -> None:
    """Each of the hundreds of names, information parts included, turns up in every class."""
    draw = random.Random(11)  # noqa: S311
    classes: dict[str, Counter[str]] = defaultdict(Counter)
    for label in LABELS:
        for _ in range(4000):
            text = make_trace(label, draw)
            for name in set(re.findall(rf"(?:focus|input):({NAME})", text)):
                classes[name][label] += 1
    known = {name for fields in FORM_KINDS.values() for name in fields} | set(INFORMATION)
    assert len(known) > 300
    missing = {name: set(LABELS) - set(classes[name]) for name in known if len(classes[name]) < len(LABELS)}
    assert not missing


def test_contexts_lengths_timings_and_counts_vary(traces: dict[str, list[Parsed]]) -> None:
    """No class has a template."""
    for label, parsed in traces.items():
        shapes = {tuple((verb, bool(reason)) for verb, _, _, reason in events) for events in parsed}
        assert len({len(events) for events in parsed}) >= 6, label
        assert len(shapes) >= 12, label
        assert len({name for events in parsed for _, name, *_ in events}) > 150, label
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
