"""The ledger: the append-only history of promotions of one classifier, each entry chained to the one before and signed.

Its head is kept in three places: the file, the signed checkpoint beside it, and the flag. Add here how entries are
written and read; their sum is `ratchet/rollout/state.py`, promotions are decided in
`ratchet/workflows/rollout/nominate.py` and `ratchet/rollout/decision.py`.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ratchet.core.errors import RatchetError
from ratchet.core.failpoints import failpoint
from ratchet.core.files import append_line, read_if_there, whole_lines, write_atomically
from ratchet.core.filesystem import DISK, FileSystem
from ratchet.rollout.bucketing import BUCKETING
from ratchet.rollout.error_budget import need_name_and_reason
from ratchet.rollout.evidence.stream import Stream
from ratchet.rollout.ledger_entry import GENESIS, PROMOTE, SHADOW, Entry, Head
from ratchet.rollout.signatures import is_signed, read_checkpoint, sign, write_checkpoint
from ratchet.rollout.state import RolloutState, apply_entry, state_after
from ratchet.storage.home import Home
from ratchet.storage.reserved_space import with_reserve
from ratchet.storage.rollout.signing_key import signing_key, trusted_key

_NOT_DRAWN = Stream(drawn=False)
"""Terms of a comparison whose writer names none."""


@dataclass(frozen=True)
class Ledger:
    """The ledgers of a home. What is trusted besides the key in the home is `home.trust`."""

    home: Home
    disk: FileSystem = DISK

    def entries(self, classifier: str) -> list[Entry]:
        """Read every entry, oldest first; a torn tail (crash while appending) is left out.

        Raises `RatchetError` for a line that was edited, is not signed or does not continue the chain, and for fewer or
        other entries than the signed checkpoint vouches for.
        """
        path = self.home.ledger(classifier)
        anchor = self._anchor(classifier)  # before the entries: a checkpoint never vouches for more than the file holds
        lines = whole_lines(read_if_there(path, self.disk) or b"")
        key: Ed25519PublicKey | None = None
        entries: list[Entry] = []
        for number, line in enumerate(lines, start=1):
            try:
                document: dict[str, Any] = json.loads(line)
                claimed, signature = document.pop("digest"), document.pop("signature")
                entry = Entry(**document)
            except (ValueError, KeyError, TypeError, AttributeError):
                raise _broken(path, f"line {number} cannot be read") from None
            previous = entries[-1].digest if entries else GENESIS
            if entry.digest != claimed or entry.previous != previous or entry.sequence != len(entries) + 1:
                raise _broken(path, f"line {number} does not continue the chain")
            key = key or self._public()
            if not is_signed(key, f"entry {classifier}", claimed, str(signature)):
                raise _broken(path, f"line {number} is not signed with this home's key")
            entries.append(entry)
        # read again before it counts as missing: another process may have written entries and checkpoint meanwhile
        if anchor is None and len(entries) > 1 and self._anchor(classifier) is None:
            raise _broken(self.home.checkpoint(classifier), "is missing")
        check_head(path, entries, anchor or Head(), "the signed checkpoint")
        self._check_trust(classifier, entries, anchor)
        return entries

    def _check_trust(self, classifier: str, entries: list[Entry], anchor: Head | None) -> None:
        """Compare `entries` with what vouches for them from outside the home, and remember what was seen."""
        trust, path = self.home.trust, self.home.ledger(classifier)
        for note, text in trust.notes().items():
            if not text.startswith(f"ratchet/{classifier}\n"):
                continue  # on another classifier
            head = read_checkpoint(self._public(), classifier, text)
            if head is None:
                raise _broken(note, "is not signed with the key that is trusted")
            check_head(path, entries, head, str(note))
        if trust.memory is not None:
            check_head(path, entries, trust.memory.heads.get(classifier, Head()), "this running process")
            if anchor is not None:  # an entry without its checkpoint may still be taken out by its writer
                trust.memory.remember(classifier, anchor)

    def state(self, classifier: str) -> RolloutState:
        """Return the state after all entries."""
        return state_after(self.entries(classifier))

    def head(self, classifier: str) -> Head:
        """Return number and digest of the newest entry."""
        return self.state(classifier).head

    def live(self, classifier: str) -> str | None:
        """Return the digest of the live adapter, or None before the first promotion."""
        return self.state(classifier).live

    def append(self, classifier: str, *, after: Head | None = None, key: str = "", **content: Any) -> Entry:
        """Add an entry after the newest one, durable when this returns. One writer at a time.

        With `after`, raises `RatchetError` when the head is another by now (compare-and-swap). If an entry with the
        same `key` exists, it is returned and nothing is written. Raises for a move that cannot follow.
        """
        secret = self._secret()
        with self.disk.lock(self.home.classifier(classifier) / ".ledger.lock"):
            entries = self.entries(classifier)
            if done := next((entry for entry in entries if key and entry.key == key), None):
                return done
            before = state_after(entries)
            if after is not None and before.head != after:
                raise RatchetError(
                    f"someone decided meanwhile: {classifier} has {before.head.sequence} ledger entries, not"
                    f" {after.sequence}.",
                    "Look at 'ratchet status' and decide again.",
                    code="ledger_changed",
                )
            named: dict[str, Any] = {"bucketing": BUCKETING} if content.get("action") == SHADOW else {}
            if content.get("action") == SHADOW or (content.get("action") == PROMOTE and content.get("receipts")):
                named = {**named, "stream": _NOT_DRAWN.as_json()}
            fields = {"previous_adapter": before.live, **named, **content}
            entry = Entry(sequence=len(entries) + 1, previous=before.head.digest, key=key, **fields)
            after_it = apply_entry(before, entry)
            need_name_and_reason(before, entry)
            self._catch_up(secret, classifier, before.head)
            line = {
                **entry.as_json(),
                "digest": entry.digest,
                "signature": sign(secret, f"entry {classifier}", entry.digest),
            }
            text = json.dumps(line, ensure_ascii=False)
            with_reserve(self.home.ballast, lambda: append_line(self.home.ledger(classifier), text, self.disk))
            failpoint("ledger.before_checkpoint")
            self._vouch(secret, classifier, after_it.head)
        return entry

    def anchor(self, classifier: str) -> None:
        """Write the checkpoint of the newest entry if its writer was killed before that; otherwise write nothing."""
        if self._anchor(classifier) == self.head(classifier):
            return
        secret = self._secret()
        with self.disk.lock(self.home.classifier(classifier) / ".ledger.lock"):
            self._catch_up(secret, classifier, self.head(classifier))

    def _catch_up(self, secret: Ed25519PrivateKey, classifier: str, head: Head) -> None:
        """Write the checkpoint of `head` if it is missing; two entries behind, it would look like an edited ledger."""
        if not head.sequence:
            return
        # the writer of either file may have been killed before syncing its folder
        self.disk.fsync_dir(self.home.classifier(classifier))
        if self._anchor(classifier) != head:
            self.disk.fsync(self.home.ledger(classifier))  # for the same reason; no checkpoint may be ahead of the file
            self._vouch(secret, classifier, head)

    def _vouch(self, secret: Ed25519PrivateKey, classifier: str, head: Head) -> None:
        path, note = self.home.checkpoint(classifier), write_checkpoint(secret, classifier, head)
        with_reserve(self.home.ballast, lambda: write_atomically(path, note.encode(), disk=self.disk))

    def _anchor(self, classifier: str) -> Head | None:
        path = self.home.checkpoint(classifier)
        note = read_if_there(path, self.disk)
        if note is None:
            return None
        head = read_checkpoint(self._public(), classifier, note.decode("utf-8", "replace"))
        if head is None:
            raise _broken(path, "is not signed with this home's key")
        return head

    def _public(self) -> Ed25519PublicKey:
        return trusted_key(self.home, self.disk)

    def _secret(self) -> Ed25519PrivateKey:
        """Return the private key; raises `RatchetError` for one that readers of this home do not trust."""
        secret = signing_key(self.home, self.disk)
        if secret.public_key().public_bytes_raw() != self._public().public_bytes_raw():
            raise RatchetError(
                f"{self.home.signing_key} does not belong to the public key that is trusted here.",
                "Restore the pair from a backup; an entry by another key would be rejected by every reader.",
                code="bad_signing_key",
            )
        return secret


def check_head(path: Path, entries: list[Entry], head: Head, anchor: str) -> None:
    """Raise `RatchetError` unless the ledger at `path` holds the entry that was newest for `anchor`."""
    if head.sequence > len(entries):
        raise _broken(path, f"holds {len(entries)} entries, but {anchor} vouches for {head.sequence}")
    if head.sequence and entries[head.sequence - 1].digest != head.digest:
        raise _broken(path, f"holds another entry {head.sequence} than {anchor} vouches for")


def _broken(path: Any, what: str) -> RatchetError:
    return RatchetError(
        f"{path} {what}.",
        "The ledger was edited or damaged: restore it from a backup; nothing is promoted on a broken ledger.",
        code="broken_ledger",
    )
