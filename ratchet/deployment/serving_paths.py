"""Serving paths: which of two targets answers a text, the edge (a bare label) or the calibrated one (a confidence too).

Add rules here about which target may answer what; `gateway/serving/paths.py` runs the paths.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ratchet.config.spec import Spec
from ratchet.core.label_names import label_form
from ratchet.deployment.profiles import Profile
from ratchet.deployment.targets import ChosenTarget

Path = Literal["calibrated", "edge"]
_RUNS_HERE = ("in_process", "onnx")


@dataclass(frozen=True)
class Paths:
    """The targets of a specification, by role."""

    calibrated: ChosenTarget | None
    """None where the only target gives no log-probabilities."""
    edge: ChosenTarget | None

    @property
    def export(self) -> str:
        """The export that answers on the calibrated path in the gateway; empty for the adapter itself."""
        return self.calibrated.export if self.calibrated and runs_here(self.calibrated.profile) else ""

    @property
    def edge_export(self) -> str | None:
        """The export that answers on the edge path; empty for the adapter itself, None where it runs elsewhere."""
        return self.edge.export if self.edge and runs_here(self.edge.profile) else None


def part_paths(chosen: Sequence[ChosenTarget]) -> Paths:
    """Split the targets that `choose_targets` chose by whether they return log-probabilities."""
    calibrated = next((each for each in chosen if each.profile.log_probabilities), None)
    return Paths(calibrated, next((each for each in chosen if not each.profile.log_probabilities), None))


def runs_here(profile: Profile) -> bool:
    """True where the gateway itself has the target's runtime."""
    return profile.runtime in _RUNS_HERE


def stands_alone(spec: Spec, label: str) -> bool:
    """True where a bare label is enough: low or medium stakes, and an action that needs no confidence."""
    result = next(each for each in spec.label if label_form(each.name) == label_form(label))
    return result.stakes != "high" and result.threshold == 0
