"""Settings that a gate has read: their digest in its receipt, and what differs from the settings of now.

Which settings a gate reads stands in its row of `registry.py`. Add here a rule on what a change voids; age and
signatures are `ratchet/workflows/rollout/receipt_trust.py`.
"""

from collections.abc import Mapping
from typing import Any

from ratchet.config.spec import Spec
from ratchet.core.digests import digest_json
from ratchet.gates.registry import READS


def bind_settings(gate: str, spec: Spec) -> dict[str, str]:
    """Return the digests of what the file sets: all that a cycle reads, what `gate` reads, and all that describes an
    adapter."""
    settings = digest_json(spec.given_at(READS[gate]))
    return {"policy": spec.digest, "settings": settings, "specification": spec.file_digest}


def has_same_settings(gate: str, binds: Mapping[str, Any], spec: Spec) -> bool:
    """Return True where `gate` would read the settings of its receipt; one of before names the whole file."""
    then = binds.get("settings")
    if then is None:
        return binds.get("policy") in spec.digests
    return bool(digest_json(spec.given_at(READS.get(gate, ()))) == then)


def list_changed(gate: str, values: Mapping[str, Any], spec: Spec) -> list[str]:
    """Return the settings of which `gate` read other `values` than are in force now."""
    now = spec.values_at(READS.get(gate, ()))
    return [path for path in {**values, **now} if values.get(path) != now.get(path)] if values else []
