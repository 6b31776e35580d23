"""Choice of targets: those that a specification names, with their profiles, checked as a set.

Add here what must hold for the targets together; `ratchet/gates/target_fit.py` decides whether an adapter fits one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ratchet.config.spec import Spec
from ratchet.config.target import Target
from ratchet.config.validation import bad_spec
from ratchet.core.digests import digest_json
from ratchet.core.names import nearest
from ratchet.deployment.profiles import Accept, Profile, Runtime

_GATEWAY = Target("in_process")
_EXPORTS: Mapping[Runtime, tuple[str, ...]] = {
    "onnx": ("onnx", "onnx_int8"),
    "llama_cpp": ("gguf_f16", "gguf_q8_0", "gguf_q4_k_m", "gguf_q4_0"),
}
"""Exports that a runtime loads, the default first; a runtime that is not listed loads none."""


@dataclass(frozen=True)
class ChosenTarget:
    """A target of a specification: its profile, the limits that count, and the export it runs."""

    profile: Profile
    accept: Accept
    export: str
    """Kind of export; empty for a target whose runtime loads none."""
    given: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """Keys of its `[[target]]` that `classifier.toml` sets."""

    def as_json(self) -> dict[str, Any]:
        """Every setting that a trial of the target depends on, as JSON types."""
        return {"profile": self.profile.as_json(), "accept": self.accept, "export": self.export}

    def as_set(self) -> dict[str, Any]:
        """Settings of the home's files that a verdict about the target depends on, as JSON types."""
        return {"profile": self.profile.as_set(), **self.given}

    def as_former(self) -> dict[str, Any]:
        """Settings that the digest of an earlier version held: all of them."""
        return {"profile": self.profile.as_former(), "accept": self.accept, "export": self.export}


def choose_targets(spec: Spec, known: Mapping[str, Profile]) -> tuple[ChosenTarget, ...]:
    """The targets that `spec` names, or `in_process` where it names none.

    Raises `RatchetError` for an unknown target, for two targets of which not exactly one returns log-probabilities, and
    for high stakes with a threshold but no log-probabilities.
    """
    for target in spec.target:
        if target.name not in known:
            raise bad_spec(
                f"[[target]] {target.name!r} is unknown (has: {', '.join(sorted(known))}).",
                f"{nearest(target.name, known)} Choose one of them, or describe yours in targets.toml.".strip(),
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
    named = zip(spec.target or (_GATEWAY,), spec.given_targets or [{}], strict=True)
    chosen = tuple(_choose(target, known[target.name], given) for target, given in named)
    giving = [each.profile.name for each in chosen if each.profile.log_probabilities]
    if len(chosen) == 2 and len(giving) != 1:
        names = " and ".join(each.profile.name for each in chosen)
        raise bad_spec(
            f"[[target]] {names} {'both return' if giving else 'return no'} log-probabilities.",
            (
                "Of two targets, one must return labels only and the other log-probabilities: keep one target, or name"
                " one of each kind."
                if giving
                else 'Replace one by a target that returns them, for instance name = "in_process".'
            ),
        )
    # a threshold on an uncalibrated confidence would let high-stakes actions through at an unknown error rate
    high = [label.name for label in spec.label if label.stakes == "high" and label.threshold > 0]
    if high and not giving:
        raise bad_spec(
            f"label {high[0]!r} has high stakes and a threshold, but {chosen[0].profile.name} returns no"
            " log-probabilities, so its confidence cannot be calibrated.",
            'Add a second [[target]] that returns them, for instance name = "in_process", or set the threshold to 0.',
        )
    return chosen


def digest_targets(chosen: Sequence[ChosenTarget]) -> str:
    """SHA-256 of what the home's files set about the targets, 64 hex digits; verdicts about them are bound to it.

    A key that a later version adds to a profile, or a default that it changes, changes no digest.
    """
    return digest_json([each.as_set() for each in chosen])


def digests_of_targets(chosen: Sequence[ChosenTarget]) -> frozenset[str]:
    """Digests by which receipts may name these targets: their own, and that of a version before."""
    return frozenset({digest_targets(chosen), digest_json([each.as_former() for each in chosen])})


def _choose(target: Target, profile: Profile, given: Mapping[str, Any]) -> ChosenTarget:
    loads = _EXPORTS.get(profile.runtime, ("",))
    return ChosenTarget(profile, target.accept, target.export or loads[0], given)
