"""Values as other programs write them, in one form: times, numbers, true and false, as SQL over their text.

CSV, JSONL and Parquet all come through here, so that what one format takes the others take. Add here another way in
which a program writes a value; what a value must be is `row_rules.py`.
"""

_TIME = (
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?"
    r" ?(Z|z|UTC|GMT|utc|gmt|[+-]\d\d(:?\d\d)?)(\[[A-Za-z0-9_/+-]{1,64}\])?"
)
"""RFC 3339 as warehouses vary it: `+00` and `-07` (Postgres, DuckDB), ` UTC` (BigQuery), ` +0000` (Snowflake), a zone
in brackets behind the offset (Java), a comma before the fraction (log4j)."""
_USUAL = "({0})[11] = 'T' AND ends_with({0}, 'Z') AND strlen({0}) BETWEEN 20 AND 30"
_TRUE = ("true", "t", "yes", "y", "1", "1.0", "wahr", "vrai", "verdadero", "vero", "ja", "oui")
_FALSE = ("false", "f", "no", "n", "0", "0.0", "falsch", "faux", "falso", "nein", "non")

MILLISECONDS, MICROSECONDS, NANOSECONDS = (
    f"ts is a number of {unit} since 1970" for unit in ("milliseconds", "microseconds", "nanoseconds")
)
SECONDS = "ts is a number of seconds since 1970"
EXCEL_DAYS = "ts is a number of days, as Excel counts them"
MAIL_TIME = "ts is written as in mails (RFC 2822), not as RFC 3339"
ZONELESS = "ts has no time zone"
NAMED_ZONE = "ts names its zone without the offset"
DAY_FIRST = "ts is written as day.month.year, without a time zone"
SLASHES = "ts is written with slashes, which do not say whether the day or the month comes first"
LONG_FRACTION = "ts has more than nine digits behind the second"
ODD_OFFSET = "ts has an offset with seconds"
NO_TIME = "ts is not an RFC 3339 time"
_NUMBERS = (
    (1e8, 5e9, SECONDS), (1e11, 5e12, MILLISECONDS), (1e14, 5e15, MICROSECONDS), (1e17, 5e18, NANOSECONDS),
    (20_000, 80_000, EXCEL_DAYS),
)  # fmt: skip
"""Counts behind a number, by its size: the years 1973 to 2128, of Excel's days 1954 to 2119."""
_MAIL = "^((Mon|Tue|Wed|Thu|Fri|Sat|Sun),? |[0-9]{1,2} [A-Z][a-z]{2} [0-9]{4} )"
_NAMED = "[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9:.,]+ ?[A-Za-z]+[A-Za-z_/+-]+[0-9]*"
_SHAPES = (
    ("[0-9]{1,2}[.] ?[0-9]{1,2}[.] ?[0-9]{4}([ ,T].*)?", DAY_FIRST),
    ("[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}([ ,T].*)?", SLASHES),
    (".*:[0-9]{2}[.,][0-9]{10,}.*", LONG_FRACTION),
    (".*[0-9] ?[+-][0-9]{2}:[0-9]{2}:[0-9]{2}", ODD_OFFSET),
)
"""Ways to write a time that name themselves, whatever else is wrong with it."""
_EPOCHS = {"s": SECONDS, "ms": MILLISECONDS, "us": MICROSECONDS, "ns": NANOSECONDS}
TIME_HINTS = {
    **{
        reason: f"Write it as 2026-02-23T10:00:00Z; in pandas: pd.to_datetime(frame.ts, unit='{unit}', utc=True)."
        for unit, reason in _EPOCHS.items()
    },
    MILLISECONDS: (
        "Write it as 2026-02-23T10:00:00Z: frame.to_json(..., date_format='iso') in pandas, or"
        " pd.to_datetime(frame.ts, unit='ms', utc=True)."
    ),
    EXCEL_DAYS: 'Format the column as yyyy-mm-dd"T"hh:mm:ss"Z" (times in UTC) before you save the sheet as CSV.',
    MAIL_TIME: (
        "Write it as 2026-02-23T10:00:00Z; in pandas: pd.to_datetime(frame.ts, format='mixed', utc=True); in Python:"
        " email.utils.parsedate_to_datetime."
    ),
    ZONELESS: "Write its time zone, as 2026-02-23T10:00:00Z or +01:00; in pandas: frame.ts.dt.tz_localize('UTC').",
    NAMED_ZONE: "Write the offset, as +01:00; in pandas: frame.ts.dt.tz_localize('Europe/Berlin').",
    DAY_FIRST: (
        "Write it as 2026-02-23T10:00:00Z or +01:00; in pandas: pd.to_datetime(frame.ts,"
        " format='%d.%m.%Y %H:%M').dt.tz_localize('Europe/Berlin'), with your own zone."
    ),
    SLASHES: (
        "Write it as 2026-02-23T10:00:00Z or +01:00; in pandas: pd.to_datetime(frame.ts,"
        " format='%d/%m/%Y %H:%M').dt.tz_localize('Europe/London') where the day comes first, else"
        " format='%m/%d/%Y %H:%M' and your own zone."
    ),
    LONG_FRACTION: "Write at most nine digits, as 2026-02-23T10:00:00.123456789Z.",
    ODD_OFFSET: "Write the time in UTC, as 2026-02-23T10:00:00Z: an offset has hours and minutes.",
    NO_TIME: (
        "Write it as 2026-02-23T10:00:00Z; in pandas with the format that your times have and your own zone:"
        " pd.to_datetime(frame.ts, format='%Y%m%d %H:%M').dt.tz_localize('UTC')."
    ),
}
"""Hints for a time that is refused, by the reason."""


