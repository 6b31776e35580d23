"""Writer of the page of all settings of `<home>/settings.toml`, from the dataclasses' docstrings.

Run `python -m benchmarks.home_settings_page` (`make settings-page`). A new setting of
`ratchet.config.home_settings.HomeSettings` is found automatically.
"""

import sys
from collections.abc import Iterator

from benchmarks.settings_page import ROOT, Setting, draw_table, settings_of
from ratchet.config.alert_events import EVENTS
from ratchet.config.alerts import Alerts, Receiver
from ratchet.config.freeze import Freeze, FreezeWindow
from ratchet.config.home_settings import Addresses

PAGE = "docs/reference/home_settings.md"
_TABLES = (
    ("addresses", "[addresses]", Addresses),
    ("alerts", "[alerts]", Alerts),
    ("alerts.receiver", "[[alerts.receiver]]", Receiver),
    ("freeze", "[freeze]", Freeze),
    ("freeze.window", "[[freeze.window]]", FreezeWindow),
)
_INTRO = """# Settings of a home

Every table and key of `<home>/settings.toml`: public addresses of the pages, alerts, freeze windows. `make
settings-page` writes this page from the classes of `ratchet/config/`; a test fails when it is out of date. The file is
optional, and so is every key but name and url of a receiver, start and end of a window. An unknown key or a wrong value
is an error that names the line; `ratchet doctor` reads the file, too. What belongs to one classifier stands in its
[classifier.toml](settings.md).

An address in `[alerts]` may name environment variables as `${NAME}`: keep tokens there. They are read when something is
sent, and never shown.
"""


def read_tables() -> Iterator[tuple[str, list[Setting]]]:
    """Yield heading and settings of each table."""
    for name, heading, table in _TABLES:
        yield heading, list(settings_of(table, name))


def render() -> str:
    """Return the page."""
    lines = [_INTRO]
    for heading, settings in read_tables():
        lines += [f"## `{heading}`", "", *draw_table(settings), ""]
    lines += ["## Events", "", "| event | what happened |", "|---|---|"]
    lines += [f"| `{event}` | {meaning} |" for event, meaning in EVENTS.items()]
    return "\n".join(lines).rstrip() + "\n"


def main() -> int:
    """Write the page."""
    (ROOT / PAGE).write_text(render(), encoding="utf-8")
    print(f"{PAGE}: {sum(len(settings) for _, settings in read_tables())} settings")
    return 0


if __name__ == "__main__":
    sys.exit(main())
