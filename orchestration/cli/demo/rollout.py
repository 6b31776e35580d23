"""Rollout of the demo: simulated users ask a real gateway while a candidate climbs and a bad one is rolled back.

Add here what the demo shows of a rollout. Its decisions are made by the code that the promotion sensor runs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain
from time import monotonic, sleep

from orchestration.cli.demo.gateway_process import await_rollout, await_rows
from orchestration.cli.output import say
from orchestration.cli.session import Session
from ratchet.core.errors import RatchetError
from ratchet.core.timeouts import DEMO_SETTLE_S
from ratchet.data.redaction import redact
from ratchet.review.reasons import EVIDENCE, MEANINGS
from ratchet.simulation.gateway_traffic import SimulatedUsers
from ratchet.simulation.reviewers import SimulatedReviewer
from ratchet.simulation.weeks import SimulatedRequest, Simulation
from ratchet.storage.home import Home
from ratchet.storage.keys.api_keys import SCOPES, Keys
from ratchet.storage.rollout.flag_file import Flags
from ratchet.workflows.demo import SAMPLE, SCRIPT

_GROUP, _GROUPS = 50, 12
_VISITS = date(2026, 1, 26)
"""Simulated week that the users' requests come from: no cycle of the demo trains on it."""


def make_key(home: Home) -> str:
    """Make the one key of the demo's users and annotators: it speaks for the annotators, who work blind."""
    annotators = [annotator.name for annotator in Simulation(seed=11).annotators]
    return Keys(home.keys).add("demo", SCOPES, may_speak_for=annotators, blind=True)


def visits() -> Iterator[SimulatedRequest]:
    """Yield the requests of the rollout's users. Nobody corrects them unasked: the review queue asks for what the
    evidence needs."""
    world = Simulation(seed=11, corrected_share=0.0)
    return world.iter_week(_VISITS, 4 * _GROUP * _GROUPS, drift=0.1)


def find_truth(requests: Sequence[SimulatedRequest] = ()) -> dict[str, str]:
    """Return the true label of every text that may wait in the queue: of these requests, of the weeks, of the users."""
    weeks = (scene.simulation.iter_week(scene.week, scene.requests, drift=scene.drift) for scene in SCRIPT)
    each = chain(requests, chain.from_iterable(weeks), visits())
    return {redact(request.log["text"]): request.possible[0] for request in each}


@dataclass
class DemoTraffic:
    """Running gateway, and the simulated requests that are still to come."""

    session: Session
    home: Home
    url: str
    key: str
    came: int = 0
    labelled: int = 0
    """Labels that its reviewer gave so far."""

    def __post_init__(self) -> None:
        self._people = visits()
        truth = find_truth()
        secret = Keys(self.home.keys).add("labeller", ("review",), person="ann_e")
        self._reviewer = SimulatedReviewer(self.url, secret, truth.__getitem__)

    def play_until(self, wanted: str) -> str:
        """Send requests in groups and evaluate after each, until the decision is `wanted`; return its sentence.

        Raises `RatchetError` on another final action, or when there is none in time.
        """
        from ratchet.workflows.rollout.advance import apply_decision, weigh

        self.labelled = 0
        for _ in range(_GROUPS):
            await_rollout(self.home, SAMPLE, self.url, self.key)
            visits = SimulatedUsers(self.url, self.key).come([next(self._people) for _ in range(_GROUP)])
            self.came += len(visits)
            await_rows(self.home, SAMPLE, self.url, self.came, self.key)
            correct, adapters = sum(visit.right for visit in visits), {visit.adapter for visit in visits}
            labels = self._label_evidence()
            rollout = Flags(self.home).read().rollouts[SAMPLE]
            weighed = weigh(self.home, SAMPLE)
            apply_decision(self.home, SAMPLE, weighed)
            decision = weighed.decision
            slots = {"live": rollout.live, "candidate": rollout.candidate}
            served = ", ".join(f"{slot} {adapter[:12]}" for slot, adapter in slots.items() if adapter in adapters)
            say(
                self.session,
                f"  {len(visits)} requests, {correct} correct ({served}), {labels} labelled: {decision.sentence}",
            )
            if decision.action == wanted:
                return decision.sentence
            if decision.action in {"reject", "rollback", "expire"}:
                break
        raise RatchetError(
            f"the demo ended differently than expected: its rollout did not reach {wanted!r}: {decision.sentence}",
            "This is a bug in Ratchet; the ledger and the gateway's log are in the demo's home.",
            code="demo_failed",
        )

    def _label_evidence(self) -> int:
        """Queue the different answers that lack a label, as the promotion sensor does; let a person answer them.

        Return how many labels were given. Raises `RatchetError` after a minute.
        """
        from ratchet.workflows.review.queue_evidence import queue_evidence
        from ratchet.workflows.rollout.advance import weigh

        weighed = weigh(self.home, SAMPLE)
        queue_evidence(self.home, SAMPLE, weighed)
        wanted, given, deadline = len(weighed.counted.unlabelled), 0, monotonic() + DEMO_SETTLE_S
        while given < wanted and monotonic() < deadline:
            item = self._reviewer.next_item()
            if item is None:
                sleep(0.05)  # the gateway has not read the queue yet
            else:
                given += MEANINGS[EVIDENCE] in self._reviewer.answer(item)["reasons"]
        await_rows(self.home, SAMPLE, self.url, self.came, self.key)
        self.labelled += given
        return given
