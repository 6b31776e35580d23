"""Fuzzing of adapters: cards, settings and headers of weights are mutated, and opened as an adapter is.

A mutant must either be rejected or be a good adapter; a crash ends the trial with the seed to repeat it. For tests;
deliberate attacks are in `hostile.py`, mutations of a document in `json_mutations.py`. Add here a part of an adapter
and its check.
"""

import functools
import json
import math
import random
import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ratchet.core.errors import RatchetError
from ratchet.models.adapters.folder import open_folder
from ratchet.models.adapters.format import CARD, CONFIG, read_card
from ratchet.models.adapters.peft_format import MAX_RANK, expected_tensors, read_lora_settings
from ratchet.models.adapters.safetensors_header import Header, check_header
from ratchet.models.adapters.validation import read_calibration, read_prompt, validate_adapter
from ratchet.models.encoders import empty_classifier, parameter_shapes
from ratchet.testing.adapters.json_mutations import break_letters, mutate

HEADER = "the header of the weights"
_PROMPT = {"before": "Message: ", "after": "\nAnswer:", "codes": ["1", "2", "3"], "chat": False, "system": ""}
_WEIGHTS = "adapter_model.safetensors"


@dataclass
class Tally:
    """Numbers of rejected and accepted mutants of each part, and the thread seconds of the slowest one."""

    refused: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0

    @property
    def trials(self) -> int:
        """Number of mutants."""
        return self.refused.total() + self.accepted.total()


class BadMutantError(AssertionError):
    """A mutant that was neither rejected nor good."""


@dataclass(frozen=True)
class MutantJudge:
    """Parts of a good adapter, an encoder's LoRA, and the check of a mutant of each."""

    parts: Mapping[str, bytes]
    shapes: Mapping[str, tuple[int, ...]]
    expected: Mapping[str, tuple[int, ...]]
    numbers: bytes

    @classmethod
    def of(cls, folder: Path) -> "MutantJudge":
        """Make the judge of an adapter folder; a card with a prompt is added, so that mutants reach it, too."""
        opened = validate_adapter(folder)
        if opened.settings is None:
            raise TypeError("the adapter is not a LoRA")
        shapes = parameter_shapes(empty_classifier(opened.base.folder, len(opened.card.labels)))
        with open_folder(folder) as files:
            card = {**json.loads(files.small[CARD]), "calibration": opened.calibration.as_json()}
            causal = {**card, "family": "causal", "prompt": _PROMPT}
            parts = {
                CARD: _text(card),
                "causal card": _text(causal),
                CONFIG: files.small[CONFIG],
                HEADER: files.header.text,
            }
            numbers = files.read_weights()[8 + len(files.header.text) :]
        return cls(parts, shapes, expected_tensors(opened.settings, shapes), numbers)

    def judge(self, part: str, mutant: bytes) -> None:
        """Raise `RatchetError` for a rejected mutant, AssertionError for one that is accepted but should not be."""
        if part == CONFIG:
            settings = read_lora_settings({CONFIG: mutant})
            expected_tensors(settings, self.shapes)
            good = (
                1 <= settings.rank <= MAX_RANK
                and 0 < settings.alpha <= 16 * MAX_RANK
                and settings.as_json() == json.loads(mutant)
            )
        elif part == HEADER:
            check_header(Header(mutant, len(self.numbers)), self.expected)
            good = self._reads(mutant)
        else:
            card = read_card({CARD: mutant})
            read_prompt(card)
            good = math.isfinite(read_calibration(card).temperature) and card.as_json() == json.loads(mutant)
        if not good:
            raise AssertionError("it was accepted")

    def _reads(self, header: bytes) -> bool:
        """True where the safetensors library reads the same tensors from this header as we do, or rejects it."""
        from safetensors import SafetensorError, deserialize

        try:
            result = deserialize(len(header).to_bytes(8, "little") + header + self.numbers)  # type: ignore[no-untyped-call]
        except SafetensorError:
            return True
        return {name: (tuple(entry["shape"]), entry["dtype"]) for name, entry in result} == {
            name: (shape, "F32") for name, shape in self.expected.items()
        }


def try_mutants(folder: Path, count: int, seed: int) -> Tally:
    """Judge `count` mutants of a good adapter's parts; raises `BadMutantError` for one neither rejected nor good."""
    judge, draw, tally = MutantJudge.of(folder), random.Random(seed), Tally()  # noqa: S311 - a trial, guards nothing
    names = sorted(judge.parts)
    for number in range(count):
        part = draw.choice(names)
        mutant = mutate(judge.parts[part], draw)
        _try(tally, part, functools.partial(judge.judge, part, mutant), f"mutant {number} of seed {seed}", mutant)
    return tally


def try_mutated_folders(good: Path, scratch: Path, count: int, seed: int) -> Tally:
    """Do `try_mutants` with whole folders, each opened as one that is to serve."""
    draw, tally = random.Random(seed), Tally()  # noqa: S311 - as above
    files = {path.name: path.read_bytes() for path in good.iterdir()}
    shutil.copytree(good, scratch)
    for number in range(count):
        name = draw.choice(sorted(files))
        whole = files[name]
        if name == _WEIGHTS:
            end = 8 + int.from_bytes(whole[:8], "little")
            header = mutate(whole[8:end], draw)
            mutant = (
                len(header).to_bytes(8, "little") + header + whole[end:]
                if draw.random() < 0.8
                else break_letters(whole, draw)
            )
        else:
            mutant = mutate(whole, draw)
        (scratch / name).write_bytes(mutant)
        _try(
            tally, name, functools.partial(validate_adapter, scratch), f"mutated folder {number} of seed {seed}", mutant
        )
        (scratch / name).write_bytes(whole)
    return tally


def _try(tally: Tally, part: str, judge: Callable[[], object], what: str, mutant: bytes) -> None:
    started = time.thread_time()
    try:
        judge()
        tally.accepted[part] += 1
    except RatchetError as error:
        str(error).encode()
        tally.refused[part] += 1
    except Exception as error:
        raise BadMutantError(
            f"{what}, of {part}: {type(error).__name__}: {str(error)[:200]}: {mutant[:300]!r}"
        ) from error
    tally.slowest = max(tally.slowest, time.thread_time() - started)


def _text(document: Any) -> bytes:
    return json.dumps(document).encode()
