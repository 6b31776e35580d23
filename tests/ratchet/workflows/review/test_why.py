"""The history of a request, from real files and a real warehouse: what it was served, who corrected it, who used it."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ratchet.core.cycle import Cycle
from ratchet.core.verdict import Verdict
from ratchet.gates.registry import GATES
from ratchet.ingest.landing import Landing
from ratchet.ingest.rebuild import open_warehouse
from ratchet.review.item import RANDOM, QueuedRequest
from ratchet.review.reasons import CONFLICT, LOW_CONFIDENCE
from ratchet.review.request_facts import describe_history
from ratchet.storage.home import Home
from ratchet.storage.journal.segments import RowSchema, as_line, publish_segment
from ratchet.storage.receipts import Receipts
from ratchet.storage.rollout.quarantine import Quarantine
from ratchet.storage.specs import Specs
from ratchet.testing.homes import SmallClassifier, write_lines
from ratchet.workflows.review.correction_states import CHECKED, COUNTS, REPLACED, UNLISTED
from ratchet.workflows.review.enqueue import enqueue
from ratchet.workflows.review.request_rows import find_in_files
from ratchet.workflows.review.why import trace_request

WEEK, NEXT = date(2026, 1, 5), date(2026, 1, 12)
ADAPTER = "ab" * 32
MADE = f"candidate {ADAPTER}, as green (blocked by leakage: Fails: one text leaks.)."
MAIL = "my parcel is lost, write to ann@example.org"
FEEDBACK = RowSchema("feedback", dict.fromkeys(("request_id", "verdict", "label", "source"), "VARCHAR") | {
    "ts": "TIMESTAMPTZ"})  # fmt: skip


def correct(request: str, annotator: str, label: str | None = "green", hour: int = 10, **more: Any) -> dict[str, Any]:
    """A correction as a file has it."""
    ts = f"2026-01-06T{hour}:00:00+00:00"
    return {"request_id": request, "ts": ts, "label": label, "annotator": annotator, "saw_prediction": False, **more}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which requests have met everything that can happen to one; nothing in it changes."""
    home = Home(tmp_path_factory.mktemp("why") / "home")
    small = SmallClassifier(home, requests=9)
    small.write(settings='[people]\nann_a = ["a@example.org"]\nann_b = []\n')
    rows = [
        {"request_id": f"r{n}", "ts": f"2026-01-05T1{n}:00:00+00:00", "text": MAIL, "label": "green", "confidence": 0.4,
         "adapter": ADAPTER, "slot": "live", "flag_reason": "SPLIT", "action": "review"}
        for n in range(9)
    ]  # fmt: skip
    bad = {**rows[0], "request_id": "bad", "label": "no such label"}
    write_lines(home.landing("small", "production_logs") / "week.jsonl", [*rows, bad])
    write_lines(
        home.landing("small", "corrections") / "week.jsonl",
        [
            correct("r1", "ann_a"),
            correct("r1", "ann_b", "amber", saw_prediction=True, chosen="value", batch="b1", seconds=4.2, note="odd"),
            correct("r1", "a@example.org", "violet", hour=11),
            correct("r1", "stranger", "amber"),
            correct("r2", "ann_b", chosen="check", batch="b1"),
            correct("r3", "ann_b", None, answer="cannot_tell"),
            correct("waits", "ann_a"),
        ],
    )
    warehouse = open_warehouse(home, "small")
    Landing(home, warehouse).take(Specs(home)["small"])
    cycle = Cycle("small", NEXT)
    ts = datetime(2026, 1, 5, 12, tzinfo=UTC)
    kept = {"classifier": "small", "week": NEXT, "ts": ts, "text": "t", "label": "green", "blind": True}
    splits = {"r1": "train", "r4": "calibration", "r5": "test"}
    examples = pd.DataFrame([{**kept, "request_id": r, "split": s} for r, s in splits.items()])
    gone = {"classifier": "small", "week": NEXT, "ts": ts, "request_id": "r6", "reason": "near_held_out"}
    chances = {"classifier": "small", "week": NEXT, "model": "candidate", "adapter": ADAPTER, "split": "test"}
    tables = {
        "examples": examples,
        "dropped": pd.DataFrame([{**gone, "detail": "like r5, labelled amber"}]),
        "predictions": pd.DataFrame([{**chances, "item": "r5", "text": "t", "label": "green", "predicted": "amber",
                                      "confidence": 0.7, "probabilities": [0.7, 0.2, 0.1]}]),
    }  # fmt: skip
    for table, frame in tables.items():
        warehouse.replace(table, "small", NEXT, frame)
    agreed = {"classifier": "small", "week": WEEK, "request_id": "r1", "label": "violet", "status": "consensus",
              "annotators": 2, "votes": 1, "agreement": 0.5, "blind": True}  # fmt: skip
    tie = {**agreed, "request_id": "r7", "label": None, "status": "adjudicate", "blind": False}
    warehouse.replace("labels", "small", WEEK, pd.DataFrame([agreed, tie]))
    receipts = Receipts(home)
    receipts.note(cycle, adapter=ADAPTER)
    for gate in GATES:
        failed = gate == "leakage"
        verdict = Verdict("failed", "Fails: one text leaks.") if failed else Verdict("passed", "Passes.")
        receipts.write(cycle, gate, verdict, {})
    Quarantine(home).take("small", str(WEEK), "label_agreement", Verdict("failed", "Fails: 3 of 9."), "rows", "test")
    said = {"request_id": "r1", "ts": "2026-01-05T12:00:00+00:00", "verdict": "wrong", "label": None, "source": "web"}
    publish_segment(home.feedback("small"), FEEDBACK, [said])
    journal = home.journal("small", "feedback")
    journal.mkdir(parents=True)
    (journal / "000000000001.wal").write_bytes(as_line({**said, "source": "app"}) + b"torn")
    queued = QueuedRequest("r1", LOW_CONFIDENCE, ts, MAIL, probability=0.25, slot="live", detail="0.4 is below 0.5")
    enqueue(home, "small", [queued], writer="gateway")
    differ = replace(queued, reason=CONFLICT, ts=ts + timedelta(seconds=1), chosen=RANDOM, detail="two people differ")
    enqueue(home, "small", [replace(differ, probability=None, slot="")], writer="cycle")
    return home


