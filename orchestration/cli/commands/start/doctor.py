"""`ratchet doctor`: check this machine and home, and say how to fix what is wrong.

Add here how findings are printed; the checks are `ratchet/workflows/doctor/doctor.py`.
"""

import os
from dataclasses import asdict

import typer

from orchestration.cli.help import Json
from orchestration.cli.output import emit, emit_json, paint, printable
from orchestration.cli.session import session_of

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


def doctor(context: typer.Context, json: Json = False) -> int:
    """Print one line for each finding."""
    session = session_of(context)
    from orchestration.dagster_settings import judge_settings
    from ratchet.workflows.doctor.doctor import examine

    findings = [*examine(session.home, os.environ), *judge_settings(session.home.dagster)]
    failed = [finding.what for finding in findings if finding.state == "fail"]
    if json:
        emit_json(
            {
                "home": str(session.home.root),
                "healthy": not failed,
                "findings": [asdict(finding) for finding in findings],
            }
        )
        return 1 if failed else 0
    width = max(len(finding.what) for finding in findings)
    for finding in findings:
        hint = "  -> " + finding.cure if finding.cure else ""
        first, *lines = (finding.found + hint).splitlines()
        state = paint(session, finding.state.ljust(4), _COLOURS[finding.state])
        emit(f"{state}  {finding.what:<{width}}  {printable(first)}")
        for line in lines:  # of a file, to be copied as they stand
            emit(printable(line))
    emit(f"\n{len(failed)} failed: {', '.join(failed)}" if failed else "\nNothing prevents a cycle.")
    return 1 if failed else 0
