"""Every reader of a week's labels that judges reads requests drawn at random, or without a record of a choice."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ratchet.config.review import ReviewPolicy
from ratchet.config.spec import Label, Spec
from ratchet.core.cycle import Cycle, parse_week
from ratchet.data.consensus import CONSENSUS_OF_VOTES_SQL, VOTES_SQL
from ratchet.data.curation import CORRECTED_SQL, curate
from ratchet.data.judging import DRAWN_TEST_SQL
from ratchet.data.label_rules import NO_RULES
from ratchet.data.label_selection import SELECTION_SQL
from ratchet.data.splitting import lookback_start
from ratchet.gates.adjudication import MEASURED_SQL
from ratchet.gates.golden_agreement import CONFUSIONS_SQL
from ratchet.gates.label_distribution import CONSENSUS_COUNTS_SQL
from ratchet.ingest.rebuild import open_warehouse
from ratchet.storage.home import Home
from ratchet.storage.warehouse import Warehouse
from ratchet.workflows.gates.past_answers import read_past_answers
from ratchet.workflows.review.random_doubles import read_random_doubles

ROOT = Path(__file__).parents[3]
WEEK, LABELS = parse_week("2026-03-02"), ("a", "b", "c")
CYCLE = Cycle("t", WEEK)
SPEC = Spec("t", tuple(map(Label, LABELS)), review=ReviewPolicy(evidence_votes=2))
CHOICES = (None, "random", "value")
WITHOUT_THE_FIRST = {"data": {"quarantined": {str(WEEK - timedelta(days=21)): "its splits are cut by time alone"}}}
EVERYTHING = {"classifier": "t", "week": WEEK}


def request_rows(by_value: bool) -> list[dict[str, Any]]:
    """Requests of this week and three before, chosen in each way or in none; those by value are labelled wrongly."""
    rows = []
    for number in range(160):
        chosen, label = CHOICES[number % 3], LABELS[number // 3 % 3]
        if chosen == "value" and not by_value:
            continue
        start = pd.Timestamp(Cycle("t", WEEK - timedelta(days=7 * (number % 4))).start)
        rows.append({
            "request_id": f"r{number:03d}", "ts": start + timedelta(hours=number % 160), "label": label,
            "week": WEEK - timedelta(days=7 * (number % 4)), "chosen": chosen,
            "text": f"request {number} " + " ".join(f"w{number * 31 + i}" for i in range(8)),
            "given": LABELS[(LABELS.index(label) + (chosen == "value")) % 3],
        })  # fmt: skip
    return rows


def fill(folder: Path, by_value: bool) -> tuple[Home, Warehouse]:
    """A warehouse in which four cycles made labels, examples and answers of these requests."""
    home, rows = Home(folder), request_rows(by_value)
    warehouse = open_warehouse(home, "t")
    logs = pd.DataFrame(rows)[["request_id", "ts", "text", "label", "week"]].assign(classifier="t")
    given = pd.DataFrame(
        [
            (row["request_id"], row["ts"] + timedelta(hours=1), row["given"], who, row["week"], row["chosen"])
            for row in rows
            for who in ("ann", "bob")
        ]
        # one decision, so that annotators are measured against decided requests
        + [("r000", rows[0]["ts"] + timedelta(days=1), "a", "cyd", WEEK, "adjudication")],
        columns=["request_id", "ts", "label", "annotator", "week", "chosen"],
    ).assign(classifier="t", saw_prediction=False)
    with warehouse.connect() as connection:
        for table, written in (("production_logs", logs), ("corrections", given)):
            connection.register("rows", written)
            connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM rows")
            connection.unregister("rows")
    tables = {"votes": VOTES_SQL, "labels": CONSENSUS_OF_VOTES_SQL}
    for table, sql in tables.items():
        made = warehouse.frame(sql, {**EVERYTHING, **({"first": date.min} if table == "labels" else {})})
        made.insert(0, "classifier", "t")
        weeks = {date.fromisoformat(str(week)[:10]): part for week, part in made.groupby("week")}
        warehouse.replace_weeks(table, "t", weeks)
    for weeks in range(3, -1, -1):
        cycle = Cycle("t", WEEK - timedelta(days=7 * weeks))
        window = {"classifier": "t", "start": lookback_start(cycle, SPEC.window), "end": cycle.end}
        examples = curate(warehouse.frame(CORRECTED_SQL, window), cycle, SPEC, []).examples
        warehouse.replace("examples", "t", cycle.week, examples.assign(classifier="t", week=cycle.week))
        test = examples[examples["split"] == "test"]
        answers = test[["split", "text", "label"]].assign(
            item=test["request_id"], predicted=[LABELS[len(text) % 3] for text in test["text"]], classifier="t",
            week=cycle.week, model="candidate", adapter="x",
        )  # fmt: skip
        warehouse.replace("predictions", "t", cycle.week, answers)
    return home, warehouse


def frame(sql: str, **more: Any) -> Callable[[Home, Warehouse], Any]:
    """Read by one query."""
    return lambda home, warehouse: warehouse.frame(sql, {**EVERYTHING, **more}).astype(str).to_dict("records")


def split(name: str) -> Callable[[Home, Warehouse], Any]:
    """Read one split of the cycle's examples."""
    return frame(f"SELECT request_id, label FROM examples WHERE classifier = $classifier AND week = $week"
                 f" AND split = '{name}' ORDER BY request_id")  # fmt: skip


