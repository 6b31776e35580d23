"""Terms of a comparison when it begins, and a rate that falls while more waits than the team labels."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from ratchet.config.review import ReviewPolicy
from ratchet.config.spec import Label, Spec
from ratchet.core.cycle import Cycle
from ratchet.ingest.rebuild import open_warehouse
from ratchet.rollout.evidence.stream import Rate, Stream
from ratchet.storage.home import Home
from ratchet.storage.review.event_log import append_events
from ratchet.storage.review.evidence_rates import append_rate, rates_path, read_rates
from ratchet.workflows.rollout.draw_stream import lower_when_behind, plan_stream

NOW, WEEK = datetime(2026, 3, 2, tzinfo=UTC), date(2026, 2, 23)
SPEC = Spec("any", (Label("a"), Label("b")), review=ReviewPolicy(double_share=0.0, labels_per_week=250))
CASES: dict[str, tuple[list[str | None], bool, bool]] = {
    # how the labels of the last weeks were chosen, whether a gateway queued requests; whether requests are drawn
    "fed by files": ([None] * 40, False, False),
    "files, and a gateway that queues": ([None] * 40, True, True),
    "labels that the queue asked for": ([None] * 20 + ["random"] * 20, False, True),
    "nobody has labelled yet": ([], False, True),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with each case as a classifier: 700 requests in a week, and its labels over two weeks."""
    home, logs, votes = Home(tmp_path_factory.mktemp("home")), [], []
    for number, (chosen, queued, _) in enumerate(CASES.values()):
        name = f"c{number}"
        logs += [(name, f"r{n}", NOW - timedelta(minutes=14 * n), "text", "a", WEEK) for n in range(700)]
        votes += [
            (name, f"r{n}", NOW - timedelta(hours=8 * n + 1), "a", "ann", False, WEEK, how)
            for n, how in enumerate(chosen)
        ]
        if queued:
            append_events(home, name, "gateway", [{"event": "skipped", "request_id": "r", "annotator": "x"}], NOW)
    columns = ["classifier", "request_id", "ts"]
    served = pd.DataFrame(logs, columns=[*columns, "text", "label", "week"])
    given = pd.DataFrame(votes, columns=[*columns, "label", "annotator", "saw_prediction", "week", "chosen"])
    with open_warehouse(home, "any").connect() as connection:
        for table, rows in (("production_logs", served), ("corrections", given)):
            connection.register("rows", rows)
            connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM rows")
    for number in range(len(CASES)):
        home.classifier(f"c{number}").mkdir(exist_ok=True)
        home.warehouse(f"c{number}").symlink_to(home.warehouse("any"))
    return home


@pytest.mark.parametrize("case", CASES)
def test_the_terms_of_a_comparison(home: Home, case: str) -> None:
    """Drawn by us, or by whoever labelled; the first rate is for what the team labels at a tenth of differences."""
    number, (_, _, drawn) = list(CASES).index(case), CASES[case]
    name = f"c{number}"
    stream = plan_stream(home, replace(SPEC, name=name), Cycle(name, WEEK), "a" * 64, NOW)
    assert stream.drawn == drawn
    if drawn:
        votes = 250 if case == "nobody has labelled yet" else 40 / (39 * 8 / 168 + 1 / 168)
        labels = 0.8 * votes
        expected = min(1.0, (labels - min(30, labels / 4)) / 70)
        assert stream.rates[0].requests == pytest.approx(expected, rel=0.05)


def test_a_backlog_lowers_the_rate_once_a_day(home: Home, tmp_path: Path) -> None:
    """Noted with the rollout's entry and the reason, for requests from then on; a torn line is left out."""
    spec, mine = replace(SPEC, name="c2"), Home(tmp_path)
    warehouse, stream = open_warehouse(home, "c2"), Stream(drawn=True, rates=(Rate(NOW, 0.18, 0.05),))
    seen = {"compared": 1_000, "differing": 100, "waiting": 12}
    for hours, waiting, expected in ((12, 12, 0), (25, 2, 0), (25, 12, 1)):
        at = NOW + timedelta(hours=hours)
        lower_when_behind(mine, spec, warehouse, 7, stream, {**seen, "waiting": waiting}, at)
        assert len(read_rates(mine, "c2", 7)) == expected
    (rate,) = read_rates(mine, "c2", 7)
    assert rate.since == NOW + timedelta(hours=25)
    assert 0 < rate.requests < 0.15
    assert "12 requests wait for a label; the team gives" in rates_path(mine, "c2").read_text()
    assert read_rates(mine, "c2", 8) == ()
    with rates_path(mine, "c2").open("ab") as file:
        file.write(b'00000000 {"sequence": 7, "since": "2026-03-09"}\n{"seq')
    append_rate(mine, "c2", 7, Rate(NOW + timedelta(days=3), 0.01), "again")
    assert [each.requests for each in read_rates(mine, "c2", 7)] == [rate.requests, 0.01]
