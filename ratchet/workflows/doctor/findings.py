"""Findings of `ratchet doctor`: one line each, with a hint.

Add here the limits of a machine's figures. They are read in `ratchet/workflows/doctor/doctor.py`.
"""

from dataclasses import dataclass
from typing import Literal

_GB = 1e9


@dataclass(frozen=True)
class Finding:
    """One thing that was checked. `warn` and `fail` have a hint how to fix it."""

    what: str
    state: Literal["ok", "warn", "fail"]
    found: str
    cure: str = ""

    def __post_init__(self) -> None:
        if self.state != "ok" and not self.cure:
            raise ValueError(f"{self.what} is {self.state} without a hint")


def judge_python(version: tuple[int, int]) -> Finding:
    """Judge the version of Python: 3.11 or newer."""
    result = f"{version[0]}.{version[1]}"
    if version < (3, 11):
        return Finding("python", "fail", result, "Install Python 3.11 or newer and run 'make setup' again.")
    return Finding("python", "ok", result)


def judge_packages(installed: dict[str, str | None], pinned: dict[str, str]) -> list[Finding]:
    """Judge each package: a missing one fails, another version than the pin warns. A local part (`+cpu`) is ignored."""
    findings = []
    for name, version in installed.items():
        pin = pinned.get(name)
        if version is None:
            findings.append(Finding(f"package {name}", "fail", "not installed", "Run 'make setup'."))
        elif pin is not None and version.partition("+")[0] != pin:
            findings.append(
                Finding(
                    f"package {name}",
                    "warn",
                    f"{version}, tested with {pin}",
                    f"Run 'pip install {name}=={pin}' or 'make setup'.",
                )
            )
        else:
            findings.append(Finding(f"package {name}", "ok", version))
    return findings


def judge_disk(free_bytes: int) -> Finding:
    """Judge the free space for warehouse, adapters and work folders."""
    result = f"{free_bytes / _GB:.1f} GB free"
    if free_bytes < 0.5 * _GB:
        return Finding(
            "disk", "fail", result, "Free at least 2 GB: remove <home>/<classifier>/training, or give another --home."
        )
    if free_bytes < 2 * _GB:
        return Finding("disk", "warn", result, "Free at least 2 GB: <home>/<classifier>/training can be removed.")
    return Finding("disk", "ok", result)


def judge_memory(available_bytes: int) -> Finding:
    """Judge the memory for a cycle, which takes up to 2.5 GB."""
    result = f"{available_bytes / _GB:.1f} GB available"
    if available_bytes < 1 * _GB:
        return Finding("memory", "fail", result, "Close other programs: a cycle takes up to 2.5 GB.")
    if available_bytes < 3 * _GB:
        return Finding(
            "memory", "warn", result, "Close other programs, or train fewer candidates: a cycle takes up to 2.5 GB."
        )
    return Finding("memory", "ok", result)


def read_pins(constraints: str) -> dict[str, str]:
    """Return the `name==version` lines of a constraints file, names in lower case with `-`."""
    lines = (line.partition("#")[0].strip() for line in constraints.splitlines())
    return {
        name.lower().replace("_", "-"): version
        for name, equals, version in (line.partition("==") for line in lines)
        if equals
    }
