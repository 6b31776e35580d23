"""The landing folders: how production logs and corrections come in, once each, with every refused row kept.

Add here how files are found, landed and loaded; the rules about rows are `ratchet/records.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from ratchet.spec import Spec
from ratchet.stores.home import Home
from ratchet.stores.warehouse import Warehouse

_FIRST = {
    "production_logs": "SELECT ?, request_id, ts::TIMESTAMPTZ, text, label, confidence, adapter, latency_ms, NULL, date_trunc('week', ts::TIMESTAMP)::DATE FROM read_json(?, format='newline_delimited', columns={request_id:'VARCHAR',ts:'VARCHAR',text:'VARCHAR',label:'VARCHAR',confidence:'DOUBLE',adapter:'VARCHAR',latency_ms:'DOUBLE'})",
    "corrections": "SELECT l.classifier, c.request_id, c.ts::TIMESTAMPTZ, c.label, annotator, saw_prediction, NULL, l.week FROM (SELECT ? AS classifier, * FROM read_json(?, format='newline_delimited', columns={request_id:'VARCHAR',ts:'VARCHAR',label:'VARCHAR',annotator:'VARCHAR',saw_prediction:'BOOLEAN'})) c JOIN production_logs l USING (classifier, request_id)",
}


@dataclass(frozen=True)
class Intake:
    """What became of one file: rows accepted, already known, refused; `reasons` counts the refusals."""

    kind: str
    file: str
    accepted: int
    duplicate: int = 0
    rejected: int = 0
    reasons: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Landing:
    """The landing folders of a home."""

    home: Home
    warehouse: Warehouse

    def take(self, spec: Spec, *, now: datetime | None = None) -> list[Intake]:
        """Load everything new in the landing folders of `spec.name`."""
        return [
            self.deliver(spec, kind, path)
            for kind in ("production_logs", "corrections")
            for path in sorted(self.home.landing(spec.name, kind).glob("*.jsonl"))
        ]

    def deliver(
        self, spec: Spec, kind: str, source: Path, *, columns: Mapping[str, str] | None = None, now: datetime | None = None
    ) -> Intake:
        """Load one file."""
        with self.warehouse.connect() as connection:
            if connection.execute("SELECT 1 FROM ingested_files WHERE classifier=? AND kind=? AND file=?", [spec.name, kind, source.name]).fetchone():
                return Intake(kind, source.name, 0)
            row = connection.execute(f"INSERT INTO {kind} {_FIRST[kind]}", [spec.name, str(source)]).fetchone()
            accepted = int(row[0]) if row else 0
            connection.execute("INSERT INTO ingested_files VALUES (?,?,?,'',?,0,0,false)", [spec.name, kind, source.name, accepted])
        return Intake(kind, source.name, accepted)
