"""The demo's middle: visitors talk to a real gateway while a candidate climbs, and while a planted regression is taken
back.

Add here what the demo shows of a rollout. Its decisions are those of the promotion sensor, taken by the same promoter.
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
from ratchet.workflows.demo import SAMPLE

_GROUP, _GROUPS = 50, 12
_VISITS = date(2026, 1, 26)
"""The simulated week that the visitors come from: no cycle of the demo trains on it."""


@dataclass
class DemoTraffic:
    """A running gateway, and the visitors who have not come yet."""

    session: Session
    home: Home
    url: str
    came: int = 0

    def __post_init__(self) -> None:
        world = Simulation(
            seed=11, corrected_share=1.0, double_share=0.0, blind_share=1.0
        )  # annotators who keep up: it is soon shown
        self._people: Iterator[SimulatedRequest] = world.iter_week(_VISITS, 4 * _GROUP * _GROUPS, drift=0.1)

    def play_until(self, wanted: str) -> str:
        """Let visitors come in groups and weigh after each, until the promoter takes the action `wanted`; its sentence.

        Raises `RatchetError` when it takes another final action, or none in time.
        """
        from ratchet.workflows.rollout.advance import apply_decision, weigh

        for _ in range(_GROUPS):
            await_rollout(self.home, SAMPLE, self.url)
            visits = SimulatedUsers(self.url).come([next(self._people) for _ in range(_GROUP)])
            self.came += len(visits)
            await_rows(self.home, SAMPLE, self.url, self.came)
            right, adapters = sum(visit.right for visit in visits), {visit.adapter[:12] for visit in visits}
            weighed = weigh(self.home, SAMPLE)
            apply_decision(self.home, SAMPLE, weighed)
            decision = weighed.decision
            answered = f"{right} answered rightly by {' and '.join(sorted(adapters))}"
            say(self.session, f"  {len(visits)} visitors, {answered}: {decision.sentence}")
            if decision.action == wanted:
                return decision.sentence
            if decision.action in {"reject", "rollback", "expire"}:
                break
        raise RatchetError(
            f"the demo's rollout did not come to {wanted!r}: {decision.sentence}",
            "This is a fault of Ratchet; the ledger and the gateway's log lie in the demo's home.",
            code="demo_failed",
        )
