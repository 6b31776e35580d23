"""Adapters with random defects: cards, settings and headers of weights, mutated from good ones and judged as opening judges them.

Whatever comes of it must be a refusal, or an adapter as good as any; a crash ends the trial with how to repeat it. For tests; what
somebody would write on purpose is `hostile_adapters.py`. Add a way to mutate to `_WAYS`, something that parsers trip over to
`_ODD`.
"""

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

from ratchet.adapter_folder import Header, open_folder
from ratchet.adapter_format import CARD, CONFIG, read_card
from ratchet.adapter_weights import MAX_RANK, check_header, expected_tensors, read_settings
from ratchet.encoders import empty_classifier, parameter_shapes
from ratchet.errors import RatchetError
from ratchet.opened_adapter import open_adapter, read_calibration, read_prompt

HEADER = "the header of the weights"
_PROMPT = {"before": "Message: ", "after": "\nAnswer:", "codes": ["1", "2", "3"], "chat": False, "system": ""}
_WEIGHTS = "adapter_model.safetensors"
_ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, -(2**64), 10**400, 0.5, -0.0, 1e308, 1e-320, "", "a", "(a+)+$", "../../etc", "\x00",
    "\ud800", "\u202e", "é" * 100, "a" * 5_000, "NaN", [], [[]], [[[[[[]]]]]], {}, {"": {}}, {"__class__": "x"}, ["a", "a"],
    [0, 2**62],
    "F16", "F64", "BF16", "CAUSAL_LM", "/", "./x", "org/name@main", "__metadata__", "dora", "full", "probe", "causal",
)  # fmt: skip
_PIECES = (
    b"NaN", b"Infinity", b"1e999", b"-", b"\\ud800", b"\xff", b"\x00", b"[" * 2_000, b"{\"a\":" * 2_000, b",", b":", b"\"", b"}",
    b"]", b"9" * 5_000, b"0x1", b"\xef\xbb\xbf", b"\\u0000", b"//", b" " * 100, b"true", b"null", b"{}", b"[]",
)  # fmt: skip


@dataclass
class Tally:
    """What came of the mutants: how many were refused and accepted of each part, and the slowest, in seconds of its thread."""

    refused: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0

    @property
    def trials(self) -> int:
        """How many mutants there were."""
        return self.refused.total() + self.accepted.total()


class BadMutantError(AssertionError):
    """A mutant that was neither refused nor good."""


