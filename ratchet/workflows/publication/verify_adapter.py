"""Verification of a third-party adapter: fetched by commit or read from a folder, inspected and tried in a sandbox.

Nothing is stored: the adapter does not enter a home. Add here another check of such an adapter;
`ratchet/deployment/hub/foreign_files.py` limits its files, `ratchet/models/inference/smoke_test.py` tries it.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ratchet.core.digests import digest_json
from ratchet.core.errors import BlockedError, RatchetError
from ratchet.core.timeouts import THIRD_PARTY_OPEN_S, THIRD_PARTY_TEST_S
from ratchet.deployment.hub.foreign_files import BESIDE, ForeignAdapter, restore_files
from ratchet.metrics.classification import macro_f1
from ratchet.models.adapters import format as form
from ratchet.models.adapters.folder import digest_open_file, open_files, read_small
from ratchet.models.adapters.format import bad_adapter, show
from ratchet.models.base_models import resolve_base
from ratchet.models.hub_cache import is_hub_name, parse_hub_name
from ratchet.storage.golden_set import GoldenItem
from ratchet.workflows.publication.fetch_base import download_files
from ratchet.workflows.verify_finding import VerifyFinding

_ROOM = 4_000_000_000
"""Address space of a trial beside its model, in bytes."""
_TEXTS = 400
_KEPT = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "RATCHET_CACHE", "XDG_CACHE_HOME", "HOME")
"""Variables that a trial inherits: no token and no key among them."""
_REFUSALS = {"bad_adapter", "bad_canary", "bad_logits", "no_single_token"}
"""Codes of errors that are the adapter's fault, not this machine's."""


@dataclass(frozen=True)
class Wanted:
    """Requirements of a classifier of this home: its labels in order, and a golden set; both empty without one."""

    labels: tuple[str, ...] = ()
    golden: Sequence[GoldenItem] = ()


@dataclass(frozen=True)
class Verified:
    """Findings about an adapter that was accepted."""

    digest: str
    """Digest that the adapter would have if it were sealed as it is."""
    card: form.AdapterCard
    findings: list[VerifyFinding]
    figures: dict[str, float] = field(default_factory=dict)
    """Texts, accuracy and macro_f1 on the golden set; seconds, peak_bytes and network_cut of the trial."""


def verify_adapter(source: str, wanted: Wanted, say: Callable[[str], None], *, base: str = "") -> Verified:
    """Inspect the adapter at `source`, a folder or `org/name@commit`, and try it.

    Raises `BlockedError` for an adapter that is rejected, `RatchetError` where that cannot be decided: a Hub that does
    not answer, a base model that is not on this machine.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="ratchet-foreign-") as scratch:
            return _verify(source, wanted, say, base, Path(scratch))
    except RatchetError as error:
        if error.code in _REFUSALS:
            raise BlockedError(
                error.message, "Nobody should load it. Ask its maker for another version.", code="refused"
            ) from None
        raise


def _verify(source: str, wanted: Wanted, say: Callable[[str], None], base: str, scratch: Path) -> Verified:
    folder, findings = Path(source), list[VerifyFinding]()
    if is_hub_name(source) and not folder.is_dir():
        name, folder = parse_hub_name(source, "adapter"), scratch / "fetched"
        folder.mkdir()
        download_files(name.repo, name.revision, "adapter", folder, say)
        findings.append(VerifyFinding("commit", f"{name.revision[:12]} of {name.repo}, every file as the Hub lists it"))
    elif not folder.is_dir() and not folder.is_symlink():
        fault = "is a file, not a folder" if folder.exists() else "does not exist: no such folder"
        raise RatchetError(f"{source} {fault}.", "Give the folder of an adapter, or org/name@commit.", code="no_folder")
    # cheapest checks first: no weights are loaded before files, receipt, labels and base are found right
    restored, digests = _restore(folder, base, scratch / "adapter")
    digest = digest_json(digests)
    card = restored.card
    rank = f", r = {restored.settings.rank}, alpha = {restored.settings.alpha:g}" if restored.settings else ""
    findings.append(
        VerifyFinding("form", f"{card.family}/{card.method}{rank}, {len(card.labels)} labels, on {card.base}")
    )
    findings.append(_look_at_receipt(restored, digests))
    if wanted.labels and card.labels != wanted.labels:
        raise bad_adapter(
            f"its labels are {_listed(card.labels)}, not {_listed(wanted.labels)} as the classifier's, in that order."
        )
    model = resolve_base(card.base)
    if model.revision != card.base_revision:
        raise RatchetError(
            f"the adapter was trained on a base of content {card.base_revision[:12]}; {card.base} here is"
            f" {model.revision[:12]}.",
            "Fetch the base that the adapter names, or give it: --base NAME|./FOLDER.",
            code="no_base",
        )
    say(f"verify: trying it on {card.base}, without network and with limited memory and time")
    size = sum(path.stat().st_size for path in (*model.folder.glob("*.safetensors"), *(scratch / "adapter").iterdir()))
    trial = _try(scratch / "adapter", [item.text for item in wanted.golden][:_TEXTS], _ROOM + 6 * size)
    findings.append(
        VerifyFinding(
            "canary", "it answers as it did after training" if trial["canary"] else "there is none to compare with"
        )
    )
    figures = {
        "seconds": trial["seconds"],
        "peak_bytes": trial["peak_bytes"],
        "network_cut": float(trial["network_cut"]),
    }
    if wanted.golden:
        figures |= _score(trial["labels"], wanted)
        scores = f"{figures['texts']:.0f} texts, accuracy {figures['accuracy']:.4f}, macro-F1 {figures['macro_f1']:.4f}"
        findings.append(VerifyFinding("golden set", scores))
    return Verified(digest, card, findings, figures)


