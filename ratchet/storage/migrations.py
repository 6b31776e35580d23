"""The tables of the warehouse, as numbered migrations that only ever grow.

Add a migration at the end of `MIGRATIONS` to change a table; never edit one that has been released. Tables are filled
by the assets.
"""

import duckdb

from ratchet.core.errors import RatchetError

_TABLES = """
CREATE TABLE production_logs (
    classifier VARCHAR NOT NULL, request_id VARCHAR NOT NULL, ts TIMESTAMPTZ NOT NULL, text VARCHAR NOT NULL,
    label VARCHAR NOT NULL, confidence DOUBLE, adapter VARCHAR, latency_ms DOUBLE, extra VARCHAR, week DATE NOT NULL);
CREATE TABLE corrections (
    classifier VARCHAR NOT NULL, request_id VARCHAR NOT NULL, ts TIMESTAMPTZ NOT NULL, label VARCHAR NOT NULL,
    annotator VARCHAR NOT NULL, saw_prediction BOOLEAN NOT NULL, extra VARCHAR, week DATE NOT NULL);
CREATE TABLE ingested_files (
    classifier VARCHAR NOT NULL, kind VARCHAR NOT NULL, file VARCHAR NOT NULL, sha256 VARCHAR NOT NULL,
    accepted BIGINT NOT NULL, duplicate BIGINT NOT NULL, rejected BIGINT NOT NULL, retry BOOLEAN NOT NULL);
CREATE TABLE labels (
    classifier VARCHAR NOT NULL, week DATE NOT NULL, request_id VARCHAR NOT NULL, label VARCHAR, status VARCHAR NOT
    NULL,
    annotators INTEGER NOT NULL, votes INTEGER NOT NULL, agreement DOUBLE, blind BOOLEAN NOT NULL);
CREATE TABLE examples (
    classifier VARCHAR NOT NULL, week DATE NOT NULL, split VARCHAR NOT NULL, request_id VARCHAR NOT NULL, ts
    TIMESTAMPTZ NOT NULL,
    text VARCHAR NOT NULL, label VARCHAR NOT NULL, blind BOOLEAN NOT NULL);
CREATE TABLE dropped (
    classifier VARCHAR NOT NULL, week DATE NOT NULL, request_id VARCHAR NOT NULL, ts TIMESTAMPTZ,
    reason VARCHAR NOT NULL, detail VARCHAR);
CREATE TABLE predictions (
    classifier VARCHAR NOT NULL, week DATE NOT NULL, model VARCHAR NOT NULL, adapter VARCHAR, split VARCHAR NOT NULL,
    item VARCHAR NOT NULL, text VARCHAR NOT NULL, label VARCHAR NOT NULL, predicted VARCHAR NOT NULL,
    confidence DOUBLE, probabilities DOUBLE[]);
"""

_VOTES = """
CREATE TABLE votes (
    classifier VARCHAR NOT NULL, week DATE NOT NULL, request_id VARCHAR NOT NULL, annotator VARCHAR NOT NULL,
    ts TIMESTAMPTZ NOT NULL, label VARCHAR, saw_prediction BOOLEAN NOT NULL);
"""

_PEOPLE_AND_WAITING = """
ALTER TABLE corrections ADD COLUMN arrived BIGINT;
CREATE TABLE people (classifier VARCHAR NOT NULL, name VARCHAR NOT NULL, person VARCHAR NOT NULL);
CREATE TABLE waiting (
    classifier VARCHAR NOT NULL, kind VARCHAR NOT NULL, file VARCHAR NOT NULL, sha256 VARCHAR NOT NULL,
    request_id VARCHAR NOT NULL, reason VARCHAR NOT NULL, due TIMESTAMPTZ, since TIMESTAMPTZ NOT NULL);
CREATE TABLE refused (
    classifier VARCHAR NOT NULL, kind VARCHAR NOT NULL, file VARCHAR NOT NULL, sha256 VARCHAR NOT NULL,
    reason VARCHAR NOT NULL, rows BIGINT NOT NULL);
CREATE VIEW attributed_corrections AS
    SELECT c.*, coalesce(p.person, c.annotator) AS person
    FROM corrections c LEFT JOIN people p ON p.classifier = c.classifier AND p.name = c.annotator
    WHERE p.person IS NOT NULL OR c.classifier NOT IN (SELECT classifier FROM people);
"""
# `arrived` orders corrections as they were journalled or landed; rows of before, older than all others, have NULL.

