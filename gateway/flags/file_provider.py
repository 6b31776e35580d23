"""OpenFeature provider of the flag file: reads `flags.json`, and evaluates what was adopted of it by flagd's rules.

Shares of users are evaluated by `ratchet/rollout/bucketing.py`, by the hashing that the rollout names; the rest by
flagd's own evaluator.

Reading and adopting are two steps, because adapters are loaded in between (`gateway/serving/slots.py`). Add here how
the file is watched and evaluated; the use of the answer is in `evaluation.py`, a flag's contents in
`ratchet/rollout/flag.py`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import ProviderEventDetails
from openfeature.flag_evaluation import FlagResolutionDetails, FlagValueType, Reason
from openfeature.provider import AbstractProvider, Metadata

from ratchet.core.errors import RatchetError
from ratchet.rollout.bucketing import gets_candidate
from ratchet.rollout.flag import CANDIDATE, LIVE, Rollout
from ratchet.storage.home import Home
from ratchet.storage.rollout.flag_file import FLAG_SET, Flags, FlagSet

NAME = "ratchet-file"
_NEVER = (-1, -1, -1)

_Structure = Sequence[FlagValueType] | Mapping[str, FlagValueType]


class FileProvider(AbstractProvider):
    """Flags of a home. It does not poll: the caller runs `read` when `stamp` changed, and `adopt` if that was good."""

    def __init__(self, home: Home) -> None:
        super().__init__()
        self._home, self._core, self._metadata = home, FlagdCore(), Metadata(name=NAME)
        self._adopted: Mapping[str, tuple[Rollout, int]] = {}
        self._shares: Mapping[str, tuple[Rollout, dict[str, Any]]] = {}
        """Rollouts whose candidate gets a share of users, each with its flag."""
        self._newest = 0

    def stamp(self) -> tuple[int, int, int]:
        """Return modification time, inode and size, which change with the file, even to an older one; else zeros."""
        try:
            stat = self._home.flags.stat()
        except FileNotFoundError:
            return (0, 0, 0)
        except OSError:
            return _NEVER
        return (stat.st_mtime_ns, stat.st_ino, stat.st_size)

    def read(self) -> FlagSet:
        """Return the flag set of the file; raises `RatchetError` if missing, broken or older than the newest known."""
        # The mark is read before the file: a file that is published between the two must not count as older.
        newest = max(self._newest, Flags(self._home).highest())
        result = Flags(self._home).read()
        if result.generation == 0:
            raise RatchetError(
                "flags.json is missing.", "'ratchet advance NAME' writes it from the ledger.", code="no_flags"
            )
        if result.generation < newest:
            raise RatchetError(
                f"flags.json is of generation {result.generation}, but {newest} was published: this is an older file.",
                "'ratchet advance NAME' writes it anew from the ledger.",
                code="older_flags",
            )
        return result

    def adopt(self, rollouts: Mapping[str, tuple[Rollout, int]]) -> None:
        """Evaluate these rollouts from now on, each with the generation of its flag file."""
        flags = {}
        for name, (rollout, generation) in rollouts.items():
            flag = rollout.as_flag()
            flags[name] = {**flag, "metadata": {**flag["metadata"], "version": str(generation)}}
        changed = sorted(
            name for name in rollouts.keys() | self._adopted.keys() if rollouts.get(name) != self._adopted.get(name)
        )
        self._core.set_flags({"flags": flags, "metadata": {"flagSetId": FLAG_SET}})
        self._shares = {name: (each, flags[name]) for name, (each, _) in rollouts.items() if each.served_percent}
        self._adopted = dict(rollouts)
        self._newest = max([self._newest, *(generation for _, generation in rollouts.values())])
        if changed:
            self.emit_provider_configuration_changed(ProviderEventDetails(flags_changed=changed))

    def get_metadata(self) -> Metadata:
        """Return the provider's name, which traces show."""
        return self._metadata

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        """Return the digest of the adapter that answers; the default if the flag is disabled."""
        share = self._shares.get(flag_key)
        user = evaluation_context.targeting_key if evaluation_context else None
        if share is not None and user:
            rollout, flag = share
            chosen = CANDIDATE if gets_candidate(rollout.bucketing, flag_key, user, rollout.percent) else LIVE
            return FlagResolutionDetails(
                flag["variants"][chosen],
                variant=chosen,
                reason=Reason.TARGETING_MATCH,
                flag_metadata={"flagSetId": FLAG_SET, **flag["metadata"]},
            )
        return self._core.resolve_string_value(flag_key, default_value, evaluation_context)

    def resolve_boolean_details(
        self, flag_key: str, default_value: bool, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[bool]:
        """Evaluate as flagd would; rollouts are string flags, never of this type."""
        return self._core.resolve_boolean_value(flag_key, default_value, evaluation_context)

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[int]:
        """Evaluate as flagd would; rollouts are string flags, never of this type."""
        return self._core.resolve_integer_value(flag_key, default_value, evaluation_context)

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[float]:
        """Evaluate as flagd would; rollouts are string flags, never of this type."""
        return self._core.resolve_float_value(flag_key, default_value, evaluation_context)

    def resolve_object_details(
        self, flag_key: str, default_value: _Structure, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[_Structure]:
        """Evaluate as flagd would; rollouts are string flags, never of this type."""
        return self._core.resolve_object_value(flag_key, default_value, evaluation_context)