def told(home: Home, request: str, **options: Any) -> dict[str, list[str]]:
    """The facts of a request, by the title of their section."""
    history = trace_request(home, "small", request, **options)
    return {part.title: [f"{fact.name}: {fact.value}" for fact in part.facts] for part in describe_history(history)}


def test_an_answer_is_told_with_its_adapter_slot_threshold_and_reasons(home: Home) -> None:
    """Also who complained, in a segment and in a journal with a torn end, and why the queue took it."""
    parts = told(home, "r1")
    assert parts["Answer"] == [
        "time: 2026-01-05T11:00:00+00:00",
        "label: green, confidence 0.400",
        f"adapter: {ADAPTER}, slot live, flag reason SPLIT",
        "action: review, threshold of the label 0.5",
    ]
    assert sorted(line.partition(": ")[2] for line in parts["Feedback"]) == [
        "wrong (from app); never a label", "wrong (from web); never a label",
    ]  # fmt: skip
    assert [line.partition("00:00: ")[2] for line in parts["Review queue"]] == [
        "the confidence is below the label's threshold: 0.4 is below 0.5 (only trains, probability 0.25,"
        " answered by live)",
        "two people gave different labels (may judge)",
    ]


def test_every_correction_names_its_author_its_blindness_and_whether_it_counts(home: Home) -> None:
    """The last answer of a person counts, under whichever name; a stranger's and a check never do."""
    found = {each: trace_request(home, "small", each).corrections for each in ("r1", "r2", "r3")}
    shown = [(row["annotator"], row["person"], row["blind"], row["state"]) for row in found["r1"]]
    assert shown == [
        ("ann_a", "ann_a", True, REPLACED),
        ("ann_b", "ann_b", False, COUNTS),
        ("a@example.org", "ann_a", True, COUNTS),
        ("stranger", "stranger", True, UNLISTED),
    ]
    assert [found["r1"][1][name] for name in ("chosen", "batch", "seconds", "note")] == ["value", "b1", 4.2, "odd"]
    assert [row["state"] for row in found["r2"]] == [CHECKED]
    assert any("no label: cannot_tell, by ann_b" in line for line in told(home, "r3")["Corrections"])


