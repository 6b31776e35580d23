"""The example keeps the contract of `eval_report.json`, so that whoever looks at it sees the real thing."""

import json


def test_the_example_is_json_and_consistent(usual, first, many):
    """Strict JSON; counts agree with each other; a first cycle has no live anywhere."""
    for document in (usual, first, many):
        assert json.loads(json.dumps(document, allow_nan=False)) == document
        for metrics in document["metrics"].values():
            assert sum(map(sum, metrics["confusion"])) == metrics["n"]
        assert len(document["worst_errors"]) <= 20
    assert [first[key] for key in ("live", "live_metrics", "comparison")] == [None] * 3
