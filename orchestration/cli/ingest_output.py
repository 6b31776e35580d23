"""Output of `ratchet ingest`: rows taken and not taken by file, and why.

Add here a line or a key about a file; what happened is found by `ratchet/workflows/ingest_files.py`.
"""

from typing import TYPE_CHECKING, Any

from orchestration.cli.errors import describe_crash
from orchestration.cli.output import emit, emit_json, printable, say, table
from orchestration.cli.session import Session
from ratchet.core.errors import RatchetError

if TYPE_CHECKING:
    from ratchet.config.spec import Spec
    from ratchet.ingest.result import IngestResult
    from ratchet.workflows.ingest_files import IngestReport


def print_json(session: Session, name: str, report: "IngestReport") -> None:
    """Print the report as one document; after an error nothing, since the error's document holds it."""
    if report.error is None:
        emit_json(_document(session, name, report))


def failure_of(session: Session, name: str, report: "IngestReport") -> BaseException | None:
    """Return what ended the intake, with the files that were taken before it among its details."""
    error = report.error
    if error is None or not isinstance(error, Exception):
        return error
    failure = error if isinstance(error, RatchetError) else describe_crash(error, session.home.root)
    failure.details = {**failure.details, **_document(session, name, report)}
    return failure.with_traceback(error.__traceback__)


def print_text(session: Session, report: "IngestReport", spec: "Spec") -> None:
    """Print a row for each file on standard output, and on standard error the reasons of what was not taken."""
    if report.intakes:
        emit(table([_row(intake) for intake in report.intakes]))
    elif report.error is None:
        emit(f"nothing new in the landing folders of {spec.name}.")
    for intake in report.intakes:
        _explain(session, intake, spec)


def print_remarks(session: Session, name: str, report: "IngestReport") -> None:
    """Print on standard error what concerns all files."""
    home = session.home
    for file, why in report.skipped.items():
        say(session, printable(f"not read: {file}: {why}"))
    for remark in report.remarks:
        say(session, f"remark: {remark}.")
    if report.rejected:
        say(session, f"{report.rejected} row(s) were rejected; saved with reasons in {home.rejected(name)}")
    for reason, number in report.lost.items():
        say(session, f"{number} row(s) are lost: {reason}; put the files back and remove {home.warehouse(name)}")


def _row(intake: "IngestResult") -> dict[str, Any]:
    return {each: getattr(intake, each) for each in ("kind", "file", "accepted", "duplicate", "rejected")}


def _document(session: Session, name: str, report: "IngestReport") -> dict[str, Any]:
    more = ("reasons", "nulled", "encoding", "unknown_labels")
    return {
        "classifier": name,
        "files": [{**_row(intake), **{each: getattr(intake, each) for each in more}} for intake in report.intakes],
        "rejected_folder": str(session.home.rejected(name)),
        "remarks": report.remarks,
        "skipped": {str(file): why for file, why in report.skipped.items()},
    }


def _explain(session: Session, intake: "IngestResult", spec: "Spec") -> None:
    """Say of a file which rows were rejected or wait, and which values rows were taken without."""
    from ratchet.data.records import Terms
    from ratchet.data.row_rules import WAIT_REASONS, hint_of

    for reason, count in intake.reasons.items():
        hint = hint_of(reason, Terms.of(spec), intake.unknown_labels)
        what = "waiting" if reason in WAIT_REASONS else "rejected"
        say(session, printable(f"{what} in {intake.file}: {count} x {reason}{hint and ': '}{hint}"))
    if intake.encoding:
        say(session, printable(f"{intake.file} is not UTF-8: read as {intake.encoding}"))
    for reason, count in intake.nulled.items():
        say(session, printable(f"taken without a value in {intake.file}: {count} x {reason}"))
