"""SQL over the rows of a JSON file that is not lines: one list, or objects one after the other.

Add here another layout that DuckDB reads; `opening.py` finds which one a file has.
"""

from pathlib import Path

from ratchet.core.sql import literal
from ratchet.storage.row_files.formats import MAX_LINE_BYTES

_MOST_ROW_BYTES = 4 * MAX_LINE_BYTES


def documents_sql(path: Path, layout: str) -> str:
    """Return a FROM clause whose rows are the rows of the file in their order, each as text in `raw`."""
    return (
        f"(SELECT json::VARCHAR AS raw FROM read_json({literal(str(path))}, format={literal(layout)}, records='false',"
        f" columns={{'json': 'JSON'}}, maximum_object_size={_MOST_ROW_BYTES}))"
    )
