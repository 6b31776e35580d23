"""Caps hold for a person and a source, count what arrives and not what rows say, and survive a restart."""

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from gateway.feedback_log import FeedbackLog
from gateway.row_log import CORRECTIONS, FEEDBACK, RowLog
from gateway.submission_caps import CapError, SubmissionCaps
from ratchet.storage.home import Home
from ratchet.storage.keys.api_keys import Keys

NOW = datetime(2026, 1, 7, 12, tzinfo=UTC)
Serve = Callable[..., TestClient]


def correction(
    n: int, person: str = "ann", ts: str = "2019-05-05T00:00:00+00:00", chosen: str | None = None
) -> dict[str, Any]:
    """A correction that claims an old time."""
    row = {"request_id": f"r{n}", "ts": ts, "label": "green", "annotator": person, "saw_prediction": True}
    return {**row, "answer": None, "chosen": chosen}


def taken(caps: SubmissionCaps, kind: str, rows: list[dict[str, Any]], requests: int = 0, now: datetime = NOW) -> int:
    """Number of rows that the caps let pass."""
    result = 0
    for row in rows:
        try:
            caps.check("small", kind, row, requests, now)
        except CapError:
            continue
        caps.count("small", kind, row, now)
        result += 1
    return result


@pytest.mark.parametrize(
    ("kind", "rows", "requests", "expected"),
    [
        (CORRECTIONS, [correction(n) for n in range(2_100)], 0, 2_000),
        (CORRECTIONS, [correction(n, ts=f"20{n % 90 + 10}-01-01T00:00:00+00:00") for n in range(2_100)], 0, 2_000),
        (CORRECTIONS, [correction(n, f"p{n % 2}") for n in range(4_100)], 0, 4_000),
        (CORRECTIONS, [correction(1, f"p{n}") for n in range(9)], 0, 5),
        (CORRECTIONS, [correction(1, f"p{n % 5}") for n in range(50)], 0, 50),
        (CORRECTIONS, [correction(1, f"p{n}", chosen="check" if n % 2 else "value") for n in range(20)], 0, 15),
        (CORRECTIONS, [correction(1, f"p{n}", chosen="adjudication" if n > 7 else "value") for n in range(9)], 0, 6),
        (FEEDBACK, [{"request_id": f"r{n}", "source": "web/user"} for n in range(99)], 0, 20),
        (FEEDBACK, [{"request_id": f"r{n}", "source": "web/user"} for n in range(99)], 400, 20),
        (FEEDBACK, [{"request_id": f"r{n}", "source": "web/user"} for n in range(99)], 1_000, 50),
        (FEEDBACK, [{"request_id": f"r{n}", "source": f"web/{n % 2}"} for n in range(99)], 0, 40),
    ],
)
def test_a_cap_counts_rows_that_arrive(kind: str, rows: list[dict[str, Any]], requests: int, expected: int) -> None:
    """2,000 corrections of a person in a day whatever they say, five voters a request, 5 % of a week;
    checks and adjudication aside."""
    assert taken(SubmissionCaps(), kind, rows, requests) == expected


def test_the_next_day_and_week_begin_anew() -> None:
    """Midnight and Monday in UTC; a clock that steps back finds its old counts."""
    caps = SubmissionCaps(corrections_a_day=3, feedback_at_least=2)
    word = [{"request_id": f"r{n}", "source": "web/user"} for n in range(9)]
    days = [datetime(2026, 1, day, 23, tzinfo=UTC) for day in (7, 8, 7)]
    assert [taken(caps, CORRECTIONS, [correction(n) for n in range(9)], now=day) for day in days] == [3, 3, 0]
    weeks = [datetime(2026, 1, day, tzinfo=UTC) for day in (11, 12, 11)]
    assert [taken(caps, FEEDBACK, word, now=day) for day in weeks] == [2, 2, 0]


@pytest.mark.parametrize("sealed", [True, False])
def test_a_restart_forgets_no_count(tmp_path: Any, sealed: bool) -> None:
    """Rows in segments and rows that a killed process left in its journal count for the next one."""
    home, landing = Home(tmp_path), RowLog(Home(tmp_path))

    async def send(log: FeedbackLog, first: int) -> int:
        result = 0
        for n in range(first, first + 5):
            try:
                await log.store("small", CORRECTIONS, correction(n))
                result += 1
            except CapError:
                pass
        return result

    assert asyncio.run(send(FeedbackLog(landing, caps=SubmissionCaps(corrections_a_day=4)), 0)) == 4
    if sealed:
        landing.close()
        landing = RowLog(home)
    assert asyncio.run(send(FeedbackLog(landing, caps=SubmissionCaps(corrections_a_day=6)), 10)) == 2
    landing.close()


def test_a_row_that_the_disk_refused_is_not_counted(tmp_path: Any) -> None:
    """Its sender may send it again."""
    home = Home(tmp_path)
    home.ballast.touch()
    landing, caps = RowLog(home, ballast_bytes=1 << 60), SubmissionCaps(corrections_a_day=1)
    log = FeedbackLog(landing, caps=caps)

    async def run() -> None:
        with pytest.raises(OSError, match="cannot be written"):
            await log.store("small", CORRECTIONS, correction(1))
        home.ballast.unlink()
        await log.store("small", CORRECTIONS, correction(1))

    asyncio.run(run())
    landing.close()


def test_requests_of_the_week_are_counted_through_a_restart(tmp_path: Any) -> None:
    """Segments, journals and rows of this process, each once."""
    monday, landing = date.fromisocalendar(*datetime.now(UTC).isocalendar()[:2], 1), RowLog(Home(tmp_path))
    for n in range(3):
        landing.append("small", CORRECTIONS, correction(n)).result(timeout=30)
    assert landing.count_week("small", CORRECTIONS, monday) == 3
    landing.append("small", CORRECTIONS, correction(3)).result(timeout=30)
    assert landing.count_week("small", CORRECTIONS, monday) == 4
    landing.close()
    again = RowLog(Home(tmp_path))
    assert again.count_week("small", CORRECTIONS, monday) == 4
    again.close()


def test_a_caller_above_a_cap_gets_429_and_the_time_to_wait(serve: Serve, home: Home) -> None:
    """The twenty-first word of one source in a week of few requests; another source of the key still speaks."""
    headers = {"Authorization": f"Bearer {Keys(home.keys).add('web', ('classify', 'feedback'))}"}
    client = serve()
    asked = [
        answer["request_id"]
        for answer in client.post("/v1/classifiers/small", json={"texts": ["a b"] * 22}, headers=headers).json()[
            "answers"
        ]
    ]

    def tell(request_id: str, source: str) -> Any:
        body = {"classifier": "small", "request_id": request_id, "verdict": "wrong", "source": source}
        return client.post("/v1/feedback", json=body, headers=headers)

    found = [tell(request_id, "user") for request_id in asked]
    assert [reply.status_code for reply in found] == [202] * 20 + [429] * 2
    assert found[-1].json()["error"]["code"] == "cap"
    assert int(found[-1].headers["Retry-After"]) <= 7 * 24 * 3600
    assert tell(asked[0], "user").status_code == 202, "a repeat is no new row"
    assert tell(asked[0], "desk").status_code == 202
