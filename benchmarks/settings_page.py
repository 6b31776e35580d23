"""Writer of docs/reference/settings.md, all settings of `classifier.toml`, from the docstrings.

Run `python -m benchmarks.settings_page` (`make settings-page`). A new setting or table of `ratchet.config.spec.Spec` is
found automatically. Add here the meaning of a setting whose attribute has no docstring, and the unit of its values.
"""

import ast
import inspect
import json
import re
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from datetime import date
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from ratchet.config.spec import Spec

ROOT = Path(__file__).parents[1]
PAGE = "docs/reference/settings.md"
MEANINGS = {
    "description": "Description of the classifier, for people; no model reads it.",
    "max_text_chars": "Longest text that is stored; a longer one is rejected at intake and by the gateway.",
    "label.name": "Name as it stands in logs, corrections and the golden set. Append labels, never reorder them.",
    "label.description": "Meaning of the label in one sentence; the untuned baseline and a prompt read it.",
    "label.action": "What your product does with an answer of this label whose confidence is high enough.",
    "label.stakes": "How much a wrong action hurts. Where stakes are high, an edge target never answers alone.",
    "window.lookback_weeks": "Weeks before the cycle's own that are used for training and calibration.",
    "window.earliest": "Earliest date allowed in the data; an earlier one stops the cycle.",
    "window.latest": "Latest date allowed in the data; a later one stops the cycle.",
    "candidate.rank": "Rank of the low-rank products: a higher one learns more, and is slower.",
    "candidate.alpha": "Strength of the low-rank products; twice the rank is a good start.",
    "candidate.epochs": "Passes over the training examples, at most.",
    "candidate.max_tokens": "Tokens of a text that the model reads: of a longer text both ends, half each.",
    "candidate.seed": "Seed of everything random: the same seed, data and settings give the same weights on the same "
    "machine.",
    "target.name": "Name of a built-in target or of one in `targets.toml` of the home.",
    "target.accept": "Limits that count: `proven`, the narrower of what is documented and what was tried; or "
    "`documented`.",
    "evaluation.seed": "Seed by which the texts of the comparison are drawn.",
    "frontier.model": "Name of the model, as the endpoint knows it.",
    "export.max_accuracy_loss": "Largest loss of accuracy of an export against its adapter.",
    "export.max_ece_rise": "Largest rise of ECE of an export against its adapter.",
}
"""Meanings of settings whose attribute has no docstring; `table.key`."""
_UNITS = {
    r".*_minutes": "minutes", r".*_hours|deadline_hours": "hours", r".*_s": "seconds", r".*_weeks": "weeks",
    r"max_text_chars": "characters", r"max_tokens|max_answer_tokens": "tokens", r"watts": "watts",
    r"price_per_hour": "currency an hour", r"price_(?:in|out)put": "currency a million tokens", r"budget": "currency",
    r"cost_.*": "cost", r"steps": "percent",
    r".*_share|margin|label_margin|alpha_.*|threshold|min_agreement|max_label_divergence|near_duplicate_jaccard|max_golden_loss|golden_floor"
    r"(?:_per_class)?|max_ece|max_disagreement|max_accuracy_loss|max_ece_rise|dropout|teacher_weight": "0 to 1",
}  # fmt: skip
"""Unit by the key's name."""
_SEE = {
    "window": "../explanation/weekly_cycle.md",
    "limits": "../explanation/weekly_cycle.md",
    "promotion": "../explanation/rollouts.md",
    "candidate": "families.md",
    "prompt": "families.md",
    "target": "../how-to/targets.md",
    "machine": "../how-to/sweeps.md",
    "publish": "../how-to/publishing.md",
    "evaluation": "../explanation/evaluation.md",
    "frontier": "../explanation/evaluation.md",
    "export": "../how-to/exports.md",
}  # fmt: skip
_INTRO = """# Settings

Every table and key of `classifier.toml`. `make settings-page` writes this page from the classes of `ratchet/config/`;
a test fails when it is out of date. Only `[[label]]` is needed in a file; every other setting has a default. An unknown
key or a wrong value is an error that names the line. `ratchet init` writes a commented file to start from.

Settings of the gateway are environment variables, listed in [gateway.md](gateway.md#settings). Once an adapter is live,
a change of `[[label]]`, of costs or of `[promotion]` counts when `ratchet policy` entered it
([rollouts.md](../explanation/rollouts.md#the-policy-in-force)).
"""


