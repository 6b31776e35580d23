"""What a frontier model answered and what it cost, kept under the classifier's folder. Holds no text and no key.

An answer is one file, named by the digest of all that was sent; the money of a cycle is a list to which every attempt
is added before it is made. Add here what must outlive the process; what it means is in `ratchet/models/frontier/`.
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
    """Answers by digest, in one folder."""

    folder: Path

    def recall(self, digest: str) -> FrontierAnswer | None:
        """The answer, or None for one that is missing or damaged."""
        content = read_if_there(self._file(digest))
        try:
            document = json.loads(content or b"")
            if document["digest"] != digest_json([digest, document["answer"]]):
                return None
            return FrontierAnswer.from_json(document["answer"])
        except (ValueError, KeyError, TypeError, AttributeError):
            return None

    def keep(self, digest: str, answer: FrontierAnswer) -> None:
        """Durable and whole when this returns; an answer that was there is replaced."""
        content = answer.as_json()
        write_json(self._file(digest), {"digest": digest_json([digest, content]), "answer": content})

    def _file(self, digest: str) -> Path:
        if not DIGEST.fullmatch(digest):
            raise ValueError(f"{digest!r} is no digest")
        return self.folder / f"{digest}.json"


@dataclass(frozen=True)
class CycleSpendLog:
    """The money of one cycle: a line for each attempt, and another when its price is known."""

    path: Path

    def spent(self) -> float:
        """The sum over attempts of what was written last of each: one that a kill cut short counts with what was set
        aside.

        Raises `RatchetError` for a whole line that is no entry: it may be any attempt's, so nobody knows what is left.
        """
        result: dict[str, float] = {}
        for number, line in enumerate(whole_lines(read_if_there(self.path) or b""), start=1):
            entry = _read_entry(line)
            if entry is None:
                raise RatchetError(
                    f"line {number} of {self.path.parent.name}/{self.path.name} is no entry, so it is not known what"
                    " was spent.",
                    "Mend the line; or delete the file, if the whole budget may be spent again.",
                    code="bad_spending",
                )
            result[entry[0]] = entry[1]
        return sum(result.values())

    def write(self, name: str, money: float) -> None:
        """Durable when this returns."""
        append_line(self.path, json.dumps({"attempt": name, "money": money}))


def _read_entry(line: bytes) -> tuple[str, float] | None:
    """Attempt and money of a line; None for anything else, also for what is no amount: a NaN would be below every
    cap."""
    try:
        entry = json.loads(line)
        name, money = entry["attempt"], entry["money"]
        amount = isinstance(money, int | float) and not isinstance(money, bool) and math.isfinite(money) and money >= 0
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
        return None
    return (name, float(money)) if isinstance(name, str) and amount else None


def open_frontier(home: Home, cycle: Cycle, spec: Spec) -> FrontierClient | UnavailableFrontier | None:
    """The frontier model that the specification names, with its memory and the key of the environment; None without
    one.

    One that cannot be asked, as for more labels than there are codes of one token, says so when it is.
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
