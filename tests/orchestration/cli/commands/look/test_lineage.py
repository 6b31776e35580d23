"""`ratchet lineage` prints one event a line, or writes them into a file."""

import json
from datetime import date
from pathlib import Path
from typing import Any

from ratchet.storage.home import Home
from ratchet.testing.year_of_weeks import write_year


def test_events_are_lines_of_json_on_standard_output_and_in_a_file(call: Any, tmp_path: Path) -> None:
    """The same lines; `--json` is one document."""
    write_year(Home(tmp_path), weeks=3, labels=3, first=date(2026, 1, 5))
    shown = call("--home", tmp_path, "lineage", "small", "--namespace", "team")
    events = [json.loads(line) for line in shown.out.splitlines()]
    assert (shown.code, len(events), events[0]["job"]["namespace"]) == (0, 6, "team")
    path = tmp_path / "events.jsonl"
    written = call("--home", tmp_path, "lineage", "small", "--namespace", "team", "--output", path)
    assert (written.code, written.out) == (0, "")
    assert path.read_text() == shown.out
    assert len(json.loads(call("--home", tmp_path, "lineage", "small", "--json").out)["events"]) == 6
    assert call("--home", tmp_path, "lineage", "small", "--since", "2027-01-01").out == ""
