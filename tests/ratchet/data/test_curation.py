"""Every corrected request becomes an example or is dropped with a reason, and nothing held out reaches train."""

import random
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest

import ratchet.data.curation as curation
from ratchet.config.policy import Limits
from ratchet.config.spec import Label, Spec
from ratchet.config.window import Window
from ratchet.core.cycle import Cycle, monday_of
from ratchet.core.errors import RatchetError
from ratchet.data.curation import CORRECTED_SQL, EXAMPLE_COLUMNS, Curated, curate, digest_examples
from ratchet.data.judging import sentence_on_judging
from ratchet.data.near_duplicates import jaccard, normalise, shingles
from ratchet.data.sift import DROPPED_COLUMNS, REASONS
from ratchet.data.split_checks import check_splits
from ratchet.data.splitting import lookback_start
from ratchet.gates.leakage import find_leaks
from ratchet.ingest.rebuild import open_warehouse
from ratchet.simulation.traces import make_trace
from ratchet.storage.home import Home

CYCLE = Cycle("tickets", date(2026, 2, 23))
SPEC = Spec("tickets", (Label("a"), Label("b")), limits=Limits(min_examples_per_class=1))
Row = dict[str, Any]


def row(
    request: str,
    day: float,
    text: str,
    label: str | None = "a",
    *,
    status: str = "consensus",
    blind: bool = True,
    drawn: bool = True,
) -> Row:
    """One corrected request, `day` days after the cycle's Monday."""
    ts = pd.Timestamp(CYCLE.start) + timedelta(days=day)
    given = {"request_id": request, "ts": ts, "text": text, "label": label, "status": status, "blind": blind}
    return {**given, "drawn": drawn}


def backdrop() -> list[Row]:
    """Twelve unlike texts: train, calibration (the newest of the earlier) and test all have both labels."""
    subjects = (
        "where is the parcel", "please freeze everything", "exchange rates today", "lost my wallet abroad",
        "wrong name on it",
        "top up did not work", "how old must one be", "cash machine ate it", "which countries apply", "verify who I am",
        "refund still missing", "apple pay will not link",
    )  # fmt: skip
    days = [-20, -19, -18, -17, -16, -15, -14, -13, -2, -1, 1, 2]
    return [row(f"base{i}", day, text, "ab"[i % 2]) for i, (day, text) in enumerate(zip(days, subjects, strict=True))]


def run(extra: list[Row], golden: list[str] | None = None, spec: Spec = SPEC) -> Curated:
    """Curate the backdrop and some rows."""
    return curate(pd.DataFrame(backdrop() + extra), CYCLE, spec, golden or [], QUARANTINED)


def why(found: Curated) -> dict[str, str]:
    """The reason of each dropped request."""
    return dict(zip(found.dropped["request_id"], found.dropped["reason"], strict=True))


def places(found: Curated) -> dict[str, str]:
    """The split of each example."""
    return dict(zip(found.examples["request_id"], found.examples["split"], strict=True))


