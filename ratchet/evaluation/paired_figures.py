"""Figures of the report about candidate and live on the same items, from the evidence of their gates.

Add here a figure that a gate's evidence holds and the page shows; the gates are in `ratchet/gates/`.
"""

from collections.abc import Mapping
from typing import Any

from ratchet.core.verdict import Verdict


def golden_figures(verdict: Verdict | None) -> dict[str, Any]:
    """Return what `golden_set_regression` found beside the lost items: gains, difference with its interval, anchor.

    The difference and its interval are those of accuracy, candidate minus live; None without a live adapter.
    """
    found: Mapping[str, Any] = verdict.evidence if verdict else {}
    if "interval" not in found:
        return {"gained": None, "difference": None, "interval": None, "anchor": None}
    anchor = found["anchor"]
    drift = None
    if not anchor["missing"]:
        drift = {"adapter": anchor["adapter"], "week": anchor["week"], "n": anchor["n"], "interval": anchor["interval"]}
        drift["difference"] = (anchor["gained"] - anchor["lost"]) / anchor["n"]
    return {
        "gained": len(found["gained"]),
        "difference": (len(found["gained"]) - len(found["lost"])) / found["n"],
        "interval": found["interval"],
        "anchor": drift,
    }


def slice_rows(verdict: Verdict | None) -> list[dict[str, Any]]:
    """Return one row for each slice that was judged: its items, what was lost and gained, and the chance with which a
    loss of the margin would be seen in it, 0..1; the largest first."""
    found: Mapping[str, Any] = verdict.evidence if verdict else {}
    rows = []
    for column, values in found.get("slices", {}).items():
        for value, each in values.items():
            name = f"{column} {value}"
            if name in found.get("power", {}):
                row = {"slice": name, "n": each["n"], "lost": each["losses"], "gained": each["gains"]}
                rows.append({**row, "power": found["power"][name], "is_lost": name in found["lost"]})
    return sorted(rows, key=lambda row: (-row["n"], row["slice"]))
