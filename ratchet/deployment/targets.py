"""Choice: the targets that a specification names, with their profiles; which of two answers, and which is calibrated.

Add here what must be true of the targets together; whether an adapter fits one of them is
`ratchet/gates/target_fit.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ratchet.config.spec import Spec, Target
from ratchet.config.validation import bad_spec
from ratchet.core.digests import digest_json
from ratchet.core.names import nearest
from ratchet.deployment.profiles import Accept, Profile, Runtime

_GATEWAY = Target("in_process")
_EXPORTS: Mapping[Runtime, tuple[str, ...]] = {
    "onnx": ("onnx", "onnx_int8"),
    "llama_cpp": ("gguf_f16", "gguf_q8_0", "gguf_q4_k_m", "gguf_q4_0"),
}
"""Exports that a runtime loads, the plainest first; a runtime that is not here loads none."""


@dataclass(frozen=True)
class ChosenTarget:
    """A target of a specification: its profile, which of its limits are believed, and which export it runs."""

    profile: Profile
    accept: Accept
    export: str
    """Empty for a target whose runtime loads none."""

    def as_json(self) -> dict[str, Any]:
        """Everything that a verdict about the target depends on, as JSON types."""
        return {"profile": self.profile.as_json(), "accept": self.accept, "export": self.export}


def choose_targets(spec: Spec, known: Mapping[str, Profile]) -> tuple[ChosenTarget, ...]:
    """The targets that `spec` names, `in_process` where it names none.

    Refuses unknown ones, two of which not exactly one gives log-probabilities, and stakes without any.
    """
    for target in spec.target:
        if target.name not in known:
            raise bad_spec(
                f"[[target]] {target.name!r} is unknown (has: {', '.join(sorted(known))}).",
                f"{nearest(target.name, known)} Name one of them, or describe it in targets.toml.".strip(),
            )
        runtime = known[target.name].runtime
        loads = _EXPORTS.get(runtime, ())
        if target.export and target.export not in loads:
            raise bad_spec(
                f"[[target]] {target.name!r} has export = {target.export!r}, which its runtime {runtime!r} does not"
                " load.",
                (
                    f"Set export to one of {', '.join(loads)}."
                    if loads
                    else f"Remove export, or name a target whose runtime is {' or '.join(_EXPORTS)}."
                ),
            )
    chosen = tuple(_choose(target, known[target.name]) for target in spec.target or (_GATEWAY,))
    giving = [each.profile.name for each in chosen if each.profile.log_probabilities]
    if len(chosen) == 2 and len(giving) != 1:
        names = " and ".join(each.profile.name for each in chosen)
        raise bad_spec(
            f"[[target]] {names} {'both give' if giving else 'give no'} log-probabilities.",
            (
                "Of two targets one answers first and gives labels alone, the other is calibrated: keep one, or name"
                " one of each kind."
                if giving
                else 'Exchange one for a target that gives them, for instance name = "in_process".'
            ),
        )
    high = [label.name for label in spec.label if label.stakes == "high" and label.threshold > 0]
    if high and not giving:
        raise bad_spec(
            f"label {high[0]!r} has high stakes and a threshold, but {chosen[0].profile.name} gives no"
            " log-probabilities: its confidence cannot be calibrated.",
            'Add a second [[target]] that gives them, for instance name = "in_process", or set its threshold to 0.',
        )
    return chosen


def digest_targets(chosen: Sequence[ChosenTarget]) -> str:
    """SHA-256 of the targets with every limit of their profiles: what a verdict about them binds."""
    return digest_json([each.as_json() for each in chosen])


def _choose(target: Target, profile: Profile) -> ChosenTarget:
    loads = _EXPORTS.get(profile.runtime, ("",))
    return ChosenTarget(profile, target.accept, target.export or loads[0])