QUARANTINED = ("2026-01-19",)
GOLDEN = ["my contactless payment is refused in shops", "write to help@example.org about fees abroad"]
PLANTED: dict[str, tuple[list[Row], dict[str, str]]] = {
    "a week that a gate of the data blocked": (
        [row("x", -35, "its first moment"), row("y", -28.01, "its last one"), row("fine", -28, "the week after")],
        {"x": "quarantined", "y": "quarantined"},
    ),
    "adjudication": ([row("x", -10, "two people differ", None, status="adjudicate")], {"x": "adjudication"}),
    "a label that was split, and not answered since": (
        [row("x", -10, "an old label", "z (split)")],
        {"x": "split_label"},
    ),
    "the only label is of somebody who is left out": (
        [row("x", -10, "asked again", None, status="left_out")],
        {"x": "left_out"},
    ),
    "chosen for its value in the own week": (
        [row("x", 1.5, "live was unsure here", drawn=False), row("fine", -1.5, "an unsure one of before", drawn=False)],
        {"x": "chosen_by_value"},
    ),
    "a label of another specification": ([row("x", -10, "an old label", "z")], {"x": "unknown_label"}),
    "two labels for one text, in one split or two": (
        [row("x", -10, "Same  TEXT", "a"), row("y", -9, "same text", "b"), row("z", 1, "same text", "a")],
        {"x": "conflicting_labels", "y": "conflicting_labels", "z": "conflicting_labels"},
    ),
    "anchored in test and calibration, but not in train": (
        [
            row(name, day, f"anchored {name} {day}", blind=False)
            for name, day in (("x", 3.0), ("y", -1.5), ("fine", -10.0))
        ],
        {"x": "anchored", "y": "anchored"},
    ),
    "the same text again in its split": (
        [
            row("first", -10, "say it twice"),
            row("x", -9, "SAY it twice"),
            row("first test", 3, "once more"),
            row("y", 4, "once more"),
        ],
        {"x": "duplicate", "y": "duplicate"},
    ),
    "nearly the same text again in train": (
        [row("first", -10, "please tell me how to unblock it"), row("x", -9, "please tell me how to unblock it!")],
        {"x": "near_duplicate"},
    ),
    "nearly the same text again in train, with another label": (
        [row("first", -10, "please tell me how to unblock it"), row("x", -9, "please tell me how to unblock it!", "b")],
        {"x": "near_duplicate_other_label"},
    ),
    "held out in test": ([row("x", -10, "Refund still missing", "a")], {"x": "held_out"}),
    "held out in calibration": ([row("x", -10, "which countries  APPLY", "a")], {"x": "held_out"}),
    "calibration holds what test holds": ([row("x", -1.5, "refund still missing", "a")], {"x": "held_out"}),
    "near test": ([row("x", -10, "apple pay will not link!", "a")], {"x": "near_held_out"}),
    "near calibration": ([row("x", -10, "which countries apply?", "b")], {"x": "near_held_out"}),
    "golden": ([row("x", -10, GOLDEN[0].upper()), row("fine", 2, GOLDEN[0])], {"x": "golden"}),
    "golden in calibration": ([row("x", -1.5, GOLDEN[0])], {"x": "golden"}),
    "golden but for the personal data": ([row("x", -10, "write to other@mail.org about fees abroad")], {"x": "golden"}),
    "one word apart from golden": (
        [row("x", -10, "my contactless card is refused in shops")],
        {"x": "reworded_golden"},
    ),
    "near golden": (
        [row("x", -10, f"{GOLDEN[0]}!!"), row("y", -1.5, f"{GOLDEN[0]}??")],
        {"x": "near_golden", "y": "near_golden"},
    ),
}


@pytest.mark.parametrize("case", PLANTED)
def test_every_reason_to_drop_a_row_is_found_where_it_is_planted(case: str) -> None:
    """And nothing else of the table is dropped."""
    extra, expected = PLANTED[case]
    found = run(extra, GOLDEN)
    assert why(found) == expected
    assert found.describe()["dropped"] == dict(Counter(expected.values()))
    assert set(places(found)) == {r["request_id"] for r in backdrop() + extra} - set(expected)


def test_the_table_plants_every_reason() -> None:
    """A new reason needs a case here; labels that wait are chosen after the curation (`test_label_choice.py`), and
    examples that were given are in `test_given_examples.py`."""
    planted = {reason for _, expected in PLANTED.values() for reason in expected.values()}
    assert planted == set(REASONS) - {"waiting_label", "contradicts_request"}


def test_a_near_duplicate_names_what_it_is_like() -> None:
    """The earlier example, the held-out request, the golden item by its line."""
    found = run(
        [
            row("x", -10, f"{GOLDEN[0]}!!"),
            row("y", -14.5, "apple pay will not link!", "b"),
            row("z", -12.5, "where is the parcel?"),
            row("w", -12.4, "exchange rates today?", "b"),
        ],
        GOLDEN,
    )
    assert dict(zip(found.dropped["request_id"], found.dropped["detail"], strict=True)) == {
        "x": "like golden item 1",
        "y": "like base11",
        "z": "like base0",
        "w": "like base2, labelled a",
    }


def test_splits_follow_time_in_a_later_week_and_60_20_20_in_the_first() -> None:
    """The week is test, the newest of the earlier calibration; without earlier weeks the week itself is cut."""
    assert Counter(places(run([])).values()) == {"train": 8, "calibration": 2, "test": 2}
    week = [row(f"r{i}", i * 0.5, text["text"], "ab"[i % 2]) for i, text in enumerate(backdrop()[:10])]
    found = curate(pd.DataFrame(week), CYCLE, SPEC, [])
    assert [places(found)[f"r{i}"] for i in range(10)] == ["train"] * 6 + ["calibration"] * 2 + ["test"] * 2
    facts = found.describe()["splits"]
    assert (
        facts["train"]["last"] < facts["calibration"]["first"] <= facts["calibration"]["last"] < facts["test"]["first"]
    )