@pytest.mark.parametrize(
    ("request_id", "section", "sentence"),
    [
        ("r1", "Cycles", f"2026-01-12: trained {MADE}"),
        ("r1", "Consensus", "label: violet by 1 of 2 people, at least one of them blind"),
        ("r1", "Cycles", "its week: quarantined: label_agreement: Fails: 3 of 9."),
        ("r2", "Consensus", "label: no cycle has counted the corrections yet"),
        ("r4", "Cycles", f"2026-01-12: calibrated {MADE}"),
        ("r5", "Cycles", f"2026-01-12: judged {MADE}"
         " Candidate answered amber: amber 0.700, green 0.200, violet 0.100."),
        ("r6", "Cycles", "2026-01-12: dropped (near_held_out): like r5, labelled amber."),
        ("r7", "Consensus", "label: none: people disagree; waits for adjudication"),
        ("waits", "Not taken", "waits: corrections in week.jsonl: no production log has this request_id yet; the row is"
         " tried again when more logs arrive"),
        ("bad", "Not taken", "rejected: production_logs in week.jsonl, line 10: label is not in classifier.toml"),
        ("bad", "Answer", "answer: no row of the request itself was found, only others that name it"),
    ],
    ids=["train", "consensus", "quarantine", "uncounted", "calibration", "test", "dropped", "tie", "waits", "rejected",
         "no-row"],
)  # fmt: skip
def test_each_end_of_a_request_is_told_in_a_sentence(home: Home, request_id: str, section: str, sentence: str) -> None:
    """Trained, calibrated, judged, dropped, tied, waiting, rejected: each with the sentence why."""
    assert sentence in told(home, request_id)[section]


def test_a_text_is_there_only_when_it_is_asked_for_and_as_the_model_sees_it(home: Home, tmp_path: Path) -> None:
    """Redacted, unless `[review]` says `raw`."""
    assert trace_request(home, "small", "r1").text is None
    assert trace_request(home, "small", "r1", text=True).text == "my parcel is lost, write to [EMAIL]"
    assert "ann@example.org" not in json.dumps(trace_request(home, "small", "r1", text=True).as_json())
    raw = SmallClassifier(Home(tmp_path / "raw"))
    raw.write(settings="[review]\nraw = true\n")
    row = {"request_id": "r1", "ts": "2026-01-05T10:00:00+00:00", "text": MAIL, "label": "green"}
    write_lines(raw.home.landing("small", "production_logs") / "week.jsonl", [row])
    Landing(raw.home, open_warehouse(raw.home, "small")).take(Specs(raw.home)["small"])
    assert trace_request(raw.home, "small", "r1", text=True).text == MAIL


def test_without_the_warehouse_it_says_what_was_not_looked_at(home: Home) -> None:
    """Files that others dropped are read by intake alone; what our own files hold is told all the same."""
    found = trace_request(home, "small", "r1", find=find_in_files)
    assert found.request is None
    assert [row["source"] for row in found.feedback] == ["web", "app"]
    assert [each.use for each in found.cycles] == ["trained"]
    (note,) = found.notes
    assert note.startswith("0 older files and 2 that others dropped into the landing folders were not looked at")


def test_nothing_is_made_by_asking(home: Home, tmp_path: Path) -> None:
    """Neither in this home nor in one without rows; an unknown id is empty."""
    empty = SmallClassifier(Home(tmp_path / "empty"))
    empty.write()
    before = {root: sorted(root.rglob("*")) for root in (home.root, empty.home.root)}
    for find in (trace_request(home, "small", "no"), trace_request(empty.home, "small", "r1")):
        assert find.is_empty
    assert {root: sorted(root.rglob("*")) for root in before} == before
