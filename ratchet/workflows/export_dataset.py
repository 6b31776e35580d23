"""Export of a cycle's training set into a file that other tools read, each example checked once more.

Add here a reason not to write an example; the formats are `ratchet/storage/dataset_files.py`.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ratchet.config.spec import Spec
from ratchet.core.blank_text import is_blank
from ratchet.core.cycle import Cycle, choose_week
from ratchet.core.errors import RatchetError, UsageError
from ratchet.data.curation import EXAMPLES_SQL
from ratchet.data.near_duplicates import normalise
from ratchet.data.splitting import SPLITS
from ratchet.data.training_formats import describe_task
from ratchet.ingest.rebuild import open_warehouse
from ratchet.storage.dataset_files import DatasetRow, choose_format, write_dataset, write_log
from ratchet.storage.home import Home
from ratchet.storage.review.label_rules import LabelRuleFile
from ratchet.storage.specs import Specs

_WEEKS_SQL = "SELECT DISTINCT week FROM examples WHERE classifier = ? ORDER BY week"


@dataclass(frozen=True)
class CycleExamples:
    """Examples of one cycle as it left them: (split, request, text, label)."""

    cycle: Cycle
    rows: tuple[tuple[str, str, str, str], ...]

    def counts(self) -> dict[str, dict[str, int]]:
        """Count the examples of each split by label."""
        found = {split: Counter(label for each, _, _, label in self.rows if each == split) for split in SPLITS}
        return {split: dict(sorted(labels.items())) for split, labels in found.items()}


@dataclass(frozen=True)
class ExportedDataset:
    """Outcome of an export: rows written, and those rejected by reason, which `log` lists."""

    path: Path
    format: str
    written: int
    reasons: dict[str, int]
    log: Path


def read_training_set(home: Home, name: str, word: str) -> CycleExamples:
    """Return the examples of the cycle that `word` names, of those weeks that have a training set.

    Raises `RatchetError` for a week without one.
    """
    if word not in {"latest", "current"}:
        choose_week(name, word, ())
    home.need(name)
    weeks = (
        [w.date() for w in open_warehouse(home, name).frame(_WEEKS_SQL, [name])["week"]] if home.has_rows(name) else []
    )
    if not weeks:
        raise RatchetError(
            f"{name} has no training set yet.", f"Run a cycle first: 'ratchet cycle {name} --week latest'.",
            code="no_week",
        )  # fmt: skip
    cycle = choose_week(name, word, weeks)
    if cycle.week not in weeks:
        raise RatchetError(
            f"{name} has no training set of the week of {cycle.week} (has: {', '.join(map(str, weeks[-8:]))}).",
            f"Run its cycle first: 'ratchet cycle {name} --week {cycle.week}'.",
            code="no_week",
        )
    rows = open_warehouse(home, name).frame(EXAMPLES_SQL, {"classifier": name, "week": cycle.week})
    rules = LabelRuleFile(home, name).read()  # a label that was renamed since has the name of now
    found = rows[["split", "request_id", "text", "label"]].itertuples(index=False, name=None)
    return CycleExamples(cycle, tuple((split, id_, text, rules.read(label).label) for split, id_, text, label in found))


def check_target(path: Path, *, overwrite: bool) -> None:
    """Raise for a file that cannot be written, or that is there and may not be replaced."""
    if path.is_dir() or not path.absolute().parent.is_dir():
        what = "is a folder" if path.is_dir() else "is in a folder that does not exist"
        raise RatchetError(
            f"output {path} {what}.", "Give the path of a file in an existing folder.", code="bad_output"
        )
    if path.exists() and not overwrite:
        raise RatchetError(
            f"{path} is there already; nothing was written.", "Give another name, or --overwrite.", code="exists"
        )


def export_dataset(
    home: Home, found: CycleExamples, path: Path, format_name: str = "", *, split: str = "", overwrite: bool = False
) -> ExportedDataset:
    """Write the examples, all splits or one, and beside them the log of those that were rejected."""
    if split and split not in SPLITS:
        raise UsageError(f"unknown split {split[:40]!r}.", f"Splits: {', '.join(SPLITS)}.", code="bad_split")
    chosen = choose_format(path, format_name)
    check_target(path, overwrite=overwrite)
    spec = Specs(home)[found.cycle.classifier]
    rows = [row for row in found.rows if split in ("", row[0])]
    good, bad = sift_rows(rows, spec, with_split=not split)
    log = path.with_name(f"{path.name}.rejected.jsonl")
    write_dataset(path, good, chosen, describe_task(spec.labels, spec.description))
    write_log(log, bad)
    return ExportedDataset(path, chosen, len(good), dict(Counter(row["reason"] for row in bad)), log)


def sift_rows(
    rows: Iterable[Sequence[str]], spec: Spec, *, with_split: bool
) -> tuple[list[DatasetRow], list[dict[str, Any]]]:
    """Return the rows to write, and those that are rejected, each with its reason; of equal texts the first is kept."""
    good: list[DatasetRow] = []
    bad: list[dict[str, Any]] = []
    seen: dict[str, str] = {}
    for split, request, text, label in rows:
        reason = _fault(text, label, spec) or _repeats(seen, text, label)
        if reason:
            bad.append({"request_id": request, "split": split, "reason": reason, "text": text, "label": label})
        else:
            good.append(DatasetRow(text, label, split if with_split else ""))
    return good, bad


def _fault(text: str, label: str, spec: Spec) -> str:
    if is_blank(text):
        return "text is empty"
    if len(text) > spec.max_text_chars:
        return f"text is longer than {spec.max_text_chars} characters"
    return "" if label in spec.labels else "label is not in classifier.toml"


def _repeats(seen: dict[str, str], text: str, label: str) -> str:
    key = normalise(text)
    if key not in seen:
        seen[key] = label
        return ""
    return "the same text occurs earlier" if seen[key] == label else "the same text occurs earlier with another label"
