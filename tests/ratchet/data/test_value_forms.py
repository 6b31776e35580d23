"""One row gives one value, however a program wrote it: times, numbers, true and false."""

from typing import Any

import duckdb
import pytest

from ratchet.data.value_forms import (
    DAY_FIRST,
    EXCEL_DAYS,
    LONG_FRACTION,
    MAIL_TIME,
    MICROSECONDS,
    MILLISECONDS,
    NAMED_ZONE,
    NANOSECONDS,
    NO_TIME,
    ODD_OFFSET,
    SECONDS,
    SLASHES,
    TIME_HINTS,
    ZONELESS,
    boolean_sql,
    instant_sql,
    number_sql,
    time_fault_sql,
)


@pytest.fixture(scope="module")
def connection() -> Any:
    """One DuckDB for all rows, in UTC."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def value(connection: duckdb.DuckDBPyConnection, sql: str, text: str) -> Any:
    """The value of `sql` for the column `t`, which holds `text`."""
    row = connection.execute(f"SELECT {sql} FROM (SELECT ? AS t)", [text]).fetchone()
    return row[0] if row else None


TIMES = {
    "2026-02-02T10:00:00Z": "2026-02-02 10:00:00",
    "2026-02-02T10:00:00.123456789+05:30": "2026-02-02 04:30:00.123456",
    "2026-02-02 10:00Z": "2026-02-02 10:00:00",
    "2026-02-02 10:00:00+00": "2026-02-02 10:00:00",  # Postgres, DuckDB
    "2026-02-02 10:00:00.5-07": "2026-02-02 17:00:00.5",
    "2026-02-02 10:00:00 UTC": "2026-02-02 10:00:00",  # BigQuery
    "2026-02-02 10:00:00.123456 UTC": "2026-02-02 10:00:00.123456",
    "2026-02-02T10:00:00UTC": "2026-02-02 10:00:00",
    "2026-02-02 10:00:00 GMT": "2026-02-02 10:00:00",
    "2026-02-02 10:00:00.000 +0000": "2026-02-02 10:00:00",  # Snowflake
    "2026-02-02 10:00:00.000 -0800": "2026-02-02 18:00:00",
    "2026-02-02 10:00:00 Z": "2026-02-02 10:00:00",
    "2026-02-02t10:00:00z": "2026-02-02 10:00:00",
    " 2026-02-02T10:00:00Z ": "2026-02-02 10:00:00",
    "2026-02-02T10:00:00,250Z": "2026-02-02 10:00:00.25",  # log4j
    "2026-02-02T10:00:00+01:00[Europe/Berlin]": "2026-02-02 09:00:00",  # Java
    "2026-06-30T23:59:60Z": "2026-07-01 00:00:00",
    "2016-12-31 23:59:60.5+00": "2017-01-01 00:00:00.5",
    "2016-02-29T10:00:00Z": "2016-02-29 10:00:00",
}


@pytest.mark.parametrize("text", TIMES)
def test_a_time_with_a_zone_is_an_instant(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    """RFC 3339, and the ways in which databases and languages vary it."""
    assert value(connection, f"({instant_sql('t')})::TIMESTAMP::VARCHAR", text) == TIMES[text]


FAULTS = {
    "2026-02-02T10:00:00": ZONELESS,
    "2026-02-02": ZONELESS,
    "2026-02-02T10:00:00 Europe/Berlin": NAMED_ZONE,
    "2026-02-02 10:00:00.5 EST": NAMED_ZONE,
    "20260202": NO_TIME,
    "20260202100000": NO_TIME,
    "nan": NO_TIME,
    "1.7724456e12": MILLISECONDS,
    "2 Mar 2026 10:00:00 +0000": MAIL_TIME,
    "02/Mar/2026:10:00:00 +0000": NO_TIME,
    "infinity": NO_TIME,
    "epoch": NO_TIME,
    "20260202T100000Z": NO_TIME,
    "2026-13-02T10:00:00Z": NO_TIME,
    "2026-02-02T25:00:00Z": NO_TIME,
    "2026-02-02T10:60Z": NO_TIME,
    "2026-02-02T10:60:00+00": NO_TIME,
    "02.03.2026 10:00": DAY_FIRST,
    "2.3.2026": DAY_FIRST,
    "02.03.2026 10:00:00": DAY_FIRST,
    "02/03/2026 10:00": SLASHES,
    "3/13/2026, 10:00:00 PM": SLASHES,
    "2026-02-02T10:00:00.1234567890Z": LONG_FRACTION,
    "2026-02-02T10:00:00.12345678901": LONG_FRACTION,
    "2026-02-02T10:00:00+05:30:15": ODD_OFFSET,
    "": NO_TIME,
    "1772445600": SECONDS,
    "1772445600.25": SECONDS,
    "1772445600000": MILLISECONDS,
    "1772445600000000": MICROSECONDS,
    "1772445600000000000": NANOSECONDS,
    "46083.4166667": EXCEL_DAYS,
    "Mon, 02 Mar 2026 10:00:00 +0000": MAIL_TIME,
    "Mon Mar 02 10:00:00 +0000 2026": MAIL_TIME,
}


@pytest.mark.parametrize("text", FAULTS)
def test_a_text_that_is_no_instant_is_refused_with_a_fix_for_it(
    connection: duckdb.DuckDBPyConnection, text: str
) -> None:
    """Nothing is guessed, neither a zone nor a unit; the hint fits what was written."""
    assert value(connection, instant_sql("t"), text) is None
    assert value(connection, time_fault_sql("t"), text) == FAULTS[text]
    hint = TIME_HINTS[FAULTS[text]]
    assert hint
    assert "mixed" not in hint or FAULTS[text] == MAIL_TIME  # it guesses the order of day and month


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0.87", 0.87), ("0,87", 0.87), (" 3 ", 3.0), ("-0,5", -0.5), ("1e-3", 0.001), ("12,5", 12.5),
        ("93%", None), ("1.234,5", None), ("1,234,5", None), ("", None), ("fast", None),
    ],
)  # fmt: skip
def test_a_number_may_have_a_decimal_comma(
    connection: duckdb.DuckDBPyConnection, text: str, number: float | None
) -> None:
    """As spreadsheets of half the world write it; separators of thousands are not guessed."""
    assert value(connection, number_sql("t"), text) == number


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("true", True), ("True", True), ("t", True), ("1", True), ("WAHR", True), ("VRAI", True), (" yes ", True),
        ("ja", True), ("FALSE", False), ("f", False), ("0", False), ("0.0", False), ("Falsch", False), ("no", False),
        ("maybe", None), ("2", None), ("", None),
    ],
)  # fmt: skip
def test_true_and_false_are_known_in_the_words_of_databases_and_spreadsheets(
    connection: duckdb.DuckDBPyConnection, text: str, truth: bool | None
) -> None:
    """Postgres writes t, Python True, MySQL 1, Excel the word of its language."""
    assert value(connection, boolean_sql("t"), text) is truth