def test_anchored_labels_never_calibrate_nor_test() -> None:
    """Over random rows of which half are anchored."""
    generator = random.Random(2)  # noqa: S311
    rows = [
        row(f"r{i}", generator.uniform(-30, 7), make_trace("bot", generator), generator.choice("ab"), blind=i % 2 == 0)
        for i in range(200)
    ]
    found = curate(pd.DataFrame(rows), CYCLE, SPEC, []).examples
    assert found.loc[found["split"] != "train", "blind"].all()
    assert not found.loc[found["split"] == "train", "blind"].all()


def test_what_was_chosen_for_its_value_trains_and_never_calibrates_nor_tests() -> None:
    """Over random rows of which most were chosen so: those of earlier weeks all train, those of the own week wait; in
    a first cycle, too. The bounds are those of the others, and figures and sentence count them."""
    generator = random.Random(3)  # noqa: S311
    rows = [
        row(f"r{i}", generator.uniform(-27, 7), make_trace("bot", generator), generator.choice("ab"), drawn=i % 4 == 0)
        for i in range(400)
    ]
    alone = curate(pd.DataFrame([each for each in rows if each["drawn"]]), CYCLE, SPEC, [])
    for first in (False, True):
        mine = [each for each in rows if each["ts"] >= CYCLE.start] if first else rows
        found = curate(pd.DataFrame(mine), CYCLE, SPEC, [])
        examples, own = found.examples, found.examples["ts"] >= CYCLE.start
        assert examples.loc[examples["split"] != "train", "drawn"].all()
        assert (examples.loc[~examples["drawn"], "split"] == "train").all()
        waits = found.dropped[found.dropped["reason"] == "chosen_by_value"]
        assert (waits["ts"] >= CYCLE.start).all()
        assert len(waits)
        facts = found.describe()
        judging = facts["judging"]
        assert judging["only_train"] == int((~examples["drawn"]).sum()) > 0
        assert judging["test"] == facts["splits"]["test"]["n"] > 0
        assert judging["wait"] == len(waits)
        assert sum(facts["drawn_in_train"].values()) == facts["splits"]["train"]["n"] - judging["only_train"]
        assert f"{judging['only_train']} were chosen for their value and only train" in sentence_on_judging(facts)
        assert "raise audit_share in [review]" in sentence_on_judging(facts)
        if not first:
            assert not (own & ~examples["drawn"]).any()
            held = {name: split for name, split in places(found).items() if split != "train"}
            assert held.items() == {name: s for name, s in places(alone).items() if s != "train"}.items()
    assert "judging" not in alone.describe()
    assert sentence_on_judging(alone.describe()) == ""


def test_personal_data_is_redacted_before_anything_is_kept_and_counted() -> None:
    """No address or number is in any example; the counts say how many were there."""
    found = run([row("x", -10, " mail jo@example.org or call 555-123-4567 ")])
    assert "mail [EMAIL] or call [PHONE]" in set(found.examples["text"])
    assert found.redactions == {"email": 1, "phone": 1}


@pytest.mark.parametrize("seed", range(4))
def test_every_row_is_an_example_or_dropped_exactly_once_in_any_order(seed: int) -> None:
    """Random rows with every fault; shuffled rows give the same examples and the same digest."""
    generator = random.Random(seed)  # noqa: S311
    texts = [make_trace(generator.choice(("bot", "distraction")), generator) for _ in range(60)]
    rows = []
    for i in range(400):
        text = generator.choice(texts) + generator.choice(("", "", "!", ", exit", " a@b.org"))
        undecided = generator.random() < 0.1
        rows.append(
            row(
                f"r{i}",
                generator.uniform(-60, 6.99),
                text,
                None if undecided else "z" if generator.random() < 0.02 else "ab"[len(text) % 2],
                status="adjudicate" if undecided else "consensus",
                blind=generator.random() < 0.8,
            )
        )
    found = curate(pd.DataFrame(rows), CYCLE, SPEC, texts[:5])
    counted = Counter([*found.examples["request_id"], *found.dropped["request_id"]])
    assert counted == Counter(r["request_id"] for r in rows)
    assert found.dropped[["reason", "detail", "ts"]].notna().all(axis=None)
    shuffled = curate(pd.DataFrame(rows).sample(frac=1, random_state=seed), CYCLE, SPEC, texts[:5])
    pd.testing.assert_frame_equal(shuffled.examples, found.examples)
    assert digest_examples(shuffled.examples) == digest_examples(found.examples.sample(frac=1, random_state=1))
    assert leaks(found, texts[:5]) == []


