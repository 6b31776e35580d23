"""Adapters that trained on the labels of one person, as far as their cycles' examples are still known.

Add here another trace of what an adapter learned from; who is suspended is `suspend.py`.
"""

from typing import Any

from ratchet.core.cycle import Cycle, parse_week
from ratchet.core.errors import RatchetError
from ratchet.data.curation import EXAMPLES_SQL, digest_examples
from ratchet.rollout.ledger_entry import PROMOTE, SHADOW
from ratchet.rollout.state import state_after
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.warehouse import Warehouse

LABELLED_SQL = """
SELECT DISTINCT request_id, week FROM person_corrections
WHERE classifier = $classifier AND person = $person AND label IS NOT NULL AND chosen IS DISTINCT FROM 'check'
"""
"""Requests that a person labelled, suspended or not, and the week of each."""
_LEARNED = ["train", "calibration"]


def find_trained_adapters(home: Home, name: str, warehouse: Warehouse, person: str) -> list[dict[str, Any]]:
    """Return the adapters whose training or calibration held requests that `person` labelled, the newest week first.

    `examples` are those requests, `of` all examples. Both are null for an adapter whose week ran again since: its
    examples are no longer stored, and it may have trained on them. `slot` is `live`, `candidate` or empty.
    """
    labelled = warehouse.frame(LABELLED_SQL, {"classifier": name, "person": person})
    mine, first = set(labelled["request_id"]), min((str(week)[:10] for week in labelled["week"]), default="9999")
    entries = Ledger(home).entries(name)
    state = state_after(entries)
    slots = {state.challenger: "candidate", state.live: "live"}
    made = {(entry.adapter, entry.week) for entry in entries if entry.action in {SHADOW, PROMOTE} and entry.week}
    known = {}
    for week in Receipts(home).weeks(name):
        adapter, counts = _count(home, name, warehouse, week, mine)
        if adapter:
            known[adapter, week] = counts
    found: list[dict[str, Any]] = [
        {"adapter": adapter, "week": week, "examples": n, "of": of, "slot": slots.get(adapter, "")}
        for adapter, week in sorted(made | set(known), key=lambda each: (each[1], each[0]), reverse=True)
        for n, of in [known.get((adapter, week), (None, None))]
    ]
    return [each for each in found if each["examples"] or (each["examples"] is None and first <= each["week"])]


def _count(
    home: Home, name: str, warehouse: Warehouse, week: str, mine: set[str]
) -> tuple[str | None, tuple[int | None, int | None]]:
    """Return the adapter of a week, and how many of its examples are among the requests `mine`, and of how many."""
    cycle = Cycle(name, parse_week(week))
    try:
        noted = Receipts(home).noted(cycle)
    except RatchetError:  # damaged notes: whoever judges by them says so
        return None, (None, None)
    adapter, digest = noted.get("adapter"), noted.get("training_set")
    if not isinstance(adapter, str):
        return None, (None, None)
    examples = warehouse.frame(EXAMPLES_SQL, {"classifier": name, "week": cycle.week})
    if not len(examples) or digest_examples(examples) != digest:
        return adapter, (None, None)
    learned = examples.loc[examples["split"].isin(_LEARNED), "request_id"]
    return adapter, (int(learned.isin(mine).sum()), len(learned))
