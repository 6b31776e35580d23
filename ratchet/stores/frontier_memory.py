"""What a frontier model answered and what it cost, kept under the classifier's folder. Holds no text and no key.

An answer is one file, named by the digest of all that was sent; the money of a cycle is a list to which every attempt is added
before it is made. Add here what must outlive the process; what it means is in `ratchet/frontier/`.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from ratchet.cycle import Cycle
from ratchet.files import append_line, read_if_there, whole_lines, write_json
from ratchet.frontier.answer import Answer
from ratchet.frontier.asking import Asker
from ratchet.frontier.endpoint import find_key
from ratchet.identity import digest_json
from ratchet.names import DIGEST
from ratchet.prompt import make_prompt
from ratchet.spec import Spec
from ratchet.stores.home import Home


@dataclass(frozen=True)
class FrontierMemory:
    """Answers by digest, in one folder."""

    folder: Path

    def recall(self, digest: str) -> Answer | None:
        """The answer, or None for one that is missing or damaged."""
        content = read_if_there(self._file(digest))
        try:
            document = json.loads(content or b"")
            if document["digest"] != digest_json([digest, document["answer"]]):
                return None
            return Answer.from_json(document["answer"])
        except (ValueError, KeyError, TypeError, AttributeError):
            return None

    def keep(self, digest: str, answer: Answer) -> None:
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
        """The sum over attempts of what was written last of each: one that a kill cut short counts with what was set aside."""
        found: dict[str, float] = {}
        for line in whole_lines(read_if_there(self.path) or b""):
            entry = json.loads(line)
            found[entry["attempt"]] = float(entry["money"])
        return sum(found.values())

    def write(self, name: str, money: float) -> None:
        """Durable when this returns."""
        append_line(self.path, json.dumps({"attempt": name, "money": money}))


def open_frontier(home: Home, cycle: Cycle, spec: Spec) -> Asker | None:
    """The frontier model that the specification names, with its memory and the key of the environment; None without one.

    Raises `RatchetError` for more labels than there are codes of one token.
    """
    if spec.frontier is None:
        return None
    folder = home.frontier(cycle.classifier)
    return Asker(
        spec.frontier,
        make_prompt(spec.prompt, spec.label),
        find_key(spec.frontier),
        FrontierMemory(folder / "answers"),
        CycleSpendLog(folder / "spent" / f"{cycle.week}.jsonl"),
    )