_NULLED = """
CREATE TABLE nulled (
    classifier VARCHAR NOT NULL, kind VARCHAR NOT NULL, file VARCHAR NOT NULL, sha256 VARCHAR NOT NULL,
    reason VARCHAR NOT NULL, rows BIGINT NOT NULL);
"""

_BOILERPLATE = """
CREATE TABLE boilerplate (
    classifier VARCHAR NOT NULL, week DATE NOT NULL, gram UBIGINT NOT NULL, texts BIGINT NOT NULL);
"""

_ANSWERS = """
DROP VIEW attributed_corrections;
ALTER TABLE corrections ADD COLUMN answer VARCHAR;
ALTER TABLE corrections ALTER COLUMN label DROP NOT NULL;
CREATE VIEW attributed_corrections AS
    SELECT c.*, coalesce(p.person, c.annotator) AS person
    FROM corrections c LEFT JOIN people p ON p.classifier = c.classifier AND p.name = c.annotator
    WHERE p.person IS NOT NULL OR c.classifier NOT IN (SELECT classifier FROM people);
"""
# `answer` (none, cannot_tell, withdrawn) stands in a correction without a label.

_LABEL_FORM = """
UPDATE production_logs SET label = nfc_normalize(label) WHERE label <> nfc_normalize(label);
UPDATE corrections SET label = nfc_normalize(label) WHERE label <> nfc_normalize(label);
"""
# Rows of before may hold a label in another Unicode form. Tables of cycles stay as their receipts name them.

_REVIEW = """
DROP VIEW attributed_corrections;
ALTER TABLE corrections ADD COLUMN chosen VARCHAR;
ALTER TABLE corrections ADD COLUMN batch VARCHAR;
ALTER TABLE corrections ADD COLUMN seconds DOUBLE;
ALTER TABLE corrections ADD COLUMN note VARCHAR;
CREATE VIEW attributed_corrections AS
    SELECT c.*, coalesce(p.person, c.annotator) AS person
    FROM corrections c LEFT JOIN people p ON p.classifier = c.classifier AND p.name = c.annotator
    WHERE (p.person IS NOT NULL OR c.classifier NOT IN (SELECT classifier FROM people))
      AND c.chosen IS DISTINCT FROM 'check';
"""
# An agreed request that the review queue asks again (`chosen` is check) measures the person who answers, nothing else.

_SUSPENDED = """
CREATE TABLE suspended (classifier VARCHAR NOT NULL, name VARCHAR NOT NULL);
CREATE VIEW person_corrections AS
    SELECT c.*, coalesce(p.person, c.annotator) AS person,
           (s.person IS NOT NULL OR c.classifier IN (SELECT classifier FROM suspended WHERE name = '')) AS suspended
    FROM corrections c LEFT JOIN people p ON p.classifier = c.classifier AND p.name = c.annotator
    LEFT JOIN (SELECT DISTINCT s.classifier, coalesce(q.person, s.name) AS person
               FROM suspended s LEFT JOIN people q ON q.classifier = s.classifier AND q.name = s.name) s
        ON s.classifier = c.classifier AND s.person = coalesce(p.person, c.annotator)
    WHERE p.person IS NOT NULL OR c.classifier NOT IN (SELECT classifier FROM people);
DROP VIEW attributed_corrections;
CREATE VIEW attributed_corrections AS
    SELECT * EXCLUDE (suspended) FROM person_corrections WHERE NOT suspended AND chosen IS DISTINCT FROM 'check';
"""
# `suspended` holds the names of review/suspensions.jsonl; an empty one stands for everybody.

_LABELLED_EXAMPLES = """
CREATE TABLE labelled_examples (
    classifier VARCHAR NOT NULL, text VARCHAR NOT NULL, label VARCHAR NOT NULL, ts TIMESTAMPTZ NOT NULL,
    extra VARCHAR, week DATE NOT NULL);
ALTER TABLE examples ADD COLUMN origin VARCHAR;
"""
# `week` is the one in which an example arrived. `origin` is request or example; NULL in rows of before: request.

_DRAWN = """
ALTER TABLE votes ADD COLUMN answer VARCHAR;
ALTER TABLE votes ADD COLUMN chosen VARCHAR;
ALTER TABLE votes ADD COLUMN drawn BOOLEAN;
ALTER TABLE votes ADD COLUMN adjudicates VARCHAR;
ALTER TABLE labels ADD COLUMN drawn BOOLEAN;
ALTER TABLE labels ADD COLUMN adjudicated VARCHAR;
ALTER TABLE examples ADD COLUMN drawn BOOLEAN;
CREATE TABLE left_out (
    classifier VARCHAR NOT NULL, week DATE NOT NULL, annotator VARCHAR NOT NULL, "right" BIGINT NOT NULL,
    measured BIGINT NOT NULL);
"""
# `drawn` says that the request judges: rows of before, with NULL, all do. `left_out` holds annotators whose labels of a
# week do not count, with the decided requests on which they were measured.

