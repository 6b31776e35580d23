"""Counts of rows: each that was acknowledged is in the warehouse, on its way, or here with a reason.

The newest intake writes `intake.json`, so that readers need no warehouse; what the gateway holds is counted on its
disk.
Add here another place in which a row can be; reasons are given by `ratchet/data/row_rules.py`.
"""

import json
import logging
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ratchet.core.files import write_json
from ratchet.data.records import KINDS
from ratchet.ingest.manifest import follow_manifest
from ratchet.storage.home import Home
from ratchet.storage.journal.segments import count_damaged, is_sealed, left_behind

_LOG = logging.getLogger(__name__)

DAMAGED = "the disk changed rows in a journal after they were acknowledged"
TORN = "the end of a journal cannot be read: an interrupted write, or rows that the disk changed"
MISSING = "the rebuilt warehouse lacks rows of {kind} that it had: their files are gone or cannot be read any more"
OUTSIDE = ("waiting", "rejected", "lost", "damaged")
"""Counts of rows that are not in the warehouse, each by reason."""


def write_counts(home: Home, name: str, counts: Mapping[str, Mapping[str, int]]) -> None:
    """Store the counts of an intake if they changed. Errors of the disk are logged: the rows are safe without it."""
    try:
        before = _read(home.intake(name))
        counts = {"missing": before["missing"], **counts} if "missing" in before else counts
        if before != counts:
            write_json(home.intake(name), counts)
    except OSError as error:
        _LOG.warning("the counts of %s cannot be written: %s", name, error)


def note_rebuilt(home: Home, name: str, accepted: Mapping[str, int]) -> None:
    """Compare the rows of a rebuilt warehouse with those of the newest intake, and store what is missing, by kind.

    A further rebuild, with the files back in their place, ends it.
    """
    before = _read(home.intake(name))
    had, gone = before.get("accepted", {}), before.get("missing", {})
    numbers = {kind: had.get(kind, 0) + gone.get(kind, 0) - accepted.get(kind, 0) for kind in KINDS}
    missing = {kind: rows for kind, rows in numbers.items() if rows > 0}
    if missing or gone:
        write_json(home.intake(name), {**before, "accepted": accepted, "missing": missing})


def missing_rows(home: Home, name: str) -> dict[str, int]:
    """Return the numbers of rows that the last rebuild could not bring back, by reason."""
    return {MISSING.format(kind=kind): rows for kind, rows in _read(home.intake(name)).get("missing", {}).items()}


def describe_rows(home: Home, name: str) -> dict[str, Any]:
    """Return the counts of every place in which a row can be; empty ones are 0 or {}.

    `accepted` by kind; `waiting`, `rejected`, `lost` and `damaged` by reason; `unsealed` are bytes of journals, and
    `landed` segments that no intake has looked at. `nulled` counts values that accepted rows were taken without, by
    reason.
    """
    outside, unsealed = outside_of(home, name), 0
    for journal in _journals(home, name):
        with suppress(FileNotFoundError):  # sealed at this moment
            unsealed += sum(path.stat().st_size for path in left_behind(journal))
    known = {landed.file for landed in follow_manifest(home.manifest(name))}
    segments = [path for kind in KINDS for path in home.landing(name, kind).glob("gateway-*") if is_sealed(path.name)]
    found = _read(home.intake(name))
    return {
        "accepted": found.get("accepted", {}),
        "nulled": found.get("nulled", {}),
        **{place: outside.get(place, {}) for place in OUTSIDE},
        "unsealed": unsealed,
        "landed": sum(path.name not in known for path in segments),
    }


def outside_of(home: Home, name: str) -> dict[str, dict[str, int]]:
    """Return the counts of the rows that are not in the warehouse and not on their way, each by reason."""
    found = _read(home.intake(name))
    kept = [count_damaged(journal) for journal in _journals(home, name)]
    damaged = {DAMAGED: sum(lines for lines, _ in kept), TORN: sum(torn for _, torn in kept)}
    rows = {
        **{place: found.get(place, {}) for place in ("waiting", "rejected")},
        "lost": {**found.get("lost", {}), **missing_rows(home, name)},
        "damaged": {reason: lines for reason, lines in damaged.items() if lines},
    }
    return {place: reasons for place, reasons in rows.items() if reasons}


def without_content(rows: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    """Return counts by reasons without what a file held, for readers who may not see it."""
    result: dict[str, dict[str, int]] = {}
    for place, reasons in rows.items():
        for reason, number in reasons.items():
            shown = re.sub(r"'[^']*'", "...", re.split(r"[:(]", reason, maxsplit=1)[0]).strip()
            counts = result.setdefault(place, {})
            counts[shown] = counts.get(shown, 0) + number
    return result


def find_uncounted(home: Home, name: str) -> str:
    """Return a sentence where rows have landed and the counts of the intakes are gone or damaged, else ''.

    A home of a version before them has no warehouse here until the first intake, which counts.
    """
    if _read(home.intake(name)) or not (home.warehouse(name).is_file() and home.manifest(name).is_file()):
        return ""
    what = "is damaged" if home.intake(name).exists() else "is gone"
    return (
        f"{home.intake(name)} {what}, which counts the rows that wait, were rejected or are lost:"
        f" 'ratchet ingest {name}' counts anew, but rows that a rebuild had lost before are not found by it"
    )


def summarise(rows: Mapping[str, Any]) -> str:
    """Return the rows that are outside the warehouse in one line, as `3 waiting, 1 rejected`; empty for none."""
    numbers = {place: sum(rows[place].values()) for place in OUTSIDE}
    return ", ".join(f"{number} {place}" for place, number in numbers.items() if number)


def _journals(home: Home, name: str) -> list[Path]:
    folder = home.classifier(name) / "journal"
    return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def _read(path: Path) -> dict[str, Any]:
    try:
        result = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return result if isinstance(result, dict) else {}
