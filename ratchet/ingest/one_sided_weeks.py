"""Weeks whose labels are not like the others, as the warehouse holds them now: for intake, plan and report.

Add here where such weeks are looked up; what makes a week one-sided is `ratchet/data/label_selection.py`.
"""

from datetime import date

from ratchet.data.label_selection import SELECTION_SQL, LabelSelection, describe_selection, find_small_errors
from ratchet.storage.warehouse import Warehouse

_NEWEST = 4


def read_selections(warehouse: Warehouse, classifier: str, until: date = date.max) -> list[LabelSelection]:
    """Return the blind labels of each week up to `until` that has any, oldest first."""
    rows = warehouse.frame(SELECTION_SQL, {"classifier": classifier, "week": until})
    found = rows.itertuples(index=False, name=None)
    return [LabelSelection(int(blind), int(confirming), str(week)[:10]) for week, blind, confirming in found]


def describe_week(warehouse: Warehouse, classifier: str, week: date) -> str:
    """Return the sentence about one week, '' where its labels are like the others or too few to tell."""
    return "".join(each.sentence for each in read_selections(warehouse, classifier, week) if each.week == str(week))


def describe_one_sided(warehouse: Warehouse, classifier: str, until: date = date.max) -> list[str]:
    """Return a sentence for each one-sided week among the four newest that have blind labels, oldest first, and one for
    weeks that have too few of them each."""
    found = read_selections(warehouse, classifier, until)
    newest, small = found[-_NEWEST:], find_small_errors(found)
    together = [each for each in newest if each in small]
    of = f" of {len(small)} weeks with few labels"
    pooled = [describe_selection(sum(each.blind for each in small), 0, of)] if together else []
    return [*(selection.sentence for selection in newest if selection.is_one_sided), *pooled]
