"""Writer of the pages of docs/reference/ that list interfaces: HTTP routes, metrics, tables, checks.

Run `python -m benchmarks.interface_pages` (`make reference`). Routes come from the OpenAPI document, metrics from the
gateway's registry, columns from a new warehouse, checks from the registry of gates. Add another list as a function
that returns its page, and a line in `PAGES`.
"""

import ast
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.settings_page import ROOT

_WRITTEN = "`make reference` writes this page from the code; a test fails when it is out of date."


def render_http() -> str:
    """Return the page of all routes."""
    from gateway.app import create_app
    from gateway.settings import Settings

    with tempfile.TemporaryDirectory() as folder:
        document = create_app(Settings.model_validate({"home": folder, "open": True})).openapi()
    lines = [
        "# HTTP", "",
        f"Every route of the gateway. {_WRITTEN} Bodies with bounds and examples stand in `/openapi.json`, which",
        "`/docs` shows; [the gateway](gateway.md) says how routes behave.", "",
        "| route | what it does | asks for | answers |", "|---|---|---|---|",
    ]  # fmt: skip
    for path, methods in document["paths"].items():
        for method, route in methods.items():
            asks = "a login or a key" if route.get("security") else "nothing"
            answers = ", ".join(sorted(map(str, route["responses"])))
            lines.append(f"| `{method.upper()} {path}` | {route.get('summary', '')} | {asks} | {answers} |")
    return "\n".join(lines) + "\n"


def render_metrics() -> str:
    """Return the page of all metrics."""
    from gateway.observability.metrics import Metrics

    lines = [
        "# Metrics", "",
        f"Every metric at `/metrics` of the gateway. {_WRITTEN} [Prometheus and Grafana](../how-to/monitoring.md) says",
        "what to watch.", "", "| metric | kind | meaning |", "|---|---|---|",
    ]  # fmt: skip
    for family in sorted(Metrics().registry.collect(), key=lambda family: family.name):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        lines.append(f"| `{name}` | {family.type} | {family.documentation} |")
    return "\n".join(lines) + "\n"


def render_tables() -> str:
    """Return the page of all tables of a warehouse."""
    from ratchet.storage.warehouse import CYCLE_TABLES, Warehouse

    with tempfile.TemporaryDirectory() as folder, Warehouse(Path(folder) / "warehouse.duckdb").connect() as connection:
        rows = connection.execute(
            "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns"
            " WHERE table_schema = 'main' ORDER BY table_name, ordinal_position"
        ).fetchall()
    lines = [
        "# Tables", "",
        f"Every table and view of `warehouse.duckdb` in a classifier's folder. {_WRITTEN} Rows of cycles"
        f" ({', '.join(f'`{table}`' for table in CYCLE_TABLES)}) are stored as Parquet of the same columns, too, from"
        " which a warehouse is restored.",
    ]  # fmt: skip
    last = ""
    for table, column, kind, nullable in rows:
        if table != last:
            lines += ["", f"## {table}", "", "| column | type | may be empty |", "|---|---|---|"]
        last = table
        lines.append(f"| `{column}` | {kind} | {nullable.lower()} |")
    return "\n".join(lines) + "\n"


def render_checks() -> str:
    """Return the page of all gates, each with its own heading."""
    from ratchet.gates.registry import REGISTRY

    lines = [
        "# Checks", "",
        f"Every gate in the order of a cycle. {_WRITTEN} [The gates](../explanation/gates.md) says how often each is"
        " wrong, [the weekly cycle](../explanation/weekly_cycle.md) why it is there.",
    ]  # fmt: skip
    for gate in REGISTRY:
        reads = ", ".join(f"`{setting}`" for setting in gate.reads)
        lines += ["", f"## {gate.name}", "", _docstring(gate.name), "",
                  f"Runs after `{gate.stage}` and judges {_JUDGES[gate.judges]}. Settings: {reads}."]  # fmt: skip
    return "\n".join(lines) + "\n"


_JUDGES = {
    "rows": "rows of the week",
    "examples": "the training set",
    "plan": "the plan of a training",
    "files": "the adapter's files",
    "answers": "answers of candidate and live",
    "audit": "the audit in which the other gates were attacked",
}


def _docstring(name: str) -> str:
    tree = ast.parse((ROOT / "checks" / f"{name}.py").read_text(encoding="utf-8"))
    (check,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name)
    return " ".join((ast.get_docstring(check) or "").split())


PAGES: dict[str, Callable[[], str]] = {
    "docs/reference/http.md": render_http,
    "docs/reference/metrics.md": render_metrics,
    "docs/reference/tables.md": render_tables,
    "docs/reference/checks.md": render_checks,
}


def main() -> int:
    """Write the pages."""
    for page, render in PAGES.items():
        text = render()
        (ROOT / page).write_text(text, encoding="utf-8")
        print(f"{page}: {text.count(chr(10))} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main())
