"""Rollout of the demo: simulated users ask a real gateway while a candidate climbs and a bad one is rolled back.

Add here what the demo shows of a rollout. Its decisions are made by the code that the promotion sensor runs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from orchestration.cli.demo.gateway_process import await_rollout, await_rows
from orchestration.cli.output import say
from orchestration.cli.session import Session
from ratchet.core.errors import RatchetError
from ratchet.simulation.gateway_traffic import SimulatedUsers
from ratchet.simulation.weeks import SimulatedRequest, Simulation
from ratchet.storage.home import Home
from ratchet.storage.keys.api_keys import SCOPES, Keys
from ratchet.storage.rollout.flag_file import Flags
from ratchet.workflows.demo import SAMPLE

_GROUP, _GROUPS = 50, 12
_VISITS = date(2026, 1, 26)
"""Simulated week that the users' requests come from: no cycle of the demo trains on it."""


def make_key(home: Home) -> str:
    """Make the one key of the demo's users and annotators: it speaks for the annotators, who work blind."""
    annotators = [annotator.name for annotator in Simulation(seed=11).annotators]
    return Keys(home.keys).add("demo", SCOPES, may_speak_for=annotators, blind=True)


def visits() -> Iterator[SimulatedRequest]:
    """Yield the requests of the rollout's users. Every one is corrected blindly, so that a few hundred of them are
    enough evidence."""
    world = Simulation(seed=11, corrected_share=1.0, double_share=0.0, blind_share=1.0)
    return world.iter_week(_VISITS, 4 * _GROUP * _GROUPS, drift=0.1)


@dataclass
class DemoTraffic:
    """Running gateway, and the simulated requests that are still to come."""

    session: Session
    home: Home
    url: str
    key: str
    came: int = 0

    def __post_init__(self) -> None:
        self._people = visits()

    def play_until(self, wanted: str) -> str:
        """Send requests in groups and evaluate after each, until the decision is `wanted`; return its sentence.

        Raises `RatchetError` on another final action, or when there is none in time.
        """
        from ratchet.workflows.rollout.advance import apply_decision, weigh

        for _ in range(_GROUPS):
            await_rollout(self.home, SAMPLE, self.url, self.key)
            visits = SimulatedUsers(self.url, self.key).come([next(self._people) for _ in range(_GROUP)])
            self.came += len(visits)
            await_rows(self.home, SAMPLE, self.url, self.came, self.key)
            correct, adapters = sum(visit.right for visit in visits), {visit.adapter for visit in visits}
            rollout = Flags(self.home).read().rollouts[SAMPLE]
            weighed = weigh(self.home, SAMPLE)
            apply_decision(self.home, SAMPLE, weighed)
            decision = weighed.decision
            slots = {"live": rollout.live, "candidate": rollout.candidate}
            served = ", ".join(f"{slot} {adapter[:12]}" for slot, adapter in slots.items() if adapter in adapters)
            say(self.session, f"  {len(visits)} requests, {correct} correct ({served}): {decision.sentence}")
            if decision.action == wanted:
                return decision.sentence
            if decision.action in {"reject", "rollback", "expire"}:
                break
        raise RatchetError(
            f"the demo ended differently than expected: its rollout did not reach {wanted!r}: {decision.sentence}",
            "This is a bug in Ratchet; the ledger and the gateway's log are in the demo's home.",
            code="demo_failed",
        )
