"""Intake of files that a person names, then of what lies new in the landing folders.

Add here a step of `ratchet ingest`; how its options are read is `orchestration/cli/delivery.py`, how one file is taken
`ratchet/ingest/landing.py`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ratchet.core.errors import UsageError
from ratchet.data.records import kind_of
from ratchet.ingest.landing import Landing
from ratchet.ingest.one_sided_weeks import describe_one_sided
from ratchet.ingest.rebuild import open_warehouse
from ratchet.ingest.result import IngestResult
from ratchet.ingest.row_counts import missing_rows
from ratchet.storage.home import Home
from ratchet.storage.row_files.parts import parts_of, skipped_of
from ratchet.storage.specs import Specs
from ratchet.workflows.ingest_examples import KIND as EXAMPLES
from ratchet.workflows.ingest_examples import deliver_examples
from ratchet.workflows.ingest_export import MAPPED, deliver_exports


@dataclass(frozen=True)
class Delivery:
    """Files of rows with their kinds, in the order in which they are taken; `mapping` is our names to the files'."""

    paths: Sequence[tuple[str, Path]] = ()
    mapping: Mapping[str, str] = field(default_factory=dict)
    saw_prediction: bool | None = None
    """Answer for all annotators of the corrections, where their files have no such column."""
    tool: str = ""
    """Tool whose exports are taken, too: its name among `ratchet/data/tool_exports/registry.py`."""
    exports: Sequence[Path] = ()

    def files(self) -> list[tuple[str, Path]]:
        """Return each file with its kind, folders as their parts. Raises `RatchetError` for one without parts."""
        return [(kind, file) for kind, path in self.paths for file in parts_of(path)]

    def skipped(self) -> dict[Path, str]:
        """Return what of the folders is not read, each with the reason."""
        return {file: reason for _, path in self.paths for file, reason in skipped_of(path).items()}

    def columns(self, kind: str) -> dict[str, str]:
        """Return the part of the mapping that files of this kind have."""
        return {ours: theirs for ours, theirs in self.mapping.items() if ours in kind_of(kind).names}

    def check_mapping(self) -> None:
        """Raise `UsageError` for a name that no file given can have."""
        used = {ours for kind, _ in self.paths for ours in self.columns(kind)}
        used |= {ours for ours in MAPPED if self.exports}
        for ours in sorted(set(self.mapping) - used):
            raise UsageError(
                f"--map {ours}={self.mapping[ours]} matches no column of the files given.",
                "Write --map ours=theirs beside --logs, --corrections or --examples; ours is one of request_id, ts,"
                " text, label, annotator ...",
                code="bad_mapping",
            )


@dataclass(frozen=True)
class IngestReport:
    """Results of the files that were taken; `error` is what ended the intake before the rest."""

    intakes: list[IngestResult]
    skipped: dict[Path, str]
    remarks: list[str] = field(default_factory=list)
    lost: dict[str, int] = field(default_factory=dict)
    """Rows that are in no file any more since this intake, by reason."""
    error: BaseException | None = None

    @property
    def rejected(self) -> int:
        """Number of rows that were not taken or wait."""
        return sum(intake.rejected for intake in self.intakes)

    @property
    def complete(self) -> bool:
        """True where every row of every file was taken, and none is lost."""
        return not (self.rejected or self.lost or self.skipped)


def ingest_files(home: Home, name: str, delivery: Delivery, watch: Callable[[Path], None]) -> IngestReport:
    """Ingest the files of `delivery`, then the landing folders of classifier `name`; `watch` gets each file before it
    is read.

    A file that cannot be read ends the intake: the report holds the error and what was taken before. Raises
    `RatchetError` for what is wrong before any file is read.
    """
    spec, warehouse = Specs(home)[name], open_warehouse(home, name)
    files, skipped = delivery.files(), delivery.skipped()
    delivery.check_mapping()
    lacking = missing_rows(home, name)
    landing = Landing(home, warehouse)
    intakes: list[IngestResult] = []
    try:
        for kind, file in files:
            watch(file)
            columns, saw = delivery.columns(kind), delivery.saw_prediction
            if kind == EXAMPLES:
                intakes.append(deliver_examples(landing, spec, file, columns))
            else:
                intakes.append(landing.deliver(spec, kind, file, columns=columns, saw_prediction=saw))
        for path in delivery.exports:
            watch(path)
        if delivery.exports:
            names = {ours: theirs for ours, theirs in delivery.mapping.items() if ours in MAPPED}
            saw = delivery.saw_prediction
            for intake in deliver_exports(landing, spec, delivery.tool, delivery.exports, names, saw):
                intakes.append(intake)  # noqa: PERF402 - those before an error are shown
        intakes += landing.take(spec)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - returned, and raised once the rest is printed
        return IngestReport(intakes, skipped, error=error)
    labelled = any(intake.kind == "corrections" and intake.accepted for intake in intakes)
    remarks = describe_one_sided(warehouse, name) if labelled else []
    lost = {why: number for why, number in missing_rows(home, name).items() if number > lacking.get(why, 0)}
    return IngestReport(intakes, skipped, remarks, lost)
