"""Feedback and corrections, each stored once: a repeat adds no row, and a contradiction is kept as evidence.

The newest entries of each kind are remembered; after a restart they are read from the stored rows when the first entry
arrives. Add here what makes two entries the same; where rows go is `row_log.py`.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from hashlib import blake2b
from typing import Any

from gateway.row_log import CONFLICTS, CORRECTIONS, FEEDBACK, REQUESTS, RowLog
from gateway.submission_caps import ArrivedCounts, SubmissionCaps
from ratchet.core.cycle import monday_of
from ratchet.core.digests import canonical_json
from ratchet.data.records import CHECK
from ratchet.storage.journal.recent_rows import count_landed, read_landed

Row = Mapping[str, Any]
REMEMBERED = 50_000
"""Entries of one kind and classifier to remember, under at most twice as many names (these took 33 MB)."""


@dataclass(frozen=True)
class RowIdentity:
    """Columns that name an entry, from the narrowest name, and those that hold its content."""

    names: tuple[tuple[str, ...], ...]
    content: tuple[str, ...]


_CORRECTED = ("label", "saw_prediction", "answer")
IDENTITIES = {
    FEEDBACK: RowIdentity((("request_id", "source"),), ("verdict", "label")),
    CORRECTIONS: RowIdentity((("request_id", "annotator", "ts"), ("request_id", "annotator")), _CORRECTED),
}
"""A correction without a time is the same entry as the annotator's newest one on that request."""


@dataclass
class _Known:
    contents: OrderedDict[bytes, bytes] = field(default_factory=OrderedDict)
    """Digest of an entry's content, by digest of its name."""
    writing: dict[bytes, "asyncio.Future[None]"] = field(default_factory=dict)
    """Row on its way to the disk, by name."""
    loaded: bool = False
    loading: asyncio.Lock = field(default_factory=asyncio.Lock)


class ContradictionError(Exception):
    """Raised when a source contradicts its own earlier entry; the new entry is on disk as evidence."""


