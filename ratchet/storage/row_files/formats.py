"""Names of the files that are taken, the form behind each, and the error of a file that cannot be read as a whole.

Add here another ending. What a file's first bytes say is `opening.py`; its rows are read by `ratchet/ingest/`.
"""

PARQUET, JSONL, CSV = ".parquet", ".jsonl", ".csv"
"""The three forms, each by the ending of its usual name."""
_FORMS = {PARQUET: PARQUET, JSONL: JSONL, ".ndjson": JSONL, ".json": JSONL, CSV: CSV, ".tsv": CSV}
GZIP = ".gz"
SUFFIXES = (*_FORMS, f"the same with {GZIP}")
"""Endings as a sentence lists them."""
MAX_LINE_BYTES = 1 << 24
MAX_COLUMNS = 1000
"""Columns of a table: SQL over many more takes minutes, or fails."""


class UnreadableError(Exception):
    """Raised for a file that cannot be read as a whole; the message is the reason."""


def form_of(name: str) -> str | None:
    """Return the form behind a file's name (`.parquet`, `.jsonl` or `.csv`), or None for another ending."""
    lower = name.lower()
    packed = lower.endswith(GZIP)
    plain = lower.removesuffix(GZIP)
    form = next((form for ending, form in _FORMS.items() if plain.endswith(ending)), None)
    return None if packed and form == PARQUET else form
