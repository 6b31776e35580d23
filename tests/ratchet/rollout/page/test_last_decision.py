"""The remembered decision is read with care: anything that a promoter would not write is none."""

import json

import pytest

from ratchet.rollout.page.last_decision import read_evidence, read_last_decision

RAIL = {"name": "errors", "status": "ok", "said": "", "value": 0.0, "low": 0.0, "high": 0.1, "limit": 0.01}
WHOLE = {
    "schema": 1,
    "at": "2026",
    "sequence": 3,
    "action": "hold",
    "sentence": "Held",
    "state": "Held",
    "guardrails": [RAIL],
}


def test_what_the_promoter_writes_is_read():
    """With the keys that the page does not need."""
    found = read_last_decision({**WHOLE, "percent": 5, "figures": {"whole": {}}})
    assert (found.sequence, found.guardrails[0].high) == (3, 0.1)


@pytest.mark.parametrize(
    "document",
    [
        None, [], "x", 5, {}, {**WHOLE, "sequence": None}, {**WHOLE, "sentence": 5}, {**WHOLE, "guardrails": "x"},
        {**WHOLE, "guardrails": [5]}, {**WHOLE, "guardrails": [{**RAIL, "status": "fine"}]},
        {**WHOLE, "guardrails": [{**RAIL, "value": float("nan")}]}, {**WHOLE, "guardrails": [{**RAIL,
        "low": float("-inf")}]},
        {**WHOLE, "guardrails": [{**RAIL, "limit": 1e300}]}, {**WHOLE, "figures": []},
        {key: WHOLE[key] for key in list(WHOLE)[:2]},
    ],
)  # fmt: skip
def test_anything_else_is_none(document):
    """Neither a page nor a scrape ends in a fault."""
    assert read_last_decision(document) is None


@pytest.mark.parametrize(
    "document", [None, {"requests": -1}, {"requests": "many"}, {"labelled": 5}, json.loads('{"requests": NaN}')]
)
def test_counts_that_contradict_each_other_are_none(document):
    """`Evidence` refuses them itself."""
    assert read_evidence(document) is None