def instant_sql(text: str) -> str:
    """Return SQL for the instant written in `text` (a time with a zone), else NULL; nothing is guessed.

    A leap second is the second after it, as clocks count.
    """
    plain = f"regexp_replace(replace(trim({text}), ',', '.'), '\\[.*$', '')"
    zoned = f"regexp_replace(regexp_replace(upper({plain}), ' ?(UTC|GMT|Z)$', 'Z'), ' ([+-][0-9:]+)$', '\\1')"
    moved = f"regexp_replace({zoned}, '(:[0-5][0-9]):60([.Z+-])', '\\1:59\\2')"
    odd = f"TRY_CAST({moved} AS TIMESTAMPTZ) + to_seconds(({zoned} <> {moved})::INT)"
    return (
        f"coalesce(CASE WHEN {_USUAL.format(text)} THEN TRY_CAST({text} AS TIMESTAMPTZ) END,"
        f" CASE WHEN regexp_full_match(trim({text}), '{_TIME}') THEN {odd} END)"
    )


def time_fault_sql(text: str) -> str:
    """Return SQL for the reason why `text`, which is not an instant, is refused."""
    number = f"TRY_CAST({text} AS DOUBLE)"
    rules = [(f"{number} BETWEEN {first} AND {last}", reason) for first, last, reason in _NUMBERS]
    rules += [
        (f"regexp_matches({text}, '{_MAIL}')", MAIL_TIME),
        (f"regexp_full_match(trim({text}), '{_NAMED}')", NAMED_ZONE),
        *((f"regexp_full_match(trim({text}), '{shape}')", reason) for shape, reason in _SHAPES),
        (f"TRY_CAST({text} AS TIMESTAMP) IS NOT NULL AND regexp_matches({text}, '^ *[0-9]')", ZONELESS),
    ]
    return "CASE " + " ".join(f"WHEN {when} THEN '{reason}'" for when, reason in rules) + f" ELSE '{NO_TIME}' END"


def number_sql(text: str) -> str:
    """Return SQL for the number written in `text`, with a decimal point or a decimal comma; else NULL."""
    comma = f"regexp_full_match(trim({text}), '[+-]?[0-9]+,[0-9]+([eE][+-]?[0-9]+)?')"
    return (
        f"coalesce(TRY_CAST(trim({text}) AS DOUBLE),"
        f" CASE WHEN {comma} THEN TRY_CAST(replace(trim({text}), ',', '.') AS DOUBLE) END)"
    )


def boolean_sql(text: str) -> str:
    """Return SQL for the truth written in `text`, in any case, by databases or by a spreadsheet; else NULL."""
    word = f"lower(trim({text}))"
    return f"CASE WHEN {word} IN {_TRUE} THEN true WHEN {word} IN {_FALSE} THEN false END"
