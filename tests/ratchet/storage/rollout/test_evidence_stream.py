"""Requests that count for a rollout: drawn before anybody looked at an answer, each once, by the votes of people."""

import random
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ratchet.core.cycle import monday_of
from ratchet.ingest.rebuild import open_warehouse
from ratchet.rollout.evidence.counts import Evidence
from ratchet.rollout.evidence.stream import DROPPED, Rate, Stream
from ratchet.storage.home import Home
from ratchet.storage.journal.segments import publish_segment
from ratchet.storage.rollout.shadow_pairs import PAIRS, Pairs
from ratchet.storage.warehouse import Warehouse

LIVE, NEW = "a" * 64, "b" * 64
BEGIN, NOW = datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 12, 12, tzinfo=UTC)
RATE = Rate(BEGIN, 0.5, 0.1)
Vote = tuple[str, str | None]
"""Person, and their label; `none`, `cannot_tell` and `withdrawn` stand for answers."""


@dataclass(frozen=True)
class Asked:
    """One compared request."""

    live: str | None = "x"
    new: str | None = "x"
    votes: tuple[Vote, ...] = ()
    draw: float | None = 0.05
    user: str | None = None
    text: str = ""
    hours: float = 0.0
    """Hours after the begin."""
    error: str | None = None
    chosen: str | None = "evidence"
    saw: bool = False
    sequence: int = 2
    later: str | None = None
    """Answer of the candidate in a later pair of the same request, as of a replay."""