@dataclass
class FeedbackLog:
    """Feedback and corrections of all classifiers. Used by one event loop."""

    landing: RowLog
    remembered: int = REMEMBERED
    caps: SubmissionCaps = field(default_factory=SubmissionCaps)
    admit: Callable[[str, str], None] = lambda classifier, person: None
    """Function that raises `RequestError` for a person whose corrections of a classifier are not taken."""
    _counted: set[tuple[str, str]] = field(default_factory=set)
    _known: dict[tuple[str, str], _Known] = field(default_factory=dict)

    async def store(self, classifier: str, kind: str, row: Row, *, timed: bool = True) -> None:
        """Return once this entry is on disk, now or since earlier; `timed` is True if a correction came with a time.

        Raises `RequestError` for a person whose corrections are not taken, `ContradictionError` if the source sent
        something else earlier, `CapError` for a row above a cap, and OSError if the row cannot be written.
        """
        if kind == CORRECTIONS:
            await asyncio.to_thread(self.admit, classifier, str(row["annotator"]))
        identity, known, now = IDENTITIES[kind], await self._load(classifier, kind), datetime.now(UTC)
        requests = await asyncio.to_thread(self._requests, classifier, now) if kind == FEEDBACK else 0
        names = _names(row, identity)
        name, content = names[0 if timed else -1], _digest(row, identity.content)
        if name in known.contents:
            if known.contents[name] == content:
                if name in known.writing:
                    await asyncio.shield(known.writing[name])
                return
            if not _takes_back(row, known.contents[name]):
                self.caps.check(classifier, kind, row, requests, now)
                await self._keep_evidence(classifier, kind, row, known, name + content)
                raise ContradictionError
        self.caps.check(classifier, kind, row, requests, now)
        written = asyncio.wrap_future(self.landing.append(classifier, kind, row))
        self.caps.count(classifier, kind, row, now)
        self._remember(known, names, content, written)
        written.add_done_callback(
            lambda done: (
                self.caps.count(classifier, kind, row, now, -1) if done.cancelled() or done.exception() else None
            )
        )
        await asyncio.shield(written)

    async def _keep_evidence(self, classifier: str, kind: str, row: Row, known: _Known, key: bytes) -> None:
        if key in known.contents:  # the same contradiction is on disk already
            return
        evidence = {"request_id": row["request_id"], "ts": row["ts"], "kind": kind, "said": canonical_json(row)}
        reason = "the same source sent something else about this answer earlier"
        written = asyncio.wrap_future(self.landing.append(classifier, CONFLICTS, {**evidence, "reason": reason}))
        await asyncio.shield(written)
        self._trim(known, {key: b""})

    def _remember(self, known: _Known, names: Sequence[bytes], content: bytes, written: "asyncio.Future[None]") -> None:
        before = {name: known.contents.get(name) for name in names}
        self._trim(known, dict.fromkeys(names, content))
        known.writing.update(dict.fromkeys(names, written))

        def settle(done: "asyncio.Future[None]") -> None:
            failed = done.cancelled() or done.exception() is not None
            for name in names:
                if known.writing.get(name) is done:
                    del known.writing[name]
                    if failed:  # a repeat must be written again, and must not count as a contradiction
                        known.contents.pop(name, None)
                        if (old := before[name]) is not None:
                            known.contents[name] = old

        written.add_done_callback(settle)

    def _trim(self, known: _Known, added: Mapping[bytes, bytes]) -> None:
        known.contents.update(added)
        for name in added:
            known.contents.move_to_end(name)
        while len(known.contents) > 2 * self.remembered:
            known.contents.popitem(last=False)

    async def _load(self, classifier: str, kind: str) -> _Known:
        known = self._known.setdefault((classifier, kind), _Known())
        async with known.loading:
            if not known.loaded:
                rows, counts = await asyncio.to_thread(self._read, classifier, kind)
                self.caps.restore(counts)
                if kind == CORRECTIONS:
                    self.caps.remember_voters(classifier, rows)
                for row in rows:
                    content = _digest(row, IDENTITIES[kind].content)
                    self._trim(known, dict.fromkeys(_names(row, IDENTITIES[kind]), content))
                known.loaded = True
        return known

    def _read(self, classifier: str, kind: str) -> tuple[list[dict[str, Any]], ArrivedCounts]:
        identity, home = IDENTITIES[kind], self.landing.home
        columns = dict.fromkeys(
            [*identity.names[0], *identity.content, "ts", *(["chosen"] if kind == CORRECTIONS else [])]
        )
        rows = read_landed(
            home.journal(classifier, kind), self.landing.target(classifier, kind), list(columns), self.remembered
        )
        return rows, self._count_arrived(classifier, kind)

    def _count_arrived(self, classifier: str, kind: str) -> ArrivedCounts:
        """Count the rows that arrived before this process began; corrections of every classifier, since caps add up."""
        today, home = datetime.now(UTC).date(), self.landing.home
        each = {"corrections": ("annotator", today), "feedback": ("source", monday_of(today))}[kind]
        result = []
        for name in (classifier, *home.classifiers()) if kind == CORRECTIONS else (classifier,):
            if (name, kind) not in self._counted:
                self._counted.add((name, kind))
                since = datetime.combine(each[1], time(tzinfo=UTC))
                found = count_landed(home.journal(name, kind), self.landing.target(name, kind), each[0], since)
                result += [(name, kind, each[1], who, number) for who, number in found.items()]
        return result

    def _requests(self, classifier: str, now: datetime) -> int:
        return self.landing.count_week(classifier, REQUESTS, monday_of(now.date()))


def _names(row: Row, identity: RowIdentity) -> list[bytes]:
    """Return the digests that name an entry; an agreed request asked again is never taken for the person's own vote."""
    names = identity.names[:1] if row.get("chosen") == CHECK else identity.names
    return [_digest(row, columns) for columns in names]


def _takes_back(row: Row, before: bytes) -> bool:
    """Return True where a correction withdraws the one before it, or follows on a withdrawn one: no contradiction."""
    withdrawn = ({"answer": "withdrawn", "saw_prediction": saw} for saw in (True, False))
    return row.get("answer") == "withdrawn" or before in {_digest(each, _CORRECTED) for each in withdrawn}


def _digest(row: Row, columns: Sequence[str]) -> bytes:
    return blake2b(canonical_json([row.get(name) for name in columns]).encode(), digest_size=16).digest()
