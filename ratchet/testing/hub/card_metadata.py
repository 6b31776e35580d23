"""Metadata of a model card, checked as strictly as the Hub does: the YAML between the lines of dashes of a `README.md`.

Add here what the Hub rejects in a card.
"""

import re
from typing import Any

import yaml

_FRONT = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)


def look_at_card(text: str) -> tuple[list[str], list[str]]:
    """Errors of a card's metadata, and warnings."""
    front = _FRONT.match(text)
    if front is None:
        return [], ["empty or missing yaml metadata in repo card"]
    try:
        data = yaml.safe_load(front[1])
    except yaml.YAMLError as error:
        return [f"invalid YAML: {error}"], []
    if not isinstance(data, dict):
        return ["metadata is not a mapping"], []
    return [f"{key} is required in a model-index" for each in data.get("model-index", []) for key in _lacks(each)], []


def _lacks(model: dict[str, Any]) -> list[str]:
    missing = [key for key in ("name", "results") if key not in model]
    for result in model.get("results", []):
        missing += [key for key in ("task", "dataset", "metrics") if not result.get(key)]
        missing += [f"dataset.{key}" for key in ("name", "type") if key not in result.get("dataset", {})]
        missing += [
            f"metrics.{key}" for each in result.get("metrics", []) for key in ("type", "value") if key not in each
        ]
    return missing
