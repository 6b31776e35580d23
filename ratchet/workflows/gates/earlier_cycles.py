"""Facts of earlier cycles with which gates of the model compare: golden answers of 13 weeks ago, slices seen before.

Add here what of an earlier cycle such a gate needs; the rules are in `ratchet/gates/`.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from ratchet.core.cycle import Cycle, parse_week
from ratchet.core.errors import RatchetError
from ratchet.gates.golden_anchor import ANCHOR_SQL, Anchor, read_anchor
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.storage.review.label_rules import LabelRuleFile
from ratchet.storage.warehouse import Warehouse


def load_anchor(
    home: Home, warehouse: Warehouse, cycle: Cycle, items: Sequence[tuple[str, str]], live: str | None
) -> Anchor:
    """Return the anchor of `cycle` for golden `items` of text and label, compared with the digest of `live`."""
    rows = warehouse.frame(ANCHOR_SQL, {"classifier": cycle.classifier, "week": cycle.week}).to_dict("records")
    rules = LabelRuleFile(home, cycle.classifier).read()
    weeks = Receipts(home).weeks(cycle.classifier)
    return read_anchor(rows, items, live, rules, weeks=weeks, week=cycle.week)


def load_seen_slices(home: Home, cycle: Cycle) -> Mapping[str, Mapping[str, int]]:
    """Return the test items of each slice in the newest earlier cycle that counted them; empty where none did."""
    receipts = Receipts(home)
    for week in receipts.weeks(cycle.classifier):
        if week < str(cycle.week):
            with suppress(RatchetError):  # a damaged receipt is a matter of its own cycle
                receipt = receipts.read_gate(Cycle(cycle.classifier, parse_week(week)), "slices")
                if receipt is not None and "seen" in receipt.verdict.evidence:
                    found: Mapping[str, Mapping[str, int]] = receipt.verdict.evidence["seen"]
                    return found
    return {}
