"""What people told the gateway, once each: a repeat is no second row, and a contradiction is kept as evidence.

The newest words of each kind are remembered, and after a restart read back from what was landed, when the first word
comes. Add here when two words are the same; where rows go is `row_log.py`.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from gateway.row_log import CONFLICTS, CORRECTIONS, FEEDBACK, RowLog
from ratchet.core.digests import canonical_json
from ratchet.storage.journal.recent_rows import read_landed

Row = Mapping[str, Any]
REMEMBERED = 50_000
"""Words of one kind and classifier that are remembered, by at most twice as many names (those took 33 MB when
measured)."""


@dataclass(frozen=True)
class RowIdentity:
    """What makes two words the same: the columns that name a word, from the narrowest name, and those that say it."""

    names: tuple[tuple[str, ...], ...]
    says: tuple[str, ...]


WORDS = {
    FEEDBACK: RowIdentity((("request_id", "source"),), ("verdict", "label")),
    CORRECTIONS: RowIdentity(
        (("request_id", "annotator", "ts"), ("request_id", "annotator")), ("label", "saw_prediction")
    ),
}
"""A correction that gives no time is the same word as the annotator's newest on that request."""


@dataclass
class _Known:
    said: OrderedDict[bytes, bytes] = field(default_factory=OrderedDict)
    """By digest of a name: digest of what was said."""
    writing: dict[bytes, "asyncio.Future[None]"] = field(default_factory=dict)
    """By name: the row that is on its way to the disk."""
    loaded: bool = False
    loading: asyncio.Lock = field(default_factory=asyncio.Lock)


class ContradictionError(Exception):
    """Something else was said before by the same source of the same answer; what was said now is on disk as
    evidence."""


@dataclass
class FeedbackLog:
    """The words of all classifiers. Used by one event loop."""

    landing: RowLog
    remembered: int = REMEMBERED
    _known: dict[tuple[str, str], _Known] = field(default_factory=dict)

    async def store(self, classifier: str, kind: str, row: Row, *, timed: bool = True) -> None:
        """Return once this word is on disk, now or since before; `timed` says that a correction's time was given.

        Raises `ContradictionError` when the source said something else before, and OSError when the disk refuses.
        """
        word, known = WORDS[kind], await self._load(classifier, kind)
        names = [_digest(row, columns) for columns in word.names]
        asked, said = names[0 if timed else -1], _digest(row, word.says)
        if asked in known.said:
            if known.said[asked] != said:
                await self._keep_evidence(classifier, kind, row, known, asked + said)
                raise ContradictionError
            if asked in known.writing:
                await asyncio.shield(known.writing[asked])
            return
        written = asyncio.wrap_future(self.landing.append(classifier, kind, row))
        self._remember(known, names, said, written)
        await asyncio.shield(written)

    async def _keep_evidence(self, classifier: str, kind: str, row: Row, known: _Known, name: bytes) -> None:
        if name in known.said:  # this very contradiction is kept already
            return
        content = {"request_id": row["request_id"], "ts": row["ts"], "kind": kind, "said": canonical_json(row)}
        reason = "the same source said something else of this answer before"
        written = asyncio.wrap_future(self.landing.append(classifier, CONFLICTS, {**content, "reason": reason}))
        await asyncio.shield(written)
        self._trim(known, {name: b""})

    def _remember(self, known: _Known, names: Sequence[bytes], said: bytes, written: "asyncio.Future[None]") -> None:
        before = {name: known.said.get(name) for name in names}
        self._trim(known, dict.fromkeys(names, said))
        known.writing.update(dict.fromkeys(names, written))

        def settle(done: "asyncio.Future[None]") -> None:
            failed = done.cancelled() or done.exception() is not None
            for name in names:
                if known.writing.get(name) is done:
                    del known.writing[name]
                    if failed:
                        known.said.pop(name, None)
                        if (old := before[name]) is not None:
                            known.said[name] = old

        written.add_done_callback(settle)

    def _trim(self, known: _Known, added: Mapping[bytes, bytes]) -> None:
        known.said.update(added)
        for name in added:
            known.said.move_to_end(name)
        while len(known.said) > 2 * self.remembered:
            known.said.popitem(last=False)

    async def _load(self, classifier: str, kind: str) -> _Known:
        known = self._known.setdefault((classifier, kind), _Known())
        async with known.loading:
            if not known.loaded:
                rows = await asyncio.to_thread(self._read, classifier, kind)
                for row in rows:
                    said = _digest(row, WORDS[kind].says)
                    self._trim(known, {_digest(row, columns): said for columns in WORDS[kind].names})
                known.loaded = True
        return known

    def _read(self, classifier: str, kind: str) -> list[dict[str, Any]]:
        word, home = WORDS[kind], self.landing.home
        columns = dict.fromkeys([*word.names[0], *word.says, "ts"])
        return read_landed(
            home.journal(classifier, kind), self.landing.target(classifier, kind), list(columns), self.remembered
        )


def _digest(row: Row, columns: Sequence[str]) -> bytes:
    return blake2b(canonical_json([row[name] for name in columns]).encode(), digest_size=16).digest()
