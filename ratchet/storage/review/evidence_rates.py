"""Rates of running rollouts: `review/evidence_rates.jsonl`, one checksummed line for each time a rate was lowered.

The first rate of a rollout is in its signed ledger entry. Add here another fact that a rate carries; which rate is
right is `ratchet/rollout/evidence/stream.py`.
"""

from pathlib import Path

from ratchet.rollout.evidence.stream import Rate, read_rate
from ratchet.storage.home import Home
from ratchet.storage.review.event_log import append_checked, read_lines

_STEM = "evidence_rates"


def rates_path(home: Home, classifier: str) -> Path:
    """Return the file of a classifier's rates."""
    return home.review(classifier) / f"{_STEM}.jsonl"


def append_rate(home: Home, classifier: str, sequence: int, rate: Rate, why: str) -> None:
    """Note a lower rate for the comparison that began with ledger entry `sequence`; durable on return (OSError)."""
    append_checked(home.review(classifier), _STEM, [{"sequence": sequence, **rate.as_json(), "why": why}])


def read_rates(home: Home, classifier: str, sequence: int) -> tuple[Rate, ...]:
    """Read the later rates of a comparison, oldest first; a line that cannot be believed is left out."""
    path, found = rates_path(home, classifier), list[Rate]()
    if not path.is_file():
        return ()
    for line, _, _ in read_lines(path, 0):
        try:
            if line["sequence"] == sequence:
                found.append(read_rate(line))
        except (KeyError, TypeError, ValueError):
            continue
    return tuple(sorted(found, key=lambda rate: rate.since))