@dataclass(frozen=True)
class Judge:
    """The parts of a good adapter, and how a mutant of each is judged. The adapter is an encoder's LoRA."""

    parts: Mapping[str, bytes]
    shapes: Mapping[str, tuple[int, ...]]
    expected: Mapping[str, tuple[int, ...]]
    numbers: bytes

    @classmethod
    def of(cls, folder: Path) -> "Judge":
        """The judge of an adapter folder; its card is given a prompt too, so that mutants reach that."""
        opened = open_adapter(folder)
        if opened.settings is None:
            raise TypeError("the adapter is no LoRA")
        shapes = parameter_shapes(empty_classifier(opened.base.folder, len(opened.card.labels)))
        with open_folder(folder) as files:
            card = {**json.loads(files.small[CARD]), "calibration": opened.calibration.as_json()}
            causal = {**card, "family": "causal", "prompt": _PROMPT}
            parts = {CARD: _text(card), "causal card": _text(causal), CONFIG: files.small[CONFIG], HEADER: files.header.text}
            numbers = files.read_weights()[8 + len(files.header.text) :]
        return cls(parts, shapes, expected_tensors(opened.settings, shapes), numbers)

    def judge(self, part: str, mutant: bytes) -> None:
        """Raise `RatchetError` for what is refused, and AssertionError for a mutant that is accepted and should not be."""
        if part == CONFIG:
            settings = read_settings({CONFIG: mutant})
            expected_tensors(settings, self.shapes)
            good = (
                1 <= settings.rank <= MAX_RANK and 0 < settings.alpha <= 16 * MAX_RANK and settings.as_json() == json.loads(mutant)
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
        """Whether the library that will read the weights finds in this header what was found here, or refuses it."""
        from safetensors import SafetensorError, deserialize

        try:
            found = deserialize(len(header).to_bytes(8, "little") + header + self.numbers)  # type: ignore[no-untyped-call]
        except SafetensorError:
            return True
        return {name: (tuple(entry["shape"]), entry["dtype"]) for name, entry in found} == {
            name: (shape, "F32") for name, shape in self.expected.items()
        }


def try_mutants(folder: Path, count: int, seed: int) -> Tally:
    """Judge `count` mutants of the parts of a good adapter. Raises `BadMutantError` for one that is neither refused nor good."""
    judge, draw, tally = Judge.of(folder), random.Random(seed), Tally()  # noqa: S311 - a trial, guards nothing
    names = sorted(judge.parts)
    for number in range(count):
        part = draw.choice(names)
        mutant = mutate(judge.parts[part], draw)
        _try(tally, part, lambda part=part, mutant=mutant: judge.judge(part, mutant), f"mutant {number} of seed {seed}", mutant)  # type: ignore[misc]
    return tally


def try_mutated_folders(good: Path, scratch: Path, count: int, seed: int) -> Tally:
    """As `try_mutants`, with whole folders, each opened as one that is to serve."""
    draw, tally = random.Random(seed), Tally()  # noqa: S311 - as above
    files = {path.name: path.read_bytes() for path in good.iterdir()}
    shutil.copytree(good, scratch)
    for number in range(count):
        name = draw.choice(sorted(files))
        whole = files[name]
        if name == _WEIGHTS:
            end = 8 + int.from_bytes(whole[:8], "little")
            header = mutate(whole[8:end], draw)
            mutant = len(header).to_bytes(8, "little") + header + whole[end:] if draw.random() < 0.8 else _break(whole, draw)
        else:
            mutant = mutate(whole, draw)
        (scratch / name).write_bytes(mutant)
        _try(tally, name, lambda: open_adapter(scratch), f"mutated folder {number} of seed {seed}", mutant)
        (scratch / name).write_bytes(whole)
    return tally


def mutate(original: bytes, draw: random.Random) -> bytes:
    """A JSON document with one to three defects in its values or its letters."""
    found = original
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        found = draw.choice(_WAYS)(found, draw)
    return found


def _try(tally: Tally, part: str, judge: Callable[[], object], what: str, mutant: bytes) -> None:
    started = time.thread_time()
    try:
        judge()
        tally.accepted[part] += 1
    except RatchetError as error:
        str(error).encode()
        tally.refused[part] += 1
    except Exception as error:
        raise BadMutantError(f"{what}, of {part}: {type(error).__name__}: {str(error)[:200]}: {mutant[:300]!r}") from error
    tally.slowest = max(tally.slowest, time.thread_time() - started)


def _text(document: Any) -> bytes:
    return json.dumps(document).encode()


def _change_value(document: bytes, draw: random.Random) -> bytes:
    """Put something odd in the place of a value, drop it, double it, or call it otherwise."""
    try:
        whole = json.loads(document)
    except (ValueError, RecursionError):
        return _break(document, draw)
    inside, place = [whole], None
    while isinstance(inside[-1], dict | list) and inside[-1] and (len(inside) == 1 or draw.random() < 0.6):
        holder = inside[-1]
        place = draw.choice(list(holder)) if isinstance(holder, dict) else draw.randrange(len(holder))
        inside.append(holder[place])
    if len(inside) < 2:
        return _text(draw.choice(_ODD))
    holder = inside[-2]
    match draw.randrange(5):
        case 0:
            del holder[place]
        case 1 if isinstance(holder, list):
            holder.append(inside[-1])
        case 1:
            holder[draw.choice((*(each for each in _ODD if isinstance(each, str)), f"{place}x"))] = inside[-1]
        case 2 if isinstance(inside[-1], int):
            holder[place] = inside[-1] + draw.choice((-1, 1, 4, 2**32))
        case _:
            holder[place] = draw.choice(_ODD)
    return _text(whole)


def _break(document: bytes, draw: random.Random) -> bytes:
    """Cut, double, flip or put in some letters."""
    start, end = sorted(draw.randrange(len(document) + 1) for _ in range(2))
    end = min(end, start + draw.choice((1, 4, 64, 10_000)))
    match draw.randrange(5):
        case 0:
            return document[:start] + document[end:]
        case 1:
            return document[:end] + document[start:end] + document[end:]
        case 2:
            return document[:start] + draw.choice(_PIECES) + document[start:]
        case 3:
            return document[:start] + draw.choice(_PIECES) + document[end:]
        case _:
            return (
                document[:start]
                + bytes(byte ^ 1 << draw.randrange(8) for byte in document[start : start + 1])
                + document[start + 1 :]
            )


_WAYS: tuple[Callable[[bytes, random.Random], bytes], ...] = (_change_value, _change_value, _break)
