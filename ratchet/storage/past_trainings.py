"""What a classifier's earlier trainings took, read from their work folders without opening any weights.

Add here figures of earlier trainings that a forecast needs; what they say of the next one is
`ratchet/training/cost_estimate.py`.
"""

import json
from pathlib import Path

from ratchet.core.errors import RatchetError
from ratchet.training.cost_estimate import PastTraining
from ratchet.training.plan import count_examples, read_plan
from ratchet.training.result import RESULT, CandidateResult


def read_past_trainings(folder: Path) -> list[PastTraining]:
    """Every trained candidate of the work folders in `folder`, newest training first.

    A forecast must not fail over what is expendable: a folder that cannot be read, or is of a version with other
    settings, is left out.
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
    """After a crash `seconds` are those of the process that finished alone; those of the epochs are remembered."""
    return max(found.seconds, sum(epoch.seconds for epoch in found.epochs))
