"""Paths of `RATCHET_HOME`: the one place that knows its files and folders.

Add a new path here, as a property or a function of a checked name; never join paths elsewhere.
"""

from dataclasses import dataclass, field
from pathlib import Path

from ratchet.core.cycle import Cycle
from ratchet.core.errors import RatchetError
from ratchet.core.names import NAME, check_name, nearest
from ratchet.rollout.trust import Trust


@dataclass(frozen=True)
class Home:
    """The folder of one deployment."""

    root: Path
    trust: Trust = field(default=Trust(), compare=False)
    """Key and checkpoints from outside that vouch for the ledgers here."""

    @property
    def former_warehouse(self) -> Path:
        """The DuckDB file that all classifiers shared in earlier versions. Nothing reads it any more."""
        return self.root / "warehouse.duckdb"

    @property
    def page(self) -> Path:
        """`index.html`: the home page as a file, for whoever serves nothing. Expendable."""
        return self.root / "index.html"

    @property
    def flags(self) -> Path:
        """`flags.json`: the adapters that serve, in flagd's format."""
        return self.root / "flags.json"

    @property
    def keys(self) -> Path:
        """`keys.json`: digests of the gateway's keys."""
        return self.root / "keys.json"

    @property
    def settings(self) -> Path:
        """`settings.toml`: public addresses of the pages, alerts, freeze windows."""
        return self.root / "settings.toml"

    @property
    def alerts(self) -> Path:
        """Folder of the alerts: `log.jsonl`, append-only, and what its sender last did. No classifier has this name."""
        return self.root / ".alerts"

    @property
    def signing_key(self) -> Path:
        """The private half of the key that signs ledgers: only the promoter needs to read it."""
        return self.root / "signing_key.pem"

    @property
    def public_key(self) -> Path:
        """The public half of the signing key."""
        return self.root / "signing_key.pub"

    @property
    def gate_key(self) -> Path:
        """The private half of the key that signs receipts: only the process of the checks reads it."""
        return self.root / "gate_key.pem"

    @property
    def gate_public_key(self) -> Path:
        """The public half of the key that signs receipts."""
        return self.root / "gate_key.pub"

    @property
    def secret(self) -> Path:
        """`request_ids.secret`: the secret behind request ids. Only the owner may read it."""
        return self.root / "request_ids.secret"

    @property
    def ballast(self) -> Path:
        """`ballast`: reserved disk space, freed for the ledger and the flags when the disk is full."""
        return self.root / "ballast"

    @property
    def gateways(self) -> Path:
        """Leases of running gateways, each with the ledger entries that it answers by. Expendable."""
        return self.root / "gateways"

    @property
    def label_studio(self) -> Path:
        """`.label-studio`: login, annotations and log of the Label Studio that `make label-studio` starts here."""
        return self.root / ".label-studio"

    @property
    def dagster(self) -> Path:
        """`DAGSTER_HOME`: runs, events and schedules; expendable history."""
        return self.root / "dagster"

    @property
    def training_lock(self) -> Path:
        """`training.lock`: held during a training, so that one at a time uses the processor and the memory."""
        return self.root / "training.lock"

    def classifier(self, name: str) -> Path:
        """The folder of one classifier. The name is checked before it becomes a path."""
        return self.root / check_name(name)

    def spec(self, name: str) -> Path:
        """`classifier.toml`."""
        return self.classifier(name) / "classifier.toml"

    def guide(self, name: str) -> Path:
        """`guide.md`: what the labels mean, in the words of the team, for people who review."""
        return self.classifier(name) / "guide.md"

    def golden(self, name: str) -> Path:
        """`golden.jsonl`: hand-reviewed, never trained on."""
        return self.classifier(name) / "golden.jsonl"

    def golden_looks(self, name: str) -> Path:
        """`golden_looks.jsonl`: which candidates each golden set has judged, append-only."""
        return self.classifier(name) / "golden_looks.jsonl"

    def landing(self, name: str, kind: str) -> Path:
        """Landing folder of `kind`, `production_logs` or `corrections`."""
        return self.classifier(name) / kind

    def manifest(self, name: str) -> Path:
        """`landing.jsonl`: the order in which files were landed, append-only."""
        return self.classifier(name) / "landing.jsonl"

    def warehouse(self, name: str) -> Path:
        """The DuckDB file of one classifier: rebuilt from its landing folders whenever it is lost."""
        return self.classifier(name) / "warehouse.duckdb"

    def has_rows(self, name: str) -> bool:
        """Return True where the classifier has a warehouse, or landed files from which one can be rebuilt."""
        return self.warehouse(name).exists() or self.manifest(name).exists()

    def cycle_lock(self, name: str) -> Path:
        """`cycle.lock`: held by the process that runs a cycle of the classifier, so that there is one at a time."""
        return self.classifier(name) / "cycle.lock"

    def intake(self, name: str) -> Path:
        """`intake.json`: rows in the warehouse, waiting, rejected and lost, as the newest intake counted them."""
        return self.classifier(name) / "intake.json"

    def first_week(self, name: str) -> Path:
        """`first_week.json`: the first week that has data, by which Dagster's partitions begin. Expendable."""
        return self.classifier(name) / "first_week.json"

    def tables(self, name: str, table: str) -> Path:
        """Parquet copies of one warehouse table that cycles fill, one file for each week."""
        return self.classifier(name) / "tables" / table

    def rejected(self, name: str) -> Path:
        """Rejected rows, each with its reason."""
        return self.classifier(name) / "rejected"

    def adapters(self, name: str) -> Path:
        """Sealed adapters, one folder for each digest."""
        return self.classifier(name) / "adapters"

    def training(self, name: str) -> Path:
        """Work folders of trainings: checkpoints and loss curves, by plan digest. Expendable."""
        return self.classifier(name) / "training"

    def trials(self, name: str) -> Path:
        """Results of one-step adapters in the runtimes of targets. Expendable."""
        return self.classifier(name) / "trials"

    def journal(self, name: str, kind: str) -> Path:
        """Rows of `kind` that the gateway acknowledged and has not yet sealed."""
        return self.classifier(name) / "journal" / kind

    def feedback(self, name: str) -> Path:
        """Users' feedback on answers, sealed by the gateway: kept, and never a label."""
        return self.classifier(name) / "feedback"

    def report(self, cycle: Cycle) -> Path:
        """Folder of one cycle's report."""
        return self.reports(cycle.classifier) / str(cycle.week)

    def reports(self, name: str) -> Path:
        """Folder of all reports and their index."""
        return self.classifier(name) / "reports"

    def log(self, cycle: Cycle) -> Path:
        """Log of libraries and of the training, of a cycle that was run by hand. Expendable."""
        return self.classifier(cycle.classifier) / "logs" / f"{cycle.week}.log"

    def receipts(self, cycle: Cycle) -> Path:
        """Folder of one cycle's receipts, one file for each gate."""
        return self.classifier(cycle.classifier) / "receipts" / str(cycle.week)

    def ledger(self, name: str) -> Path:
        """`ledger.jsonl`: the append-only history of promotions."""
        return self.classifier(name) / "ledger.jsonl"

    def runs(self, name: str) -> Path:
        """`runs.jsonl`: every run of a cycle with its outcome, append-only."""
        return self.classifier(name) / "runs.jsonl"

    def quarantine(self, name: str) -> Path:
        """`quarantine.jsonl`: the signed history of weeks that were blocked and released."""
        return self.classifier(name) / "quarantine.jsonl"

    def checkpoint(self, name: str) -> Path:
        """The signed note on the ledger's head."""
        return self.classifier(name) / "checkpoint.txt"

    def kept_receipts(self, name: str) -> Path:
        """Receipts of adapters that entered the ledger, by digest: a cycle that runs again does not change them."""
        return self.classifier(name) / "receipts" / "kept"

    def pairs(self, name: str) -> Path:
        """Answers of both compared adapters to the same requests, sealed by the gateway or made by a replay."""
        return self.classifier(name) / "pairs"

    def published(self, name: str) -> Path:
        """Records of what was published on a Hub, one file for each adapter and repository."""
        return self.classifier(name) / "published"

    def rollout(self, name: str) -> Path:
        """`rollout.json`: the newest decision on the rollout with its figures. Expendable."""
        return self.classifier(name) / "rollout.json"

    def review(self, name: str) -> Path:
        """The review queue: append-only logs, signed rules beside them, and an index that is derived from the logs."""
        return self.classifier(name) / "review"

    def frontier(self, name: str) -> Path:
        """Answers of a frontier model, by digest, and the money that each cycle spent on them."""
        return self.classifier(name) / "frontier"

    def classifiers(self) -> list[str]:
        """Names of the classifiers that have a specification here, sorted."""
        return sorted(
            path.parent.name for path in self.root.glob("*/classifier.toml") if NAME.fullmatch(path.parent.name)
        )

    def served(self) -> list[str]:
        """Names of the classifiers that have a specification or a ledger, sorted: one that is live stays so without
        its `classifier.toml`."""
        found = {path.parent.name for path in self.root.glob("*/ledger.jsonl") if NAME.fullmatch(path.parent.name)}
        return sorted(found | set(self.classifiers()))

    def need_served(self, name: str) -> None:
        """Raise when classifier `name` has neither a specification nor a ledger."""
        if check_name(name) not in self.served():
            self.need(name)

    def need(self, name: str) -> None:
        """Raise when classifier `name` does not exist; the hint names the nearest one."""
        known = self.classifiers()
        if check_name(name) not in known:
            raise RatchetError(
                f"no classifier {name!r} in {self.root} (has: {', '.join(known) or 'none'}).",
                nearest(name, known) or f"Make it with 'ratchet init {name} --labels a,b,c'.",
                code="no_classifier",
            )
