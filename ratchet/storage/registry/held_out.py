"""Held-out texts of the cycle that made an adapter: what an export is compared on beside the golden set.

They are the calibration split as its training kept it, so no warehouse is opened. Add here where else labelled texts of
an adapter that it never learned from may lie.
"""

from ratchet.core.cycle import Cycle, parse_week
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.training.plan import PLAN, Examples, read_examples


def held_out_texts(home: Home, name: str, digest: str, most: int) -> Examples:
    """The newest `most` texts of the calibration split of the cycle that sealed this adapter, with their labels.

    Empty where no cycle of this home did, or its training is gone.
    """
    receipts = Receipts(home)
    for week in receipts.weeks(name) if most else ():
        noted = receipts.noted(Cycle(name, parse_week(week)))
        work = home.training(name) / str(noted.get("plan", ""))[:16]
        if noted.get("adapter") == digest and "plan" in noted and (work / PLAN).is_file():
            return read_examples(work, "calibration")[-most:]
    return []