def leaks(found: Curated, golden: list[str]) -> list[Any]:
    """What the independent check finds in curated examples."""
    train = found.examples["split"] == "train"
    named = [
        [*part[["request_id", "text"]].itertuples(index=False, name=None)]
        for part in (found.examples[train], found.examples[~train])
    ]
    return find_leaks(named[0], named[1] + [(f"golden-{i}", text) for i, text in enumerate(golden, start=1)], 0.8)


UNSEPARATED = "    from ratchet.data.separation import Separated\n\n    apart = Separated(Boilerplate(), {})\n"


def test_a_curation_that_forgets_to_keep_splits_apart_is_caught_by_the_leakage_check(
    plant: Callable[..., ModuleType],
) -> None:
    """The mutant is this module without that step; the check, which shares no code with it, names all four."""
    planted = [row("x", -19, "Refund still missing", "a"), row("y", -19, "apple pay will not link!", "b"),
               row("z", -19, GOLDEN[0]), row("w", -19, "which countries apply?")]  # fmt: skip
    assert leaks(run(planted, GOLDEN[:1]), GOLDEN[:1]) == []
    mutant = plant(curation, "    apart = keep_apart(sift, spec.limits, redact_all(golden)[0])\n", UNSEPARATED)
    leaked = leaks(mutant.curate(pd.DataFrame(backdrop() + planted), CYCLE, SPEC, GOLDEN[:1]), GOLDEN[:1])
    assert {leak.train_item for leak in leaked} == {"x", "y", "z", "w"}


