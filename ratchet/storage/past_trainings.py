"""Time and size of a classifier's earlier trainings, read from their work folders without opening any weights.

Add here figures of earlier trainings that a forecast needs; the next training is estimated from them in
`ratchet/training/cost_estimate.py`.
"""

import json
from pathlib import Path

from ratchet.core.errors import RatchetError
from ratchet.training.cost_estimate import PastTraining
from ratchet.training.plan import count_examples, read_plan
from ratchet.training.result import RESULT, CandidateResult


def read_past_trainings(folder: Path) -> list[PastTraining]:
    """Read every trained candidate of the work folders in `folder`, newest training first.

    A folder that cannot be read, or was written by a version with other settings, is left out: it is expendable, and a
    forecast must not fail over it.
    """
    results = sorted(folder.glob(f"*/{RESULT}"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    return [result for path in results for result in _read(path.parent)]


def _read(work: Path) -> list[PastTraining]:
    try:
        plan, examples = read_plan(work), count_examples(work, "train")
        results = [
            CandidateResult.from_json(result) for result in json.loads((work / RESULT).read_bytes())["candidates"]
        ]
        return [
            PastTraining(plan.candidates[result.index], examples, len(result.epochs), _seconds(result))
            for result in results
            if result.status == "trained"
        ]
    except (RatchetError, OSError, ValueError, KeyError, TypeError, IndexError):
        return []


def _seconds(found: CandidateResult) -> float:
    """Return the seconds of a training; after a crash `seconds` lacks those of earlier processes, the epochs do not."""
    return max(found.seconds, sum(epoch.seconds for epoch in found.epochs))
