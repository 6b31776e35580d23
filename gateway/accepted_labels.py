"""Labels that feedback and corrections may name: those that are served, and by the label rules others for them.

Add here another source of names that mean a label; whether a person may say one is `gateway/routes/`.
"""

from functools import lru_cache

from gateway.errors import RequestError
from gateway.serving.loading import Served, stamp_of
from ratchet.core.label_names import label_form
from ratchet.storage.home import Home
from ratchet.storage.review.label_rules import LabelRuleFile


def check_label(home: Home, name: str, served: Served, label: str | None) -> None:
    """Raise `RequestError` for a label that no served adapter answers and no rule knows; one of before may hold another
    form."""
    specs = (served.spec, *served.specs.values())
    labels = dict.fromkeys(label_form(each) for spec in specs for each in spec.labels)
    if label is None or label_form(label) in labels or label_form(label) in _ruled(home, name):
        return
    raise RequestError(
        422, "bad_label", "label: not a label of this classifier.", f"Labels: {', '.join(labels)}."[:300]
    )


def _ruled(home: Home, name: str) -> frozenset[str]:
    return _names(home, name, stamp_of(LabelRuleFile(home, name).file.path))


@lru_cache(maxsize=256)
def _names(home: Home, name: str, stamp: int) -> frozenset[str]:
    """Return the names that mean one label of now; rules that cannot be believed know none."""
    rules = LabelRuleFile(home, name).try_read() if stamp else None
    return frozenset(each for each in rules.names if len(rules.read(each).parts) == 1) if rules else frozenset()
