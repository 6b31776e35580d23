"""Measure a sweep on one week of real tickets: time, macro-F1, ECE and NLL of two LoRAs, a probe and TF-IDF.

Run `python -m benchmarks.sweep --data FOLDER` (`--week 2026-01-05 --epochs 1` for a quick look). A home is built in a
temporary folder from the logs, corrections and golden set in FOLDER, up to the week; one cycle trains every candidate:
an encoder's LoRA, SmolLM2's, and a probe. Then each classifies the week's blind corrections and the golden set, with a
temperature of the calibration split. Exits 1 when the cycle or a candidate failed, and without tickets.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from ratchet.core.cycle import Cycle
from ratchet.core.errors import RatchetError
from ratchet.data.curation import EXAMPLES_SQL
from ratchet.evaluation.baselines import predict_tfidf
from ratchet.evaluation.evaluate import read_splits
from ratchet.evaluation.scoring import Split
from ratchet.evaluation.untuned_base import UntunedCausal
from ratchet.ingest.rebuild import open_warehouse
from ratchet.metrics.calibration import UNCALIBRATED, Calibration, apply_calibration, fit_calibration
from ratchet.metrics.classification import Floats, expected_calibration_error, macro_f1, negative_log_likelihood
from ratchet.models.inference.predictor import load_predictor
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.storage.specs import Specs
from ratchet.training.plan import read_plan
from ratchet.training.result import TrainingResult, read_result

NAME = "tickets"
DATA = "folder of the tickets: production_logs/, corrections/ and golden.jsonl"
"""Help of the option `--data`, which has no default: the tickets are not part of the repository."""
KINDS = ("production_logs", "corrections")
CANDIDATES = """
[[candidate]]
family = "encoder"
epochs = {encoder_epochs}

[[candidate]]
method = "probe"

[[candidate]]
family = "causal"
base = "{base}"
layers = "{layers}"
epochs = {epochs}
learning_rate = {rate}
"""


def main() -> int:
    """Run the sweep and print the table; return 0 when every candidate trained."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help=DATA)
    parser.add_argument("--week", type=date.fromisoformat, default=date(2026, 1, 26), help="a Monday")
    parser.add_argument("--base", default="SmolLM2-135M", help="the causal base")
    parser.add_argument("--layers", default="top:10", help="layers of the causal candidate: all, or top:K")
    parser.add_argument("--epochs", type=int, default=3, help="of the causal candidate, at most")
    parser.add_argument("--encoder-epochs", type=int, default=4, help="of the encoder's LoRA, at most")
    parser.add_argument("--rate", type=float, default=3e-3, help="learning rate of the causal candidate")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of the table")
    options = parser.parse_args()
    need_data(options.data)
    with tempfile.TemporaryDirectory(prefix="ratchet-sweep-") as folder:
        home, cycle = Home(Path(folder) / "home"), Cycle(NAME, options.week)
        build_home(home, cycle, options)
        seconds = run_cycle(home, cycle)
        rows = judge(home, cycle)
    show(rows, cycle, seconds, as_json=options.json)
    return 0 if all(row["status"] in {"trained", "fitted", "zero-shot"} for row in rows) else 1


def need_data(folder: Path | None) -> None:
    """End the benchmark with one sentence when `folder` is not a folder of tickets."""
    if folder is None:
        sys.exit(f"--data FOLDER is missing (with make: TICKETS=FOLDER), the {DATA}.")
    if not (folder / "golden.jsonl").is_file():
        sys.exit(f"--data {folder} has no golden.jsonl; name the {DATA}.")


def build_home(home: Home, cycle: Cycle, options: argparse.Namespace) -> None:
    """Fill a home with the classifier, its candidates, and all rows up to the cycle's week."""
    ratchet(home, "init", NAME, "--labels-from", options.data / "golden.jsonl")
    spec = home.spec(NAME).read_text(encoding="utf-8")
    chosen = {name: getattr(options, name) for name in ("base", "layers", "epochs", "encoder_epochs", "rate")}
    home.spec(NAME).write_text(spec[: spec.index("\n[[candidate]]")] + CANDIDATES.format(**chosen), encoding="utf-8")
    weeks = sorted(path.name for path in (options.data / KINDS[0]).glob("*.jsonl") if path.stem <= str(cycle.week))
    files = [
        word
        for kind in KINDS
        for week in weeks
        for word in (f"--{kind.rpartition('_')[2]}", options.data / kind / week)
    ]
    ratchet(home, "ingest", NAME, *files, codes=(0, 3))


def run_cycle(home: Home, cycle: Cycle) -> float:
    """Run the cycle with the command, blocked or not; return its seconds."""
    started = time.perf_counter()
    ratchet(home, "cycle", NAME, "--week", cycle.week, codes=(0, 2))
    return time.perf_counter() - started


