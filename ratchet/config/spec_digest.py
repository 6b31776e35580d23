"""Digests of a specification: of what its file sets, and of what a former version would have made of the same file.

A digest of every setting would change whenever a version adds a key or changes a default, and every candidate would be
stale in the middle of its rollout. Nothing is added here when a setting is added: `FORMER` stays as it is for good.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ratchet.core.digests import digest_json

FORMER: Mapping[str, Any] = {
    "description": "",
    "cost_review": 0.25,
    "max_text_chars": 8000,
    "window": {
        "lookback_weeks": 26, "calibration_share": 0.15, "early_after_corrections": 1000, "earliest": None,
        "latest": None,
    },
    "limits": {
        "min_examples_per_class": 5, "min_agreement": 0.9, "min_doubles": 20, "max_null_share": 0.2,
        "max_label_divergence": 0.2, "near_duplicate_jaccard": 0.8, "max_golden_loss": 0.05,
        "min_golden_per_class": 40, "golden_floor": 0.6, "golden_floor_per_class": 0.2, "max_ece": None,
    },
    "promotion": {
        "min_requests": 500, "min_labels": 100, "margin": 0.01, "steps": [5, 25, 50, 100], "dwell_minutes": 60.0,
        "min_step_requests": 50, "deadline_hours": 72.0, "shadow_share": 1.0, "shadow_requests": 100000,
        "max_disagreement": 0.25, "max_error_share": 0.01, "max_latency_ratio": 2.0,
    },
    "prompt": {
        "template": "Which one of these fits the message best?\n{labels}\nMessage: {text}\n"
        "Answer with its code only.\nAnswer:",
        "chat": False, "system": "",
    },
}  # fmt: skip
"""Defaults of the last version whose digests held every setting."""
FORMER_LABEL: Mapping[str, Any] = {
    "description": "", "action": "review", "stakes": "low", "threshold": 0.5, "cost_wrong": 1.0
}  # fmt: skip
"""Defaults of a label in that version."""


def keep_set(values: Any, document: Any) -> Any:
    """Return those parts of `values` (checked settings as JSON types) that the file's `document` sets."""
    if isinstance(values, Mapping) and isinstance(document, Mapping):
        return {key: keep_set(values[key], document[key]) for key in document if key in values}
    if isinstance(values, Sequence) and isinstance(document, Sequence) and not isinstance(values, str):
        return [keep_set(value, part) for value, part in zip(values, document, strict=True)]
    return values


def digest_read(given: Mapping[str, Any], ignored: frozenset[str], *, with_descriptions: bool) -> str:
    """Return the SHA-256 of the settings in `given` that a cycle reads: of a label its name, and its description where
    a prompt holds it; nothing of the tables in `ignored`."""
    names = ("name", "description") if with_descriptions else ("name",)
    labels = [{name: label[name] for name in names if name in label} for label in given["label"]]
    return digest_json({**{key: value for key, value in given.items() if key not in ignored}, "label": labels})


def settings_at(given: Mapping[str, Any], paths: Collection[str]) -> dict[str, Any]:
    """Return the settings in `given` at `paths` (`table.key`, or a whole table); of `label` the names alone."""
    found: dict[str, Any] = {}
    for path in paths:
        table, _, key = path.partition(".")
        content = [label["name"] for label in given["label"]] if table == "label" else given.get(table)
        if key and isinstance(content, Mapping):
            content = content.get(key)
        if content is not None:
            found[path] = content
    return found


def digest_as_former(
    values: Mapping[str, Any], document: Mapping[str, Any], kept: Mapping[str, Any], ignored: frozenset[str]
) -> str:
    """Return the digest by which that version named the same file: receipts of a home of before hold it.

    `kept` are candidates and targets in the form that a digest always had: later settings only where they are set.
    """
    given = keep_set(values, document)
    content = {"name": values["name"], "label": [{**FORMER_LABEL, **label} for label in given["label"]]}
    for key, former in FORMER.items():
        mine = given.get(key, former)
        content[key] = {name: mine.get(name, former[name]) for name in former} if isinstance(former, Mapping) else mine
    return digest_json({key: value for key, value in {**content, **kept}.items() if key not in ignored})