class Desk:
    """Writer of cases, each as a classifier of its own, all of them in one warehouse."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.logs: list[tuple[Any, ...]] = []
        self.votes: list[tuple[Any, ...]] = []

    def write(self, name: str, requests: list[Asked]) -> None:
        """Write pairs, and keep logs and votes for `fill`."""
        pairs = []
        for number, each in enumerate(requests):
            request, at = f"{name}-{number:05d}", BEGIN + timedelta(hours=each.hours, seconds=number)
            week = monday_of(at.date())
            text = each.text or " ".join(random.Random(f"{name}{number}").choices("abcdefghijklmnop", k=60))  # noqa: S311
            self.logs.append((name, request, at, text, each.live or "x", week))
            for place, (person, label) in enumerate(each.votes):
                answer = label if label in {"none", "cannot_tell", "withdrawn"} else None
                chosen = "adjudication" if person == "judge" else each.chosen
                self.votes.append(
                    (name, request, at + timedelta(hours=1, seconds=place), None if answer else label, person, each.saw,
                     week, chosen, answer)
                )  # fmt: skip
            pairs.append(
                {"request_id": request, "ts": at.isoformat(), "sequence": each.sequence, "served": LIVE, "other": NEW,
                 "served_label": each.live, "other_label": each.new, "other_error": each.error, "draw": each.draw,
                 "user_hmac": each.user}
            )  # fmt: skip
            if each.later is not None:
                at_last = (at + timedelta(hours=1)).isoformat()
                pairs.append({**pairs[-1], "ts": at_last, "other_label": each.later, "other_error": None})
        publish_segment(self.home.pairs(name), PAIRS, pairs)

    def fill(self) -> None:
        """Fill the warehouse."""
        columns = ["classifier", "request_id", "ts"]
        logs = pd.DataFrame(self.logs, columns=[*columns, "text", "label", "week"])
        votes = pd.DataFrame(
            self.votes, columns=[*columns, "label", "annotator", "saw_prediction", "week", "chosen", "answer"]
        )
        with open_warehouse(self.home, "any").connect() as connection:
            for table, rows in (("production_logs", logs), ("corrections", votes)):
                connection.register("rows", rows)
                connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM rows")

    def count(self, name: str, stream: Stream, *sequences: int) -> list[Evidence]:
        """The evidence of a case."""
        pairs = Pairs(self.home, Warehouse(self.home.warehouse("any")))
        return pairs.count(name, (LIVE, NEW), *(sequences or (1,)), now=NOW, stream=stream)


WIN, LOSS = (("ann", "y"),), (("ann", "x"),)
DRAWN, FILES = Stream(drawn=True, rates=(RATE,)), Stream(drawn=False)
D = {"new": "y"}
"""A disagreement: live says x, the candidate y."""
WON, LOST = Asked(**D, votes=WIN), Asked(**D, votes=LOSS)
CASES: dict[str, tuple[Stream, list[Asked], dict[str, Any]]] = {
    "one blind vote decides": (
        DRAWN, [WON, LOST, Asked()],
        {"compared": 3, "wins": 1, "losses": 1, "stream_disagreements": 2, "digests": 2, "drawn": True},
    ),
    "what is drawn above the rate, or never was, does not count": (
        DRAWN, [Asked(**D, votes=WIN, draw=0.5), Asked(**D, votes=WIN, draw=None), Asked(draw=0.49)], {"compared": 1},
    ),
    "agreements need no label": (
        DRAWN, [Asked()] * 3 + [Asked(votes=WIN), Asked(votes=LOSS, draw=0.2)],
        {"compared": 5, "agreements_labelled": 1, "agreements_right": 0,
         "by_label_counts": {"x": (4, 0, 0), "y": (1, 0, 0)}},
    ),
    "a label that both miss": (DRAWN, [Asked(**D, votes=(("ann", "z"),))], {"neither": 1, "waiting": 0}),
    "none of these: both are wrong": (DRAWN, [Asked(**D, votes=(("ann", "none"),))], {"neither": 1}),
    "cannot tell waits, and is counted": (
        DRAWN, [Asked(**D, votes=(("ann", "cannot_tell"),)), Asked(**D)], {"waiting": 2, "cannot_tell": 1}
    ),
    "one who can tell is enough": (
        DRAWN, [Asked(**D, votes=(("ann", "cannot_tell"), ("bob", "y")))], {"wins": 1, "cannot_tell": 0}
    ),
    "a vote that was taken back": (DRAWN, [Asked(**D, votes=(("ann", "withdrawn"),))], {"waiting": 1}),
    "an anchored vote does not judge": (DRAWN, [Asked(**D, votes=WIN, saw=True)], {"waiting": 1, "wins": 0}),
    "a conflict waits for its adjudication": (
        DRAWN, [Asked(**D, votes=(("ann", "x"), ("bob", "y")))], {"waiting": 1, "wins": 0, "losses": 0}
    ),
    "an adjudication decides": (
        DRAWN, [Asked(**D, votes=(("ann", "x"), ("bob", "y"), ("judge", "y")))],
        {"wins": 1, "by_person": {"judge": (0, 1)}},
    ),
    "two votes where two are needed": (
        Stream(drawn=True, rates=(RATE,), votes=2),
        [WON, Asked(**D, votes=(("ann", "y"), ("bob", "y")))],
        {"waiting": 1, "wins": 1, "by_person": {"ann": (0, 1), "bob": (0, 1)}},
    ),
    "what falls with one person": (
        DRAWN,
        [WON, LOST, Asked(**D, votes=(("ann", "y"), ("bob", "y"))),
         Asked(**D, votes=(("ann", "x"), ("bob", "x"), ("cem", "y")))],
        {"wins": 2, "losses": 2, "by_person": {"ann": (2, 1), "bob": (1, 0)}},
    ),
    "a failed answer is a disagreement": (
        DRAWN, [Asked(new=None, error="MemoryError", votes=LOSS), Asked(new=None, error="MemoryError", votes=WIN)],
        {"losses": 1, "neither": 1, "errors": 2},
    ),
    "work that was dropped under load waits, and is nobody's failure": (
        DRAWN, [Asked(new=None, error=DROPPED, votes=LOSS), Asked()],
        {"compared": 2, "dropped": 1, "waiting": 1, "losses": 0, "errors": 0, "requests": 1},
    ),
    "work that was dropped, and replayed later": (
        DRAWN, [Asked(new=None, error=DROPPED, votes=LOSS, later="y"), Asked(**D, votes=WIN, later="x")],
        {"compared": 2, "dropped": 0, "losses": 1, "wins": 1},
    ),
    "only what is ripe counts": (
        DRAWN, [Asked(**D, votes=WIN, hours=9 * 24), Asked(hours=9 * 24), WON],
        {"compared": 1, "wins": 1, "unripe": 1},
    ),
    "of a user's day the earliest": (
        DRAWN,
        [Asked(user="u"), Asked(**D, votes=WIN, user="u"), Asked(**D, votes=WIN, user="u", hours=25), LOST],
        {"compared": 3, "wins": 1, "losses": 1, "repeated_users": 1, "repeated_texts": 0},
    ),
    "of near-duplicates the earliest, whatever was answered": (
        DRAWN,
        [Asked(text="the parcel with my blue kettle never came to my door this week"),
         Asked(**D, votes=WIN, text="the parcel with my blue kettle never came to my door this week!"),
         Asked(**D, votes=WIN, text="The  parcel with my blue kettle never came to my door this week."),
         Asked(**D, votes=LOSS, text="somebody else took the money from my account in the night")],
        {"compared": 2, "wins": 0, "losses": 1, "repeated_users": 0, "repeated_texts": 2},
    ),
    "a lower rate is for later requests only": (
        Stream(drawn=True, rates=(RATE, Rate(BEGIN + timedelta(hours=10), 0.1, 0.0))),
        [Asked(draw=0.3), Asked(draw=0.3, hours=11), Asked(draw=0.09, hours=11)], {"compared": 2},
    ),
    "a complaint's label counts where the request was drawn": (
        DRAWN, [Asked(**D, votes=WIN, chosen="value")], {"wins": 1}
    ),
    "fed by files: what is labelled is the stream": (
        FILES, [Asked(**D, votes=WIN, chosen=None, draw=None), Asked(votes=LOSS, chosen=None), Asked(**D), Asked()],
        {"compared": 2, "wins": 1, "waiting": 0, "drawn": False, "labelled_share_of_differences": 0.5,
         "selection_p": 1.0},
    ),
    "fed by files: labels of differences alone show": (
        FILES, [*[Asked(**D, votes=WIN, chosen=None)] * 6, *[Asked()] * 54],
        {"compared": 6, "labelled_share_of_differences": 1.0, "selection_p": pytest.approx(1e-6)},
    ),
    "fed by files: what was chosen by value does not count": (
        FILES, [Asked(**D, votes=WIN, chosen="value")], {"compared": 0}
    ),
    "a label list that changed without a rule": (
        Stream(drawn=True, rates=(RATE,), labels=("x", "y")),
        [WON, Asked(live="old", new="x"), Asked(live="old", new="old"), Asked(**D, votes=(("ann", "new"),)), Asked()],
        {"compared": 5, "relabelled": 3},
    ),
    "before the comparison": (DRAWN, [Asked(**D, votes=WIN, sequence=0), Asked()], {"compared": 1}),
}  # fmt: skip


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Every case, in one warehouse."""
    desk = Desk(Home(tmp_path_factory.mktemp("home")))
    for number, (_, requests, _) in enumerate(CASES.values()):
        desk.write(f"c{number}", requests)
    desk.fill()
    return desk


