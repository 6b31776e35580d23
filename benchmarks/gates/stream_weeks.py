"""Row 6: weeks counted by the product's own queries: votes of people who saw the answer, near-duplicates in fives."""

import random
import tempfile
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.gates.arrivals import LOSS, NEITHER, WIN, draw_kinds
from benchmarks.gates.figures import Measured, counted, exact, number, over_a_year
from benchmarks.gates.played import DIFFER, POLICY, WEEK
from benchmarks.gates.promotion import chance
from ratchet.ingest.rebuild import open_warehouse
from ratchet.rollout.evidence.counts import Evidence
from ratchet.rollout.evidence.stream import Rate, Stream
from ratchet.storage.home import Home
from ratchet.storage.journal.segments import publish_segment
from ratchet.storage.rollout.shadow_pairs import PAIRS, Pairs
from ratchet.testing.homes import WORDS, SmallClassifier, make_text

_LIVE, _CANDIDATE, _NAME = "a" * 64, "b" * 64, "bench"
_MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
_LABELS = ("right", "wrong", "other")
"""The true label of each request is the first: what a model answers else does not matter."""
_ANCHORED, _ERROR, _PEOPLE, _LARGE = 0.30, 0.05, 4, 200_000
_COPIED_WEEKS = 20
_COPIES = 5


def count_week(kinds: NDArray[np.int64], votes: pd.DataFrame, texts: Sequence[str] = ()) -> Evidence:
    """Return the evidence of one comparison, as a home's pairs and corrections give it.

    `kinds` says for each request which model alone is right; `votes` has request, person, label and saw_prediction.
    """
    ids = [f"r{i:06d}" for i in range(len(kinds))]
    with tempfile.TemporaryDirectory(prefix="ratchet-bench-") as folder:
        home = Home(Path(folder))
        SmallClassifier(home, _NAME).write()
        publish_segment(
            home.pairs(_NAME),
            PAIRS,
            [_pair(each, kind, i) for i, (each, kind) in enumerate(zip(ids, kinds, strict=True))],
        )
        warehouse = open_warehouse(home, _NAME)
        with warehouse.connect() as connection:
            if len(texts):
                logs = pd.DataFrame({"classifier": _NAME, "request_id": ids, "ts": _MONDAY, "text": texts,
                                     "label": _LABELS[0], "week": _MONDAY.date()})  # fmt: skip
                connection.register("logs_made", logs)
                connection.execute("INSERT INTO production_logs BY NAME SELECT * FROM logs_made")
            connection.register("votes_made", votes.assign(classifier=_NAME, ts=_MONDAY + timedelta(days=8),
                                                           week=date(2026, 1, 12), chosen="random"))  # fmt: skip
            connection.execute("INSERT INTO corrections BY NAME SELECT * FROM votes_made")
        stream = Stream(True, (Rate(_MONDAY - timedelta(days=1), 1.0),), POLICY.ripe_hours)
        pairs = Pairs(home, warehouse)
        return pairs.count(_NAME, (_LIVE, _CANDIDATE), 1, now=_MONDAY + timedelta(days=9), stream=stream)[0]


def _pair(request: str, kind: int, place: int) -> dict[str, Any]:
    served = _LABELS[0] if kind in {0, LOSS} else _LABELS[1]
    other = _LABELS[0] if kind not in {LOSS, NEITHER} else _LABELS[2 if kind == NEITHER else 1]
    at = (_MONDAY + timedelta(seconds=place)).isoformat()
    pair: dict[str, Any] = {"request_id": request, "ts": at, "asked": at, "sequence": 1, "draw": 0.5}
    for side, digest, label in (("served", _LIVE, served), ("other", _CANDIDATE, other)):
        pair |= {side: digest, f"{side}_label": label, f"{side}_confidence": 0.9, f"{side}_ms": 5.0, f"{side}_batch": 1}
    return {**pair, "other_error": None}


def vote(generator: Generator, kinds: NDArray[np.int64], *, times: int, anchored: float, error: float) -> pd.DataFrame:
    """Return the votes on each disagreement by `times` people; who saw live's answer repeats it, and it is recorded."""
    differ = np.flatnonzero(np.asarray(kinds) > 0)
    rows = []
    for turn in range(times):
        saw = generator.random(len(differ)) < anchored
        wrong = generator.random(len(differ)) < error
        live = np.where(np.asarray(kinds)[differ] == LOSS, 0, 1)
        label = np.where(saw, live, np.where(wrong, 1 + generator.integers(2, size=len(differ)), 0))
        person = (differ + turn * (1 + differ % (_PEOPLE - 1))) % _PEOPLE
        rows.append(
            pd.DataFrame(
                {
                    "request_id": [f"r{i:06d}" for i in differ],
                    "annotator": [f"p{i}" for i in person],
                    "label": np.array(_LABELS)[label],
                    "saw_prediction": saw,
                }
            )
        )
    return pd.concat(rows, ignore_index=True)


def copied_week(generator: Generator, gain: float) -> tuple[Evidence, int, int]:
    """Return the evidence of a week whose requests come in fives, and the losses and wins among its distinct ones."""
    kinds = draw_kinds(generator, gain, WEEK // _COPIES)
    draw = random.Random(int(generator.integers(2**31)))
    texts = [f"{' '.join(make_text(label, draw, i) for label in WORDS)} {i:05d}" for i, label in enumerate(kinds)]
    repeated = np.asarray(np.tile(kinds, _COPIES))
    copies = [f"{text} {'thanks a lot'[: 3 + turn]}" for turn in range(_COPIES) for text in texts]
    found = count_week(repeated, vote(generator, repeated, times=1, anchored=0.0, error=0.0), copies)
    return found, int((kinds == LOSS).sum()), int((kinds == WIN).sum())


def measure_stream() -> Measured:
    """Return row 6."""
    generator = np.random.default_rng(6)
    kinds = draw_kinds(generator, 0.0, _LARGE)
    found = count_week(kinds, vote(generator, kinds, times=2, anchored=_ANCHORED, error=_ERROR))
    points = 100 * (found.wins - found.losses) / found.compared
    won, lost = int((kinds == WIN).sum()), int((kinds == LOSS).sum())
    truth, uncounted = 100 * (won - lost) / len(kinds), won + lost - found.wins - found.losses
    spread = 196 * abs(uncounted) ** 0.5 / found.compared
    weeks = [copied_week(np.random.default_rng((6, i)), -POLICY.margin) for i in range(_COPIED_WEEKS)]
    distinct = WEEK // _COPIES
    once_each = sum(e.compared <= distinct and e.losses <= lost and e.wins <= won for e, lost, won in weeks)
    counts = sum(e.compared for e, _, _ in weeks)
    once = exact("", chance(-POLICY.margin, DIFFER, round(POLICY.max_weeks) * WEEK // _COPIES))
    return Measured(
        (
            number(f"equal models, {_LARGE:,} requests, 30 % of votes anchored and recorded, all doubled: counted"
                   f" difference less the true one ({truth:+.3f} points)", abs(points - truth), "points",
                   (abs(points - truth) - spread, abs(points - truth) + spread), at_most=0.1),
            counted("near-duplicates in fives, weeks counted by the product: no request counts twice", once_each,
                    len(weeks), at_least=1.0),
            counted("the same: distinct requests that count", counts, distinct * len(weeks)),
            over_a_year(once, POLICY.cycles_per_year, "the same at -2 points, promoted in a year of 52: exact",
                        at_most=0.05),
        )
    )  # fmt: skip