def judge(home: Home, cycle: Cycle) -> list[dict[str, Any]]:
    """Return a row for every candidate, for the causal base untuned, and for TF-IDF."""
    spec, noted = Specs(home)[NAME], Receipts(home).noted(cycle)
    found = open_warehouse(home, NAME).frame(EXAMPLES_SQL, {"classifier": NAME, "week": cycle.week})
    splits = read_splits(found, Specs(home).golden(NAME), spec.labels)
    work = home.training(NAME) / noted["plan"][:16]
    plan, result, rows = read_plan(work), read_result(work), []
    for row, folder in candidates(result):
        rows.append(row if folder is None else {**row, **measure(load_predictor(folder).logits, splits)})
    if plan.prompt is not None:
        last = plan.candidates[-1]
        untuned = UntunedCausal(last, spec)

        def zero_shot(texts: Sequence[str]) -> Floats:
            return np.asarray(np.log(np.maximum(untuned.zero_shot(texts), 1e-12)))

        rows.append(
            {"model": f"{last.base}, untuned", "status": "zero-shot", "train s": 0.0, **measure(zero_shot, splits)}
        )
    started, train, k = time.perf_counter(), splits["train"], len(spec.labels)

    def tfidf(texts: Sequence[str]) -> Floats:
        probabilities = predict_tfidf(train.texts, train.labels, texts, k)
        return np.asarray(np.log(np.maximum(probabilities, 1e-12)))

    tfidf(splits["calibration"].texts)  # every call fits anew, so one call is timed as the training
    seconds = time.perf_counter() - started
    rows.append(
        {"model": "TF-IDF + logistic regression", "status": "fitted", "train s": seconds, **measure(tfidf, splits)}
    )
    sizes = {name: len(split.texts) for name, split in splits.items()}
    return [{**row, "texts": sizes} for row in rows]


def candidates(result: TrainingResult) -> list[tuple[dict[str, Any], Path | None]]:
    """Return the first columns of each candidate, and its adapter folder where it trained."""
    return [
        (
            {
                "model": f"{found.title}{' *' if found.index == result.best else ''}",
                "status": found.status if found.status == "trained" else f"failed: {found.reason}",
                "train s": found.seconds,
            },
            result.work / found.folder if found.status == "trained" else None,
        )
        for found in result.candidates
    ]


def measure(logits: Any, splits: Mapping[str, Split]) -> dict[str, float]:
    """Return macro-F1, ECE and NLL on the week's test split and the golden set, calibrated on the calibration split."""
    started = time.perf_counter()
    outputs = {name: logits(splits[name].texts) for name in ("calibration", "test", "golden")}
    seconds = time.perf_counter() - started
    try:
        calibration = fit_calibration(outputs["calibration"], splits["calibration"].labels)
    except RatchetError as error:  # an untuned base may know so little that no temperature is best
        print(f"without a temperature: {error.message}", file=sys.stderr)
        calibration = UNCALIBRATED
    return {
        **figures("test", outputs["test"], splits["test"], calibration),
        **figures("golden", outputs["golden"], splits["golden"], calibration),
        "answer s": seconds,
    }


def figures(name: str, logits: Floats, split: Split, calibration: Calibration) -> dict[str, float]:
    """Return the three figures of one split."""
    probabilities = apply_calibration(logits, calibration)
    return {
        f"{name} F1": macro_f1(np.asarray(probabilities.argmax(axis=1)), split.labels, logits.shape[1]),
        f"{name} ECE": expected_calibration_error(probabilities, split.labels),
        f"{name} NLL": negative_log_likelihood(probabilities, split.labels),
    }


def show(rows: Sequence[Mapping[str, Any]], cycle: Cycle, seconds: float, *, as_json: bool) -> None:
    """Print the table, or one JSON document."""
    if as_json:
        print(json.dumps({"week": str(cycle.week), "cycle_seconds": seconds, "rows": list(rows)}, indent=2))
        return
    counted = ", ".join(f"{count} {name}" for name, count in rows[0]["texts"].items())
    print(f"week {cycle.week}: {counted} texts; the whole cycle took {seconds:.0f} s")
    columns = (
        "train s",
        "answer s",
        *(f"{split} {figure}" for split in ("test", "golden") for figure in ("F1", "ECE", "NLL")),
    )
    print(f"{'model (* kept)':46}" + "".join(f"{column:>12}" for column in columns))
    for row in rows:
        cells = (f"{row[column]:>12.3f}" if column in row else f"{'-':>12}" for column in columns)
        print(
            f"{row['model']:46}"
            + "".join(cells)
            + ("" if row["status"] in {"trained", "fitted"} else f"  {row['status']}")
        )


def ratchet(home: Home, *words: object, codes: Sequence[int] = (0,)) -> int:
    """Run the command and return its exit code; an unexpected one ends the benchmark."""
    command = [sys.executable, "-m", "orchestration.cli.app", "--home", str(home.root), *map(str, words)]
    code = subprocess.run(command, check=False, stdout=sys.stderr).returncode
    if code not in codes:
        sys.exit(f"'ratchet {words[0]}' ended with exit code {code}")
    return code


if __name__ == "__main__":
    sys.exit(main())
