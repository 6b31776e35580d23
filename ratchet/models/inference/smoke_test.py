"""Sandboxed test of a third-party adapter, in a process of its own: `python -m ratchet.models.inference.smoke_test`.

It reads one job as JSON from standard input, and is confined before it opens anything. It prints one line of JSON,
which `ratchet/workflows/publication/verify_adapter.py` judges. Add here checks that need the adapter's answers.
"""

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

from ratchet.core.errors import RatchetError
from ratchet.core.process_lifetime import run_process
from ratchet.core.sandbox import confine


def ask(job: dict[str, Any]) -> dict[str, Any]:
    """Open the adapter, compare its canary, and answer the texts; raises `RatchetError` where a check fails."""
    from ratchet.models.inference.predictor import load_predictor
    from ratchet.models.inference.reference_logits import check_reference_logits

    started = time.monotonic()
    predictor, card = load_predictor(Path(job["folder"])), _card(job)
    if card.canary is not None:
        check_reference_logits(card, predictor.logits)
    answers = predictor.predict(job["texts"])
    return {
        "labels": answers.labels,
        "confidence": [round(float(value), 6) for value in answers.confidence],
        "canary": card.canary is not None,
        "seconds": round(time.monotonic() - started, 3),
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def _card(job: dict[str, Any]) -> Any:
    from ratchet.models.adapters.folder import open_folder

    with open_folder(Path(job["folder"])) as opened:
        return opened.card


def main() -> int:
    """Run the job on standard input; the exit code is 0 whatever it found."""
    job = json.load(sys.stdin)
    cut = confine(job["room_bytes"], job["seconds"])
    try:
        report = {**ask(job), "network_cut": cut}
    except RatchetError as error:
        report = error.as_json()
    except MemoryError:
        message = f"the adapter needs more memory than the {job['room_bytes'] / 1e9:.1f} GB of the sandbox."
        report = RatchetError(message, "Do not load it anywhere.", code="bad_adapter").as_json()
    sys.stdout.write(f"\n{json.dumps(report)}\n")
    return 0


if __name__ == "__main__":
    run_process(main)
