"""Labelled examples of a classifier, as a cycle reads them, and the weeks that a classifier of examples alone has.

Add here another look at them in the warehouse; the rules are `ratchet/data/given_examples.py`.
"""

from datetime import date

from ratchet.core.cycle import Cycle
from ratchet.data.given_examples import ALONE_SQL, GIVEN_SQL, WEEKS_SQL, GivenExamples
from ratchet.storage.warehouse import Warehouse


def read_given(warehouse: Warehouse, cycle: Cycle) -> GivenExamples:
    """Return the labelled examples of the cycle's classifier, and whether they are all that it has to learn from."""
    rows = warehouse.frame(GIVEN_SQL, {"classifier": cycle.classifier})
    return GivenExamples(rows, has_only_examples(warehouse, cycle.classifier))


def has_only_examples(warehouse: Warehouse, classifier: str) -> bool:
    """True where the classifier has labelled examples, and not one labelled request."""
    found = warehouse.frame(ALONE_SQL, {"classifier": classifier})
    return bool(found["alone"].iloc[0])


def cycle_weeks(warehouse: Warehouse, classifier: str) -> dict[date, int]:
    """Return the weeks that can have a cycle, oldest first, with the number of requests.

    These are the weeks with production logs and, before any request is labelled, those in which examples arrived.
    """
    weeks = warehouse.weeks(classifier)
    arrived = warehouse.frame(WEEKS_SQL, {"classifier": classifier})["week"]
    return dict(sorted({**{day.date(): 0 for day in arrived}, **weeks}.items()))