_LABEL_RULES = """
CREATE TABLE label_images (
    classifier VARCHAR NOT NULL, name VARCHAR NOT NULL, since TIMESTAMPTZ, until TIMESTAMPTZ, label VARCHAR NOT NULL,
    parts VARCHAR[] NOT NULL, ended_at TIMESTAMPTZ);
CREATE VIEW read_logs AS
    SELECT p.* REPLACE (coalesce(i.label, p.label) AS label), i.parts
    FROM production_logs p LEFT JOIN label_images i ON i.classifier = p.classifier AND i.name = p.label
        AND (i.since IS NULL OR p.ts >= i.since) AND (i.until IS NULL OR p.ts < i.until);
CREATE VIEW read_examples AS
    SELECT e.* REPLACE (coalesce(i.label, e.label) AS label)
    FROM labelled_examples e LEFT JOIN label_images i ON i.classifier = e.classifier AND i.name = e.label
        AND (i.since IS NULL OR e.ts >= i.since) AND (i.until IS NULL OR e.ts < i.until);
DROP VIEW attributed_corrections;
CREATE VIEW read_person_corrections AS
    SELECT c.* REPLACE (coalesce(i.label, c.label) AS label), i.ended_at
    FROM person_corrections c LEFT JOIN label_images i ON i.classifier = c.classifier AND i.name = c.label
        AND (i.since IS NULL OR c.ts >= i.since) AND (i.until IS NULL OR c.ts < i.until);
CREATE VIEW read_corrections AS
    SELECT * EXCLUDE (suspended) FROM read_person_corrections
    WHERE NOT suspended AND chosen IS DISTINCT FROM 'check';
CREATE VIEW attributed_corrections AS
    SELECT r.* FROM read_corrections r LEFT JOIN (
        SELECT classifier, request_id, max(ts) AS answered FROM read_corrections
        WHERE ended_at IS NULL AND label IS NOT NULL AND ts >= (SELECT min(ended_at) FROM label_images) GROUP BY ALL
    ) n ON n.classifier = r.classifier AND n.request_id = r.request_id
    WHERE r.ended_at IS NULL OR n.answered IS NULL OR n.answered < r.ended_at;
"""
# `label_images` says what review/label_rules.jsonl makes of a label, by the time of its row. A label that was split
# counts as one that classifier.toml does not list, until somebody answers the request again.

_SKETCHES = """
CREATE TABLE text_sketches (classifier VARCHAR NOT NULL, request_id VARCHAR NOT NULL, bands UINTEGER[] NOT NULL);
"""
# Sketches of compared texts, by which near-duplicates are found; what is missing is made anew.

MIGRATIONS: tuple[str, ...] = (
    _TABLES,
    _VOTES,
    _PEOPLE_AND_WAITING,
    _NULLED,
    _BOILERPLATE,
    _ANSWERS,
    _LABEL_FORM,
    _REVIEW,
    _SUSPENDED,
    _LABELLED_EXAMPLES,
    _DRAWN,
    _LABEL_RULES,
    _SKETCHES,
)
"""Migration n brings schema n to n + 1; a new file starts at schema 0."""


def migrate(connection: duckdb.DuckDBPyConnection, migrations: tuple[str, ...] = MIGRATIONS) -> None:
    """Bring the open warehouse to the newest schema, each migration in its own transaction.

    Raises `RatchetError` when the file was written by a newer version than this one.
    """
    connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)")
    rows = connection.execute("SELECT coalesce(max(version), 0) FROM schema_version").fetchall()
    current = int(rows[0][0])
    if current > len(migrations):
        raise RatchetError(
            f"the warehouse has schema {current}, but this version knows only up to {len(migrations)}.",
            "Install the version that wrote it, or move warehouse.duckdb away: it is rebuilt from the landed files.",
            code="newer_warehouse",
        )
    for version, statements in enumerate(migrations[current:], start=current + 1):
        connection.execute("BEGIN")
        try:
            connection.execute(statements)
            connection.execute("INSERT INTO schema_version VALUES (?)", [version])
            connection.execute("COMMIT")
        except duckdb.Error:
            connection.execute("ROLLBACK")
            raise
