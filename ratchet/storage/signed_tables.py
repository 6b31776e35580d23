"""Tables of the warehouse that follow signed files: who is suspended, and what a label of before means now.

Whoever reads labels reads them by these, from the next connection on; rows stay as they came. Add here another signed
file that decides how rows are read; the views are in `migrations.py`.
"""

from collections.abc import Sequence

import duckdb

from ratchet.data.label_rules import LabelImage

_IMAGES = "SELECT name, since, until, label, parts, ended_at FROM label_images WHERE classifier = ?"


def note_suspended(connection: duckdb.DuckDBPyConnection, classifier: str, names: frozenset[str]) -> None:
    """Bring the table `suspended` up to date."""
    known = connection.execute("SELECT name FROM suspended WHERE classifier = ?", [classifier]).fetchall()
    if {name for (name,) in known} == names:
        return
    connection.execute("BEGIN")
    connection.execute("DELETE FROM suspended WHERE classifier = ?", [classifier])
    for name in sorted(names):
        connection.execute("INSERT INTO suspended VALUES (?, ?)", [classifier, name])
    connection.execute("COMMIT")


def note_images(connection: duckdb.DuckDBPyConnection, classifier: str, images: Sequence[LabelImage]) -> None:
    """Bring the table `label_images` up to date."""
    wanted = [
        (each.name, each.since, each.until, each.reading.label, list(each.reading.parts), each.reading.ended_at)
        for each in images
    ]
    known = connection.execute(f"{_IMAGES} ORDER BY rowid", [classifier]).fetchall()
    if known == wanted:
        return
    connection.execute("BEGIN")
    connection.execute("DELETE FROM label_images WHERE classifier = ?", [classifier])
    for row in wanted:
        connection.execute("INSERT INTO label_images VALUES (?, ?, ?, ?, ?, ?, ?)", [classifier, *row])
    connection.execute("COMMIT")