READERS: dict[str, Callable[[Home, Warehouse], Any]] = {
    "test": split("test"),
    "calibration": split("calibration"),
    "thresholds for acting": frame(DRAWN_TEST_SQL),
    "golden_agreement": frame(CONFUSIONS_SQL, adapter="x"),
    "golden_agreement, the weeks before": lambda home, warehouse: read_past_answers(
        warehouse, CYCLE, WITHOUT_THE_FIRST, NO_RULES
    ),
    "label_agreement": lambda home, warehouse: read_random_doubles(home, SPEC, warehouse, CYCLE)
    .astype(str).sort_values(["request_id", "annotator"]).to_dict("records"),
    "label_agreement, after decisions": frame(MEASURED_SQL, first=date.min),
    "label_distribution": lambda home, warehouse: warehouse.frame(CONSENSUS_COUNTS_SQL, EVERYTHING)
    .sort_values("label").to_dict("records"),
    "weeks whose labels are errors alone": frame(SELECTION_SQL),
}  # fmt: skip


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Home, Warehouse]]:
    """The same weeks with requests that were chosen for their value and without them."""
    return [fill(tmp_path_factory.mktemp("labels"), by_value) for by_value in (True, False)]


@pytest.mark.parametrize("reader", READERS)
def test_what_was_chosen_for_its_value_changes_nothing_that_judges(
    reader: str, both: list[tuple[Home, Warehouse]]
) -> None:
    """A third of the labels, all wrong, is there or not: each reader has the same rows, and some."""
    found = [READERS[reader](*each) for each in both]
    assert found[0]
    assert found[0] == found[1]


def test_the_labels_chosen_for_their_value_train(both: list[tuple[Home, Warehouse]]) -> None:
    """They are in train, so the comparison above is of two different homes."""
    counts = [len(split("train")(*each)) for each in both]
    assert counts[0] > counts[1] + 20


JUDGES, TRAINS, ASKS, SHOWS, DIGESTS = (
    "judges by what was drawn", "trains", "asks people", "shows or exports", "digests, measures people, or keeps tables"
)  # fmt: skip
FILES = {
    "ratchet/data/consensus.py": "makes votes and labels, and says of each whether it was drawn",
    "ratchet/data/curation.py": JUDGES,
    "ratchet/data/judging.py": JUDGES,
    "ratchet/data/given_examples.py": TRAINS,
    "ratchet/gates/adjudication.py": JUDGES,
    "ratchet/gates/colluding_annotators.py": JUDGES,
    "ratchet/gates/class_history.py": JUDGES,
    "ratchet/gates/golden_agreement.py": JUDGES,
    "ratchet/gates/label_agreement.py": JUDGES,
    "ratchet/gates/label_distribution.py": JUDGES,
    "ratchet/gates/row_quality.py": "judges the form of every row",
    "ratchet/ingest/ingested_files.py": DIGESTS,
    "ratchet/review/people_figures.py": DIGESTS,
    "ratchet/storage/migrations.py": DIGESTS,
    "ratchet/storage/warehouse.py": DIGESTS,
    "ratchet/storage/review/index_lines.py": ASKS,
    "ratchet/storage/review/index_tables.py": ASKS,
    "ratchet/storage/review/queue_index.py": ASKS,
    "ratchet/workflows/export_dataset.py": SHOWS,
    "ratchet/workflows/gates/scan_triggers.py": TRAINS,
    "ratchet/workflows/review/batches.py": ASKS,
    "ratchet/workflows/review/blocked_rows.py": ASKS,
    "ratchet/workflows/review/corrections.py": SHOWS,
    "ratchet/workflows/review/label_rows.py": ASKS,
    "ratchet/workflows/review/people.py": "finds the newest week",
    "ratchet/workflows/review/suspend.py": ASKS,
    "ratchet/workflows/review/trained_on.py": SHOWS,
    "ratchet/workflows/review/waiting.py": ASKS,
    "ratchet/workflows/rollout/draw_stream.py": "counts the team's votes",
    "ratchet/workflows/rollout/replay.py": "leaves out what was trained on",
    "orchestration/cli/demo/review.py": SHOWS,
}
"""Files with a query on labels, votes, examples or corrections, and what the query is for."""
_READS = re.compile(
    r"\b(?:FROM|JOIN) (?:labels|votes|examples|corrections|attributed_corrections|read_person_corrections"
    r"|person_corrections)\b(?! import)"
)


def test_every_query_on_labels_is_listed() -> None:
    """A new one says here what it is for; one that judges has a row among the readers, too."""
    found = {
        str(path.relative_to(ROOT))
        for room in ("ratchet", "gateway", "assets", "checks", "orchestration")
        for path in (ROOT / room).rglob("*.py")
        if _READS.search(path.read_text(encoding="utf-8"))
    }
    assert found - {"ratchet/config/candidate.py", "ratchet/config/candidate_rules.py"} == set(FILES)
