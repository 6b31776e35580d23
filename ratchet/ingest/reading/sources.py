"""Source: one file as SQL whose columns are ours, and the names by which a file calls them.

Add here what every format must say of a row. JSON is `json_source.py`, CSV and Parquet are `table_source.py`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ratchet.core.errors import RatchetError
from ratchet.core.names import nearest
from ratchet.data.records import RowKind

SAW = "saw_prediction"
LABEL_STUDIO = frozenset({"annotations", "data"})
"""Keys of Label Studio's full JSON, which is not rows."""
_VALUE = re.compile(
    r"[-+]?\d+([.,]\d+)*|\d{4}-\d\d-\d\d.*|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\\N", re.IGNORECASE
)
_MOST_WORDS = 5


@dataclass(frozen=True)
class Source:
    """SQL over one file. `table` is a FROM clause; the rest are expressions over its columns."""

    table: str
    broken: str
    fields: dict[str, tuple[str, str, str]]
    """Our column -> (typed value or NULL, value was given, value as it stands in the file, of any type)."""
    extra: str
    origin: str
    """Expression for the raw row, kept until it has been judged."""
    row: str
    """Expression over `origin`: the row as text, for the report on rejected rows."""
    segment: bool = False
    """True for one of our own segments, which has `file` and `line` of the delivery as columns."""
    nulled: str = ""
    """Expression for what the segment says of values that were left out; '' where it says nothing."""
    line: str = ""
    """Expression for the line of the file; '' where rows are counted."""


@dataclass(frozen=True)
class Columns:
    """Names of a file's columns, and what the command states of a whole file that has no column for it."""

    theirs: Mapping[str, str] = field(default_factory=dict)
    """Our name -> the file's, where they differ."""
    saw_prediction: bool | None = None
    """True or False where the command says of every annotator of the file whether the prediction was seen."""

    def given(self, name: str) -> str | None:
        """Return SQL for the value of our column `name` where the command gives it for all rows, else None."""
        return None if name != SAW or self.saw_prediction is None else str(self.saw_prediction).lower()

    def wanted(self, kind: RowKind) -> dict[str, str]:
        """Return our columns that are looked for in the file, each with its name there."""
        mapped = {theirs.strip().casefold() for theirs in self.theirs.values()}
        return {
            column.name: self.theirs.get(column.name, column.name)
            for column in kind.columns
            if self.given(column.name) is None
            and not (column.aside and column.name in mapped and column.name not in self.theirs)
        }

    def fitted(self, kind: RowKind, found: Sequence[str]) -> "Columns":
        """Return these columns as the file writes them: warehouses shout, spreadsheets leave spaces."""
        exact, folded = set(found), dict[str, list[str]]()
        for name in found:
            folded.setdefault(name.strip().casefold(), []).append(name)
        theirs = dict(self.theirs)
        for ours, name in self.wanted(kind).items():
            alike = folded.get(name.strip().casefold(), [])
            if name not in exact and len(alike) == 1:
                theirs[ours] = alike[0]
        return Columns(theirs, self.saw_prediction)

    def refuse_double_word(self, kind: RowKind) -> RatchetError:
        """Return the error about a file that says itself what the command says of it."""
        return RatchetError(
            f"the file says itself, in its column {SAW}, who saw the prediction.",
            f"Leave out --blind and --anchored: the {kind.name} of the file keep what it says.",
            code="bad_mapping",
        )


def lacking(kind: RowKind, columns: Columns, missing: str, found: Sequence[str]) -> RatchetError:
    """Return the error about a file without the required column `missing` (our name)."""
    theirs = columns.theirs.get(missing, missing)
    shown = ", ".join(repr(name[:60]) for name in found[:30]) or "none"
    free = [name for name in found if name not in kind.names and name not in columns.theirs.values()]
    hint = f"Name its column: --map {missing}={_guess(missing, free)}."
    if missing == SAW:
        hint = (
            "Say it of the whole file: --blind if no annotator saw the model's answer, --anchored if they did; or name"
            f" its column: --map {SAW}={_guess(missing, free)}."
        )
    known = {name.casefold() for name in kind.names}
    if set(found) >= LABEL_STUDIO:
        hint = "It is Label Studio's full JSON: ingest it with --from label-studio FILE."
    elif not any(name.strip().casefold() in known for name in found) and any(map(_is_value, found)):
        hint = f"Its first line is a row: export it with the names of its columns (in SQL: HEADER). {hint}"
    return RatchetError(
        f"the file has no column {theirs!r}, which {kind.name} needs (found: {shown}).",
        hint,
        code="missing_column",
        details={"missing": missing, "found": list(found)},
    )


def _is_value(name: str) -> bool:
    """Return True where a name of a column looks like a value: a time, a day, a number, a null or a whole sentence."""
    return ":" in name or bool(_VALUE.fullmatch(name.strip())) or len(name.split()) > _MOST_WORDS


def _guess(missing: str, free: list[str]) -> str:
    word = nearest(missing, free).removeprefix("Did you mean ").removesuffix("?").strip("'\"")
    return (word or (free[0] if len(free) == 1 else "theirs"))[:60]
