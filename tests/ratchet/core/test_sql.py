"""Quoting: what users wrote stays a word."""

import duckdb
import pytest

from ratchet.core.sql import literal, quoted


@pytest.mark.parametrize("word", ["plain", "it's", 'say "x"', "';--", "", "new\nline"])
def test_words_become_sql_without_becoming_code(word: str) -> None:
    """Quotes in a value or a name stay quotes."""
    with duckdb.connect() as connection:
        assert connection.execute(f"SELECT {literal(word)}").fetchone() == (word,)
        if word:
            found = connection.execute(f"SELECT 1 AS {quoted(word)}").description
            assert found[0][0] == word
