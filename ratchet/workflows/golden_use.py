"""Use of a golden set: its size, the candidates that it has judged, and whether a part of it should be exchanged.

Add here a fact about the golden set that status, doctor and report show; the rule is `ratchet/gates/golden_looks.py`.
"""

from collections.abc import Sequence
from typing import Any

from ratchet.core.cycle import Cycle
from ratchet.core.errors import RatchetError
from ratchet.gates.golden_looks import REFRESH_AFTER, describe_looks, suggest_refresh
from ratchet.storage.golden_looks import GoldenLooks
from ratchet.storage.golden_set import GoldenItem, digest_golden
from ratchet.storage.home import Home
from ratchet.storage.specs import Specs


def note_look(home: Home, cycle: Cycle, golden: Sequence[GoldenItem], adapter: str) -> dict[str, Any]:
    """Note that the golden set judges `adapter`, and return its use, for the report."""
    looks, digest = GoldenLooks(home, cycle.classifier), digest_golden(golden)
    looks.add(cycle, digest, adapter)
    count = looks.count(digest)
    return {
        "looks": count,
        "looks_sentence": f"This golden set {describe_looks(count)}. {suggest_refresh(len(golden), count)}".strip(),
    }


def describe_golden_use(home: Home, name: str) -> dict[str, Any] | None:
    """Return the use of the present golden set as JSON types, None where it cannot be read."""
    try:
        items = Specs(home).golden(name)
    except (RatchetError, OSError):
        return None
    digest = digest_golden(items)
    looks = GoldenLooks(home, name).count(digest)
    return {
        "digest": digest,
        "items": len(items),
        "looks": looks,
        "refresh_after": REFRESH_AFTER,
        "sentence": f"{len(items)} items; it {describe_looks(looks)}",
        "advice": suggest_refresh(len(items), looks),
    }