def paraphrase(text: str, level: int, generator: random.Random) -> str:
    """Five levels, each heavier: case, one letter, a word added, a word replaced, half of the words in another
    order."""
    words = text.split()
    if level == 1:
        return f" {text.upper()}  "
    if level == 2:
        at = generator.randrange(len(text))
        return text[:at] + generator.choice("aeiou") + text[at + 1 :]
    if level == 3:
        return f"{text} please"
    if level == 4:
        words[generator.randrange(len(words))] = "thing"
        return " ".join(words)
    half = words[: len(words) // 2]
    return " ".join(words[len(words) // 2 :] + half)


def test_golden_texts_sent_as_corrections_never_reach_train() -> None:
    """T07: of 220 golden texts at five levels of paraphrase (case, letter, word more, word replaced, halves swapped)
    none trains.

    Two words changed in a short text are seen neither here nor by the leakage check.
    """
    generator = random.Random(7)  # noqa: S311
    words = "card cash rate shop bank code fee bill loan sign page list mail post form plan time week name land"
    golden = [" ".join(generator.choices(words.split(), k=generator.randint(6, 14))) + f" {i}" for i in range(220)]
    sent = [
        (f"p{level}-{i}", level, paraphrase(text, level, generator))
        for level in range(1, 6)
        for i, text in enumerate(golden)
    ]
    found = run([row(name, -12 + i / 1000, text, "ab"[i % 2]) for i, (name, _, text) in enumerate(sent)], golden)
    trained = {name for name, split in places(found).items() if split == "train"}
    own = {f"p{level}-{i}": text for level in range(1, 6) for i, text in enumerate(golden)}
    alike = {
        name for name, _, text in sent if jaccard(shingles(normalise(text)), shingles(normalise(own[name]))) >= 0.8
    }
    assert not trained & alike
    assert leaks(found, golden) == []
    assert {name for name, level, _ in sent if level == 1} <= alike
    passed = Counter(level for name, level, _ in sent if name in trained)
    assert {level: passed[level] for level in range(1, 6)} == dict.fromkeys(range(1, 6), 0)


@pytest.mark.parametrize(
    ("rows", "spec", "code", "match"),
    [
        (
            backdrop()[:10],
            SPEC,
            "empty_split",
            r"the test split of tickets 2026-02-23 is empty: train 8 \(2026-02.*dropped \{\}",
        ),
        ([], SPEC, "empty_split", "no labelled request in the 26 weeks"),
        (
            backdrop(),
            Spec("tickets", SPEC.label, window=Window(earliest=date(2026, 2, 10))),
            "bad_dates",
            "run from 2026-02-03 to 2026-02-25",
        ),
        (
            backdrop(),
            Spec("tickets", SPEC.label, window=Window(latest=date(2026, 2, 24))),
            "bad_dates",
            "run from 2026-02-03 to 2026-02-25",
        ),
        (
            backdrop(),
            Spec("tickets", (*SPEC.label, Label("c"))),
            "thin_class",
            r"\{'a': 4, 'b': 4, 'c': 0\} \(limits.min_examples_per_class = 5\)",
        ),
    ],
)
def test_a_cycle_without_enough_examples_is_refused_with_what_was_found(
    rows: list[Row], spec: Spec, code: str, match: str
) -> None:
    """An empty split and dates outside the window print the range, a thin class its count."""
    frame = pd.DataFrame(rows, columns=list(backdrop()[0])).astype({"blind": bool, "ts": "datetime64[us, UTC]"})
    with pytest.raises(RatchetError, match=match) as caught:
        check_splits(curate(frame, CYCLE, spec, []), spec, CYCLE)
    assert caught.value.code == code


def test_rows_straight_from_the_warehouse_are_curated(tmp_path: Path) -> None:
    """The types that DuckDB gives, an undecided label included, and the look-back window of the query."""
    warehouse = open_warehouse(Home(tmp_path), "tickets")
    rows = [
        *backdrop(),
        row("open", -10, "undecided one", None, status="adjudicate"),
        row("late", 7.0, "next week"),
        row("old", -400, "long ago"),
    ]
    with warehouse.connect() as connection:
        for r in rows:
            week = monday_of(r["ts"].date())
            connection.execute(
                "INSERT INTO production_logs VALUES ('tickets', ?, ?, ?, 'a', NULL, NULL, NULL, NULL, ?)",
                [r["request_id"], r["ts"].to_pydatetime(), r["text"], week],
            )
            connection.execute(
                "INSERT INTO labels (classifier, week, request_id, label, status, annotators, votes, agreement, blind)"
                " VALUES ('tickets', ?, ?, ?, ?, 1, 1, 1.0, ?)",
                [week, r["request_id"], r["label"], r["status"], r["blind"]],
            )
    window = {"classifier": "tickets", "start": lookback_start(CYCLE, SPEC.window), "end": CYCLE.end}
    found = curate(warehouse.frame(CORRECTED_SQL, window), CYCLE, SPEC, [])
    assert why(found) == {"open": "adjudication"}
    assert places(found) == places(run([]))
    assert list(found.examples.columns) == EXAMPLE_COLUMNS
    assert list(found.dropped.columns) == DROPPED_COLUMNS
    assert digest_examples(found.examples) == digest_examples(run([]).examples)
    warehouse.replace("examples", "tickets", CYCLE.week, found.examples.assign(classifier="tickets", week=CYCLE.week))
    warehouse.replace("dropped", "tickets", CYCLE.week, found.dropped.assign(classifier="tickets", week=CYCLE.week))
    back = warehouse.frame(curation.EXAMPLES_SQL, {"classifier": "tickets", "week": CYCLE.week})
    assert digest_examples(back) == digest_examples(found.examples)
    sent = warehouse.frame(curation.SENT_SQL, {"classifier": "tickets", "week": CYCLE.week})
    assert sent[back.columns.to_list()].equals(back)
    with warehouse.connect() as connection:
        connection.execute("UPDATE production_logs SET text = text || ' 030/1234567'")
    changed = warehouse.frame(curation.SENT_SQL, {"classifier": "tickets", "week": CYCLE.week})
    assert [*changed["as_sent"]] == [f"{text} 030/1234567" for text in sent["as_sent"]]
    key = {"classifier": "tickets", "week": CYCLE.week}
    assert set(sent["served"]) == {"a"}
    with warehouse.connect() as connection:  # `a` was split into `b` and another: what it was split into confirms it
        connection.execute("INSERT INTO label_images VALUES ('tickets', 'a', NULL, NULL, 'former', ['b', 'z'], NULL)")
        served = connection.execute(curation.SENT_SQL, key).df()
    assert {*zip(served["label"], served["served"], strict=True)} == {("a", "former"), ("b", "b")}


@pytest.mark.parametrize(
    "change", [("text", "other words"), ("label", "b"), ("split", "test"), ("request_id", "other")]
)
def test_any_change_of_an_example_changes_the_digest(change: tuple[str, str]) -> None:
    """Text, label, split or request of one row."""
    examples = run([]).examples
    changed = examples.copy()
    changed.loc[0, change[0]] = change[1]
    assert digest_examples(changed) != digest_examples(examples)