@pytest.mark.parametrize("case", CASES)
def test_what_counts_of_the_stream(desk: Desk, case: str) -> None:
    """Counts of a handful of requests."""
    stream, _, expected = CASES[case]
    (found,) = desk.count(f"c{list(CASES).index(case)}", stream)
    assert {name: getattr(found, name) for name in expected} == expected
    assert found.stream_disagreements == found.losses + found.wins + found.neither + found.waiting


def draw_requests(seed: int) -> list[Asked]:
    """A few hundred requests of few users, some of them nearly the same text, with votes of all kinds."""
    draw = random.Random(seed)  # noqa: S311 - test data, guards nothing
    words = [" ".join(draw.choices("abcdefghijklmnop", k=60)) for _ in range(60)]

    def vote() -> Vote:
        return draw.choice(["ann", "bob", "cem"]), draw.choice(["x", "y", "z", "none", "cannot_tell", "withdrawn"])

    return [
        Asked(
            live=draw.choice("xxxy"), new=draw.choice(["x", "x", "y", None]), draw=draw.random(),
            votes=tuple({(voted := vote())[0]: voted for _ in range(draw.choice([0, 1, 1, 1, 2, 3]))}.values()),
            user=draw.choice([None, *"uvw"]), hours=draw.random() * 24 * 9, saw=draw.random() < 0.2,
            text=draw.choice(words) + draw.choice(["", "!", " ?"]) if draw.random() < 0.3 else "",
        )
        for _ in range(300)
    ]  # fmt: skip


def count_by_hand(requests: list[Asked], votes: int) -> Counter[str]:
    """The counts, one request after the other."""
    found, days, texts = Counter[str](), set[Any](), set[str]()
    timed = sorted((BEGIN + timedelta(hours=each.hours, seconds=n), n, each) for n, each in enumerate(requests))
    for at, _, each in timed:
        if each.draw is None or each.draw >= RATE.requests:
            continue
        if each.user is not None and (each.user, at.date()) in days:
            continue
        days.add((each.user, at.date()))
        text = each.text.rstrip(" !?")
        if text and text in texts:
            continue
        texts.add(text)
        given = {} if each.saw else dict(each.votes)
        usable = [label for label in given.values() if label not in {"cannot_tell", "withdrawn"}]
        ranked = [*Counter(usable).most_common(2), (None, 0), (None, 0)]
        verdict = ranked[0][0] if ranked[0][1] > ranked[1][1] and len(usable) >= votes else None
        if at > NOW - timedelta(hours=48):
            found["unripe"] += each.live != each.new
            continue
        found["compared"] += 1
        if each.live != each.new:
            kind = "waiting" if verdict is None else {each.live: "losses", each.new: "wins"}.get(verdict, "neither")
            found[kind] += 1
            unsure = "cannot_tell" in given.values() and not usable
            found["cannot_tell"] += kind == "waiting" and unsure
    return found


def test_the_counts_are_those_of_one_request_after_the_other(tmp_path: Path) -> None:
    """Three drawn worlds, with one and two votes needed, against a count by hand."""
    desk, worlds = Desk(Home(tmp_path)), {f"w{seed}": draw_requests(seed) for seed in range(3)}
    for name, requests in worlds.items():
        desk.write(name, requests)
    desk.fill()
    seen = Counter[str]()
    for number, (name, requests) in enumerate(worlds.items()):
        votes = 1 + number % 2
        (found,) = desk.count(name, Stream(drawn=True, rates=(RATE,), votes=votes))
        expected = count_by_hand(requests, votes)
        assert Counter({name: getattr(found, name) for name in expected}) == expected
        seen += expected
    assert min(seen[kind] for kind in ("losses", "wins", "neither", "waiting", "cannot_tell", "unripe")) > 0
