"""Export of a batch into a file that people answer elsewhere; the import is `import_answers.py`.

The log of what left is durable before the file is written: it says how each request was chosen, and whether predictions
were shown. Add here what an export holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ratchet.config.spec import Spec
from ratchet.core.errors import RatchetError
from ratchet.core.failpoints import failpoint
from ratchet.ingest.rebuild import open_warehouse
from ratchet.review.item import ADJUDICATION, BatchItem
from ratchet.storage.home import Home
from ratchet.storage.review.answer_files import check_suffix, write_batch
from ratchet.storage.review.exchange_log import ExchangeLog, ExportedBatch
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.specs import Specs
from ratchet.workflows.review.answer import local_annotator
from ratchet.workflows.review.local_review import need_not_suspended
from ratchet.workflows.review.queue import ReviewQueue


@dataclass(frozen=True)
class ExportResult:
    """Outcome of an export."""

    file: str
    batch: str
    person: str
    requests: int
    predictions: bool


def export_batch(home: Home, name: str, path: Path, *, size: int, predictions: bool = False) -> ExportResult:
    """Write the unanswered requests of the user's batch to `path`; `predictions` makes every answer anchored.

    Raises `RatchetError` for a file that exists, which may hold somebody's answers, and where nothing waits.
    """
    check_suffix(path)
    if path.exists():
        raise RatchetError(f"{path} exists, and may hold answers.", "Give another name.", code="exists")
    spec = Specs(home)[name]
    person = local_annotator(spec)
    need_not_suspended(home, spec, person)
    queue = ReviewQueue.open(home, name, spec)
    try:
        compared = Ledger(home).state(name).compared is not None
        batch = queue.batch(person, size=size, compared=compared, adjudicates=False)
        # who adjudicates must see the labels that differ: page and terminal show them
        items = [each for each in queue.open_items(batch.batch) if each.chosen != ADJUDICATION]
    finally:
        queue.close()
    if not items:
        raise RatchetError("nothing waits for you now.", f"See 'ratchet review {name} --json'.", code="nothing_waits")
    served = served_labels(home, spec, items) if predictions else None
    chosen = {each.request_id: each.chosen for each in items}
    now = datetime.now(UTC).isoformat()
    ExchangeLog(home, name).add_export(ExportedBatch(now, person, batch.batch, predictions, chosen))
    failpoint("review.before_export")
    try:
        write_batch(path, items, served)
    except OSError as error:
        raise RatchetError(
            f"{path} cannot be written ({error.strerror}).", "Give another place.", code="unwritable"
        ) from None
    return ExportResult(str(path), batch.batch, person, len(items), predictions)


def served_labels(home: Home, spec: Spec, items: Sequence[BatchItem]) -> dict[str, str]:
    """Return the label that each request was answered with, as far as it is one of the labels."""
    if not home.has_rows(spec.name):
        return {}
    rows = open_warehouse(home, spec.name).frame(
        "SELECT request_id, label FROM production_logs WHERE classifier = $classifier"
        " AND request_id IN (SELECT unnest($requests))",
        {"classifier": spec.name, "requests": [each.request_id for each in items]},
    )
    found = zip(map(str, rows["request_id"]), map(str, rows["label"]), strict=True)
    return {request_id: label for request_id, label in found if label in spec.labels}
