"""Row expectations: properties of a week's logs and corrections that Great Expectations checks.

Add an expectation here. Rows that break a rule on their own are rejected earlier (`ratchet/data/row_rules.py`); these
check the table as a whole, and that no such row was let through.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ratchet.config.spec import Spec
from ratchet.core.cycle import Cycle
from ratchet.core.digests import digest_bytes
from ratchet.core.verdict import Verdict

LOGS_SQL = """
SELECT request_id, epoch(ts) AS ts, text, length(text) AS chars, label, confidence, epoch(week) AS week,
       coalesce(json_extract_string(extra, '$.path'), '') AS path
FROM production_logs WHERE classifier = $classifier AND week = $week ORDER BY request_id
"""
CORRECTIONS_SQL = """
SELECT concat_ws(' ', request_id, annotator, ts) AS key, request_id, label, annotator, saw_prediction
FROM votes WHERE classifier = $classifier AND week = $week ORDER BY key
"""
EXAMPLES_SQL = """
SELECT text, length(text) AS chars, label FROM labelled_examples WHERE classifier = $classifier ORDER BY text
"""


def expect_logs(cycle: Cycle, spec: Spec, logs: pd.DataFrame, labels: Sequence[str] = ()) -> list[Any]:
    """Return the expectations on `logs`, which has the columns of `LOGS_SQL`.

    `labels` are those that rows may have, former ones included; by default those of `spec`.

    A classifier may give no confidence at all; one that gives it for some requests must give it for most of those that
    the edge path, which has none to give, did not answer.
    """
    import great_expectations.expectations as gxe

    edge = float(((logs["path"] == "edge") & logs["confidence"].isna()).mean()) if len(logs) else 0.0
    # The expectation counts all rows, so the share of the edge path is taken off what it demands.
    most = (1 - edge) * (1 - spec.limits.max_null_share)
    hint = (
        f"more than limits.max_null_share = {spec.limits.max_null_share:g} of classifier.toml allows; "
        "raise it, to 1.0 if any request may lack one"
    )
    share = [gxe.ExpectColumnValuesToNotBeNull(column="confidence", mostly=most, meta={"hint": hint})]
    return [
        gxe.ExpectTableRowCountToBeBetween(min_value=1),
        gxe.ExpectColumnValuesToBeUnique(column="request_id"),
        gxe.ExpectColumnValuesToNotBeNull(column="text"),
        gxe.ExpectColumnValuesToBeOfType(column="text", type_="str"),
        gxe.ExpectColumnValuesToBeBetween(column="chars", min_value=1, max_value=spec.max_text_chars),
        gxe.ExpectColumnValuesToBeInSet(column="label", value_set=list(labels or spec.labels)),
        gxe.ExpectColumnValuesToBeBetween(column="confidence", min_value=0, max_value=1),
        *(share if logs["confidence"].notna().any() else []),
        gxe.ExpectColumnValuesToBeBetween(
            column="ts", min_value=cycle.start.timestamp(), max_value=cycle.end.timestamp(), strict_max=True
        ),
    ]


def expect_corrections(labels: Sequence[str]) -> list[Any]:
    """Return the expectations on the columns of `CORRECTIONS_SQL`; a correction without a label has an answer."""
    import great_expectations.expectations as gxe

    return [
        gxe.ExpectTableRowCountToBeBetween(min_value=1),
        gxe.ExpectColumnValuesToBeUnique(column="key"),
        gxe.ExpectColumnValuesToBeInSet(column="label", value_set=list(labels)),
        gxe.ExpectColumnValuesToNotBeNull(column="annotator"),
        gxe.ExpectColumnValuesToNotBeNull(column="saw_prediction"),
    ]


def expect_examples(spec: Spec, labels: Sequence[str]) -> list[Any]:
    """Return the expectations on the columns of `EXAMPLES_SQL`."""
    import great_expectations.expectations as gxe

    return [
        gxe.ExpectTableRowCountToBeBetween(min_value=1),
        gxe.ExpectColumnValuesToBeUnique(column="text"),
        gxe.ExpectColumnValuesToBeBetween(column="chars", min_value=1, max_value=spec.max_text_chars),
        gxe.ExpectColumnValuesToBeInSet(column="label", value_set=list(labels)),
    ]


def digest_tables(*tables: pd.DataFrame) -> str:
    """Return the SHA-256 of the rows, in the given order, which a receipt binds."""
    return digest_bytes("\0".join(table.to_csv(index=False) for table in tables).encode())


def validate(tables: Mapping[str, tuple[pd.DataFrame, Sequence[Any]]]) -> list[dict[str, Any]]:
    """Run each table's expectations and return a row for each: table, expectation, column, success, found.

    Raises RuntimeError when an expectation crashed: a broken check gives no information about the data.
    """
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    source = context.data_sources.add_pandas("rows")
    rows = []
    for table, (frame, expectations) in tables.items():
        batch = (
            source.add_dataframe_asset(table)
            .add_batch_definition_whole_dataframe("all")
            .get_batch({"dataframe": frame})
        )
        validated = batch.validate(gx.ExpectationSuite(table, expectations=list(expectations)))
        for found in validated.to_json_dict()["results"]:
            # An expectation that crashed also has success = false, which would blame the data.
            crashed = [e for e in _exceptions(found["exception_info"]) if e.get("raised_exception")]
            name = found["expectation_config"]["type"]
            column = found["expectation_config"]["kwargs"].get("column", "")
            if crashed:
                raise RuntimeError(f"expectation {name} on {table}.{column} crashed: {crashed[0]['exception_message']}")
            rows.append(
                {
                    "table": table,
                    "expectation": name,
                    "column": column,
                    "success": bool(found["success"]),
                    "found": _describe(found["result"], found["expectation_config"].get("meta") or {}),
                }
            )
    return rows


def decide_row_quality(rows: Sequence[Mapping[str, Any]]) -> Verdict:
    """Decide whether every expectation holds; otherwise name each broken one with what was found."""
    return _decide(len(rows), [dict(row) for row in rows if not row["success"]])


def decide_from_evidence(evidence: Mapping[str, Any]) -> Verdict:
    """Verdict that follows from the evidence of a receipt; KeyError where it lacks something."""
    return _decide(evidence["expectations"], evidence["broken"])


def _decide(n: int, broken: Sequence[Mapping[str, Any]]) -> Verdict:
    evidence = {"expectations": n, "broken": broken}
    if not broken:
        return Verdict("passed", f"Passes: all {n} expectations hold.", evidence)
    named = "; ".join(
        f"{row['table']}.{row['column'] or 'rows'} {row['expectation']}: {row['found']}" for row in broken
    )
    return Verdict("failed", f"Fails: {len(broken)} of {n} expectations are broken: {named}.", evidence)


def _exceptions(info: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Records of exceptions: Great Expectations gives one, or one for each metric."""
    return [info] if "raised_exception" in info else [value for value in info.values() if isinstance(value, Mapping)]


def _describe(result: Mapping[str, Any], meta: Mapping[str, Any]) -> str:
    if "observed_value" in result:
        return f"observed {result['observed_value']}"
    few = list(dict.fromkeys(str(value)[:40] for value in result.get("partial_unexpected_list", [])))[:3]
    such = f", such as {', '.join(few)}" if few else ""
    hint = f", {meta['hint']}" if "hint" in meta else ""
    return f"{result.get('unexpected_count', 0)} of {result.get('element_count', 0)} unexpected{such}{hint}"