def _restore(source: Path, base: str, target: Path) -> tuple[ForeignAdapter, dict[str, str]]:
    """Write the adapter of a third-party folder into `target` in Ratchet's form; returns it and the files' digests."""
    parts = {form.CARD, form.CONFIG, form.MANIFEST}
    # every file is opened once and read through that handle: what was checked cannot be exchanged before it is copied
    with ExitStack() as stack:
        files = open_files(source, stack, small=parts | BESIDE)
        small = {name: read_small(name, file) for name, file in files.items() if name in parts | BESIDE}
        if form.MANIFEST in small:
            form.check_manifest(
                small, {name: digest_open_file(files[name]) for name in files if name not in {form.MANIFEST, *BESIDE}}
            )
        restored = restore_files(small, base)
        weights = form.WEIGHTS[restored.card.method]
        if weights not in files or set(files) & set(form.WEIGHTS.values()) != {weights}:
            raise bad_adapter(f"an adapter of method {restored.card.method} needs {weights} and no other weights.")
        target.mkdir()
        for name, content in restored.files.items():
            (target / name).write_bytes(content)
        files[weights].seek(0)
        with (target / weights).open("wb") as copy:
            shutil.copyfileobj(files[weights], copy)
        stated = {
            name: digest_open_file(stack.enter_context((target / name).open("rb")))
            for name in (*restored.files, weights)
        }
    return restored, stated


def _look_at_receipt(restored: ForeignAdapter, digests: dict[str, str]) -> VerifyFinding:
    """Finding on the receipt beside an adapter; raises `RatchetError` where it is another adapter's."""
    if restored.receipt is None:
        return VerifyFinding("receipt", "there is none, so the evidence behind the adapter is unknown")
    named, stated, digest = restored.receipt.get("adapter"), restored.receipt.get("files"), digest_json(digests)
    weights = form.WEIGHTS[restored.card.method]
    if not isinstance(stated, dict) or stated.get(weights) != digests[weights]:
        raise bad_adapter(f"its receipt is of adapter {show(named)} with other weights.")
    if named == digest:
        return VerifyFinding(
            "receipt", f"names exactly this content, adapter {digest[:12]}; a claim: the signature is not checked"
        )
    base = restored.receipt.get("base")
    if (
        isinstance(base, dict)
        and base.get("content") == restored.card.base_revision
        and restored.card.base != base.get("name")
    ):
        return VerifyFinding(
            "receipt",
            f"is of adapter {show(named)}, whose card had another name for its base; here it is {digest[:12]}",
        )
    raise bad_adapter(f"its receipt is of adapter {show(named)}, and the files are of {digest[:12]}.")


def _try(folder: Path, texts: list[str], room_bytes: int) -> dict[str, Any]:
    """Answers of the adapter in a confined process without secrets; raises `RatchetError` when it gives none."""
    job = {"folder": str(folder), "texts": texts, "room_bytes": room_bytes, "seconds": THIRD_PARTY_OPEN_S}
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    own = {"HF_HOME": str(folder.parent), "TMPDIR": str(folder.parent), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-B", "-m", "ratchet.models.inference.smoke_test"]
    try:
        done = subprocess.run(
            command,
            input=json.dumps(job),
            env={**kept, **own},
            capture_output=True,
            text=True,
            timeout=THIRD_PARTY_TEST_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise bad_adapter(f"the adapter did not answer within {THIRD_PARTY_TEST_S} s.") from None
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise bad_adapter(f"its trial ended with exit code {done.returncode}: {show(last[:200])}.")
    outcome = dict(json.loads(lines[-1]))
    if error := outcome.get("error"):
        raise RatchetError(error["message"], error["hint"], code=error["code"], details=error["details"])
    return outcome


def _score(answers: list[str], wanted: Wanted) -> dict[str, float]:
    names = list(wanted.labels)
    predicted = np.array([names.index(label) for label in answers])
    true = np.array([names.index(item.label) for item in wanted.golden[: len(answers)]])
    accuracy = float((predicted == true).mean())
    return {"texts": len(true), "accuracy": accuracy, "macro_f1": macro_f1(predicted, true, len(names))}


def _listed(labels: Sequence[str]) -> str:
    return ", ".join(labels[:20]) + (f" and {len(labels) - 20} more" if len(labels) > 20 else "")
