"""Cache of a frontier model's answers and log of their cost, in the classifier's folder. Holds no text and no key.

An answer is one file, named by the digest of all that was sent; the cost of a cycle is a list to which every attempt
is added before it is made. Add here what must outlive the process; its meaning is in `ratchet/models/frontier/`.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path

from ratchet.config.prompt import make_prompt
from ratchet.config.spec import Spec
from ratchet.core.cycle import Cycle
from ratchet.core.digests import digest_json
from ratchet.core.errors import RatchetError
from ratchet.core.files import append_line, read_if_there, whole_lines, write_json
from ratchet.core.names import DIGEST
from ratchet.models.frontier.client import FrontierClient, UnavailableFrontier
from ratchet.models.frontier.response import FrontierAnswer
from ratchet.models.frontier.transport import find_key
from ratchet.storage.home import Home


@dataclass(frozen=True)
class FrontierCache:
    """Cache of answers by digest, in one folder."""

    folder: Path

    def recall(self, digest: str) -> FrontierAnswer | None:
        """Return the answer, or None for one that is missing or damaged."""
        content = read_if_there(self._file(digest))
        try:
            document = json.loads(content or b"")
            if document["digest"] != digest_json([digest, document["answer"]]):
                return None
            return FrontierAnswer.from_json(document["answer"])
        except (ValueError, KeyError, TypeError, AttributeError):
            return None

    def keep(self, digest: str, answer: FrontierAnswer) -> None:
        """Store an answer, durable and whole when this returns; an earlier one is replaced."""
        content = answer.as_json()
        write_json(self._file(digest), {"digest": digest_json([digest, content]), "answer": content})

    def _file(self, digest: str) -> Path:
        if not DIGEST.fullmatch(digest):
            raise ValueError(f"{digest!r} is not a digest")
        return self.folder / f"{digest}.json"


@dataclass(frozen=True)
class CycleSpendLog:
    """Log of one cycle's cost: a line for each attempt, and another when its price is known."""

    path: Path

    def spent(self) -> float:
        """Return the money spent: the sum of the last line of each attempt.

        An attempt that was killed counts with the money reserved for it. Raises `RatchetError` for a whole line that is
        not an entry: it may belong to any attempt, so the sum is unknown.
        """
        spent: dict[str, float] = {}
        for number, line in enumerate(whole_lines(read_if_there(self.path) or b""), start=1):
            entry = _read_entry(line)
            if entry is None:
                raise RatchetError(
                    f"line {number} of {self.path.parent.name}/{self.path.name} is not an entry, so the money spent is"
                    " unknown.",
                    f"Fix line {number}; or delete the file, if the whole budget may be spent again.",
                    code="bad_spending",
                )
            spent[entry[0]] = entry[1]
        return sum(spent.values())

    def write(self, name: str, money: float) -> None:
        """Append the money of an attempt, durable when this returns."""
        append_line(self.path, json.dumps({"attempt": name, "money": money}))


def _read_entry(line: bytes) -> tuple[str, float] | None:
    """Return attempt and money of a line; None for anything else, also for an amount that is not finite."""
    try:
        entry = json.loads(line)
        name, money = entry["attempt"], entry["money"]
        # a NaN would be below every budget
        amount = isinstance(money, int | float) and not isinstance(money, bool) and math.isfinite(money) and money >= 0
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
        return None
    return (name, float(money)) if isinstance(name, str) and amount else None


def open_frontier(home: Home, cycle: Cycle, spec: Spec) -> FrontierClient | UnavailableFrontier | None:
    """Open the specification's frontier model, with its cache and the key of the environment; None without one.

    One that cannot be used, for instance because labels outnumber the codes of one token, says so when it is asked.
    """
    if spec.frontier is None:
        return None
    folder = home.frontier(cycle.classifier)
    try:
        prompt = make_prompt(spec.prompt, spec.label)
    except RatchetError as error:
        return UnavailableFrontier(spec.frontier, error.message)
    return FrontierClient(
        spec.frontier,
        prompt,
        find_key(spec.frontier),
        FrontierCache(folder / "answers"),
        CycleSpendLog(folder / "spent" / f"{cycle.week}.jsonl"),
    )
