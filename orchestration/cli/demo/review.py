"""People in the demo: users complain at the gateway, a person answers what waits, and a blocked week passes.

Add here what the demo shows of the review. Everything goes over HTTP, as the review page does it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from time import monotonic, sleep

from orchestration.cli.demo.gateway_process import await_rows, run_gateway
from orchestration.cli.demo.rollout import find_truth
from orchestration.cli.output import say
from orchestration.cli.session import Session
from ratchet.core.errors import RatchetError
from ratchet.core.timeouts import DEMO_SETTLE_S
from ratchet.ingest.rebuild import open_warehouse
from ratchet.review.reasons import MEANINGS, USER_FEEDBACK
from ratchet.simulation.gateway_traffic import SimulatedUsers
from ratchet.simulation.reviewers import SimulatedReviewer
from ratchet.simulation.weeks import SimulatedRequest, Simulation
from ratchet.storage.home import Home
from ratchet.storage.keys.api_keys import SCOPES, Keys
from ratchet.workflows.demo import COMPLAINTS, SAMPLE, Scene

_USERS = 60


def answer_complaints(session: Session, home: Home) -> set[str]:
    """Let users ask the gateway and complain of wrong answers; a person answers each complaint.

    Return the requests that were answered. Raises `RatchetError` where nobody complained, or none was asked for.
    """
    world = Simulation(seed=12, corrected_share=0.0)
    requests = list(world.iter_week(COMPLAINTS, _USERS, drift=0.2))
    say(session, f"\n{COMPLAINTS}: users ask the gateway, and some say that an answer is wrong")
    now = datetime.combine(COMPLAINTS + timedelta(days=2), time(12, tzinfo=UTC))
    with _reviewing(home, requests, now) as (users, reviewer):
        before = reviewer.waiting(USER_FEEDBACK)
        wrong = sum(answer.complained for answer in users.come(requests))
        say(session, f"  {len(requests)} requests, {wrong} complaints")
        _await_complaints(reviewer, before, wrong)
        answers = reviewer.work()
        say(session, f"  a person answered {len(answers)} requests of the review queue, complaints among them")
        await_rows(home, SAMPLE, users.url, 0, users.key)
    return {each["request_id"] for each in answers if MEANINGS[USER_FEEDBACK] in each["reasons"]}


def adjudicate(session: Session, home: Home, scene: Scene) -> None:
    """Let a third person decide what the blocked week's annotators disagree about."""
    requests = list(scene.simulation.iter_week(scene.week, scene.requests, drift=scene.drift))
    with _reviewing(home, requests, datetime.now(UTC)) as (users, reviewer):
        done = reviewer.work()
        say(session, f"  the batch is reviewed: a third person answered {len(done)} requests of the queue")
        await_rows(home, SAMPLE, users.url, 0, users.key)


def check_trained(home: Home, scene: Scene, request_ids: set[str]) -> int:
    """Return how many of these requests are in the week's training set; raises `RatchetError` where none is."""
    sql = "SELECT request_id FROM examples WHERE classifier = $classifier AND week = $week AND split = 'train'"
    frame = open_warehouse(home, SAMPLE).frame(sql, {"classifier": SAMPLE, "week": scene.week})
    trained = request_ids & set(frame["request_id"])
    if not trained:
        raise RatchetError(
            "the demo ended differently than expected: no answered complaint is in the next training set.",
            "This is a bug in Ratchet; the logs are in the demo's home.", code="demo_failed",
        )  # fmt: skip
    return len(trained)


@contextmanager
def _reviewing(
    home: Home, requests: list[SimulatedRequest], now: datetime
) -> Iterator[tuple[SimulatedUsers, SimulatedReviewer]]:
    """Yield users, and a person who knows these requests, at a gateway that dates its rows from `now` on."""
    truth = find_truth(requests)
    reviewer = Keys(home.keys).add("reviewer", ("review",), person="ann_d")
    visitors = Keys(home.keys).add("visitors", SCOPES)  # of their own: feedback of the rollout's users is at its cap
    offset_s = (now - datetime.now(UTC)).total_seconds()
    log = home.classifier(SAMPLE) / "logs" / "gateway.log"
    with run_gateway(home, log, clock_offset_s=offset_s) as url:
        yield SimulatedUsers(url, visitors), SimulatedReviewer(url, reviewer, truth.__getitem__)


def _await_complaints(reviewer: SimulatedReviewer, before: int, complaints: int) -> None:
    """Wait until every complaint is in the queue, beside those of `before`.

    Raises `RatchetError` where there is none, and after a minute.
    """
    deadline = monotonic() + DEMO_SETTLE_S
    while complaints and monotonic() < deadline:
        if reviewer.waiting(USER_FEEDBACK) >= before + complaints:
            return
        sleep(0.1)
    raise RatchetError(
        "the demo ended differently than expected: no complaint came to review.",
        "This is a bug in Ratchet; the logs are in the demo's home.", code="demo_failed",
    )  # fmt: skip
