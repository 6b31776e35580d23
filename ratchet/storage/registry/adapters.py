"""Sealed adapters on disk: one read-only folder for each, named by the digest of its content.

Add here how adapters are stored and found; the files of a folder are defined in `ratchet/models/adapters/format.py`.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ratchet.core.digests import canonical_json
from ratchet.core.errors import RatchetError
from ratchet.core.failpoints import failpoint
from ratchet.core.files import fsync_folder, publish_file
from ratchet.core.names import DIGEST
from ratchet.models.adapters import format as form
from ratchet.models.adapters.folder import open_folder, read_folder
from ratchet.storage.home import Home


class AdapterStore:
    """The adapters of every classifier of a home."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def seal(self, name: str, source: Path, additions: Mapping[str, Any]) -> str:
        """Copy the adapter folder `source`, with `additions` in its card, under the digest of the result; return it.

        Idempotent: the same content gives the same digest and is stored once. Raises `RatchetError` when `source` is
        not an adapter folder or an addition is not part of a card. A crash at any instant leaves no visible adapter.
        """
        content = {name: data for name, data in read_folder(source).items() if name != form.MANIFEST}
        card = form.AdapterCard.from_json({**form.read_card(content).as_json(), **additions})
        content[form.CARD] = canonical_json(card.as_json()).encode() + b"\n"
        digest = form.content_digest(content)
        target = self._home.adapters(name) / digest
        if target.is_dir():
            self.open(name, digest)
            return digest
        # built in a hidden folder and renamed as a whole, so that no reader ever sees half an adapter
        stage = target.with_name(f".{digest[:16]}.{os.getpid()}.stage")
        shutil.rmtree(stage, ignore_errors=True)
        stage.mkdir(parents=True)
        try:
            for file, data in {**content, form.MANIFEST: form.make_manifest(content)}.items():
                part = stage / f".{file}"
                part.write_bytes(data)
                publish_file(part, stage / file)
                (stage / file).chmod((stage / file).stat().st_mode & 0o444)
            failpoint("adapter_store.before_rename")
            stage.rename(target)
        finally:
            shutil.rmtree(stage, ignore_errors=True)
        fsync_folder(target.parent)
        return digest

    def open(self, name: str, digest: str) -> Path:
        """Return the folder of a sealed adapter, after comparing every byte with its manifest and its name.

        Raises `RatchetError` when there is none, or when anything in it changed.
        """
        folder = self._home.adapters(name) / digest
        if not DIGEST.fullmatch(digest) or not folder.is_dir():
            raise self._unknown(name, digest)
        with open_folder(folder) as opened:
            if opened.digest != digest:
                raise form.bad_adapter(f"adapter {digest[:16]} of {name} is not the content that its name says.")
        return folder

    def weights_of(self, name: str, digest: str) -> str:
        """Return the digest of an adapter's weights as its manifest states it; '' where it is not stored.

        Two adapters with the same weights differ in calibration or labels alone.
        """
        path = self._home.adapters(name) / digest / form.MANIFEST
        if not DIGEST.fullmatch(digest) or not path.is_file():
            return ""
        files = form.parse_json({form.MANIFEST: path.read_bytes()}, form.MANIFEST)["files"]
        return next((str(files[file]) for file in sorted(set(form.WEIGHTS.values())) if file in files), "")

    def digests(self, name: str) -> list[str]:
        """List the digests of all sealed adapters, oldest first."""
        folders = [path for path in self._home.adapters(name).glob("*") if DIGEST.fullmatch(path.name)]
        return [path.name for path in sorted(folders, key=lambda path: (path.stat().st_mtime_ns, path.name))]

    def find(self, name: str, prefix: str) -> str:
        """Return the one digest that begins with `prefix`; raises `RatchetError` when none or several do."""
        matches = [digest for digest in self.digests(name) if prefix and digest.startswith(prefix)]
        if len(matches) != 1:
            if matches:
                raise RatchetError(
                    f"{len(matches)} adapters of {name} begin with {prefix!r}.",
                    "Give more digits.",
                    code="ambiguous_adapter",
                )
            raise self._unknown(name, prefix)
        return matches[0]

    def _unknown(self, name: str, digest: str) -> RatchetError:
        known = ", ".join(each[:12] for each in self.digests(name)[-5:]) or "none"
        return RatchetError(
            f"{name} has no adapter {digest[:64]!r} (newest: {known}).",
            "Train one with 'ratchet cycle', or give one of these digests.",
            code="no_adapter",
        )