@dataclass(frozen=True)
class Setting:
    """One key of a table."""

    key: str
    default: str
    unit: str
    meaning: str


def read_tables() -> Iterator[tuple[str, str, list[Setting]]]:
    """Yield name (empty at the top of the file), heading and settings of each table.

    Raises ValueError where a setting has no meaning.
    """
    hints = get_type_hints(Spec)
    yield "", "Top of the file", list(settings_of(Spec, ""))
    for field in fields(Spec):
        tables = [each for each in _flatten(hints[field.name]) if is_dataclass(each)]
        if tables:
            many = get_origin(hints[field.name]) is tuple
            heading = f"[[{field.name}]]" if many else f"[{field.name}]"
            yield field.name, heading, list(settings_of(tables[0], field.name))


def settings_of(table: Any, name: str) -> Iterator[Setting]:
    """Yield the settings of one table, without the tables in it; `name` is the table's."""
    hints, meanings = get_type_hints(table), read_docstrings(table)
    for field in fields(table):
        kinds = _flatten(hints[field.name])
        key = f"{name}.{field.name}" if name else field.name
        if any(map(is_dataclass, kinds)) or (table is Spec and field.name == "name"):
            continue  # a table of its own, and the name, which is the folder's
        meaning = meanings.get(field.name) or MEANINGS.get(key)
        if meaning is None:
            raise ValueError(f"{key} has neither a docstring nor a meaning in {Path(__file__).name}.")
        default = _default(field)
        choices = ", ".join(
            f"`{_toml(value)}`" for kind in kinds if get_origin(kind) is Literal for value in get_args(kind)
        )
        units = (unit for pattern, unit in _UNITS.items() if re.fullmatch(pattern, field.name))
        yield Setting(field.name, "none" if field.default is None else default, choices or next(units, ""), meaning)


def _default(field: "Field[Any]") -> str:
    if field.default_factory is not MISSING:
        return f"`{_toml(field.default_factory())}`"
    return "required" if field.default is MISSING else f"`{_toml(field.default)}`"


def read_docstrings(table: Any) -> dict[str, str]:
    """Return the docstring of each attribute of a dataclass, on one line."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(table))).body
    assert isinstance(body, ast.ClassDef)  # noqa: S101 - the source of a class
    found, last = {}, ""
    for statement in body.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            last = statement.target.id
            continue
        if last and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            found[last] = " ".join(str(statement.value.value).split())
        last = ""
    return found


def render() -> str:
    """Return the page."""
    lines = [_INTRO]
    for name, heading, settings in read_tables():
        see = f"See [{Path(_SEE[name]).name}]({_SEE[name]})." if name in _SEE else ""
        lines += [f"## {f'`{heading}`' if name else heading}", "", *([see, ""] if see else [])]
        lines += [*draw_table(settings), ""]
    return "\n".join(lines).rstrip() + "\n"


def draw_table(settings: list[Setting]) -> list[str]:
    """Return the lines of a Markdown table of settings."""
    lines = ["| key | default | unit or values | meaning |", "|---|---|---|---|"]
    return lines + [
        f"| `{each.key}` | {each.default} | {each.unit} | {each.meaning.replace('|', chr(92) + '|')} |"
        for each in settings
    ]


def _flatten(kind: Any) -> list[Any]:
    """Return the types of values that an annotation allows, without None and the tuple around them."""
    if get_origin(kind) in {Union, UnionType, tuple}:
        return [each for part in get_args(kind) if part not in {NoneType, Ellipsis} for each in _flatten(part)]
    return [kind]


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float | int | date):
        return str(value)
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)


def main() -> int:
    """Write the page."""
    (ROOT / PAGE).write_text(render(), encoding="utf-8")
    print(f"{PAGE}: {sum(len(settings) for _, _, settings in read_tables())} settings")
    return 0


if __name__ == "__main__":
    sys.exit(main())
