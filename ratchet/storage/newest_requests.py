"""Newest requests of a classifier, read from its warehouse without writing to it.

Add here another look that must not rebuild a damaged warehouse; stores are `warehouse.py`.
"""

from ratchet.storage.home import Home

_SQL = "SELECT text, label FROM production_logs WHERE classifier = ? ORDER BY ts DESC, request_id LIMIT 500"


def read_newest_requests(home: Home, name: str) -> list[tuple[str, str]]:
    """Return texts and served labels of the newest requests; none where the warehouse cannot be read just now."""
    if not home.warehouse(name).exists():
        return []
    import duckdb

    try:
        with duckdb.connect(str(home.warehouse(name)), read_only=True) as connection:
            return connection.execute(_SQL, [name]).fetchall()
    except duckdb.Error:
        return []
