"""An adapter folder, opened: its small files whole, and its weights only once somebody has looked at their header.

A folder may be anybody's: nothing in it is followed, run, or read at a size that it chooses. The folder is held by its
descriptor, so that what is looked at and what is loaded lie in one folder whatever changes places meanwhile, and bytes
that were digested are digested again when they are loaded. Add here how files come into memory; what they must say is
`format.py`, `peft_format.py` and `safetensors_header.py`.
"""

import hashlib
import os
import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from ratchet.core.names import DIGEST
from ratchet.models.adapters import format as form
from ratchet.models.adapters.format import bad_adapter
from ratchet.models.adapters.safetensors_header import Header

MAX_SMALL = 1_000_000
"""Bytes of a file that is read whole before anything is known of it. As JSON it takes some thirty times as much memory
at worst."""
MAX_HEADER = 1_000_000
"""Bytes of the header of weights: some seven thousand tensors."""
_MAX_BYTES = 2_000_000_000
_WEIGHTS = frozenset(form.WEIGHTS.values())
_SMALL = frozenset({form.CARD, form.MANIFEST, form.CONFIG})


@dataclass(frozen=True)
class OpenFolder:
    """An adapter folder whose files are those of its form, and fit its manifest where it has one."""

    name: str
    small: Mapping[str, bytes]
    """Every file but the weights."""
    card: form.AdapterCard
    digest: str | None
    """What the manifest says that the content is, and what it is; None without a manifest."""
    _weights: BufferedReader
    _weights_digest: str | None

    @property
    def header(self) -> Header:
        """The header of the weights, which costs no more memory than a small file; refused when it is cut or too
        long."""
        self._weights.seek(0)
        start, size = self._weights.read(8), os.fstat(self._weights.fileno()).st_size
        if len(start) < 8:
            raise bad_adapter("adapter weights are cut short.")
        length = int.from_bytes(start, "little")
        if length > min(size - 8, MAX_HEADER):
            raise bad_adapter(f"adapter weights are no safetensors file: their header would have {length} bytes.")
        return Header(self._weights.read(length), size - 8 - length)

    def read_weights(self) -> bytes:
        """The bytes of the weights: those that the manifest was compared with, where there is one."""
        self._weights.seek(0)
        result = self._weights.read(os.fstat(self._weights.fileno()).st_size)
        if self._weights_digest is not None and hashlib.sha256(result).hexdigest() != self._weights_digest:
            raise bad_adapter(f"the weights in adapter folder {self.name} changed while they were read.")
        return result


@contextmanager
def open_folder(folder: Path) -> Iterator[OpenFolder]:
    """Open an adapter folder, sealed or not, and compare all of it with its manifest before anything else is parsed.

    Raises `RatchetError` for a link, for whatever is no regular file, an unknown or missing file, a size that none has,
    or (when sealed) content that differs from the manifest or from the digest that the folder is named by.
    """
    with ExitStack() as stack:
        files = open_files(folder, stack)
        small = {name: read_small(name, file) for name, file in files.items() if name in _SMALL}
        digests = (
            {name: digest_open_file(file) for name, file in files.items() if name != form.MANIFEST}
            if form.MANIFEST in files
            else {}
        )
        digest = form.check_manifest(small, digests) if digests else None
        if digest is not None and digest != folder.name and DIGEST.fullmatch(folder.name):
            raise bad_adapter(f"adapter {folder.name[:16]} is not the content that its name says.")
        card = form.read_card(small)
        expected = {form.CARD, form.WEIGHTS[card.method], *([form.CONFIG] if card.method in form.LOW_RANK else [])}
        if set(files) - {form.MANIFEST} != expected:
            raise bad_adapter(
                f"adapter folder {folder.name} holds {', '.join(sorted(files))}; a {card.method} needs"
                f" {sorted(expected)}."
            )
        weights = form.WEIGHTS[card.method]
        yield OpenFolder(folder.name, small, card, digest, files[weights], digests.get(weights))


def read_folder(folder: Path) -> dict[str, bytes]:
    """Every file of an adapter folder, read once; what is checked is what is loaded. Raises as `open_folder` does."""
    with open_folder(folder) as opened:
        return {**opened.small, form.WEIGHTS[opened.card.method]: opened.read_weights()}


def open_files(folder: Path, stack: ExitStack, small: Collection[str] = _SMALL) -> dict[str, BufferedReader]:
    """The files of a folder by name, in the order of their names; each is open and is a regular file.

    `small` are the names that may be there beside weights. Raises `RatchetError` for any other, and for a link.
    """
    try:
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise bad_adapter(
            f"{folder} is no adapter folder: {error.strerror}.", "Give the folder of an adapter."
        ) from None
    stack.callback(os.close, place)
    names = []
    with os.scandir(place) as entries:
        for entry in entries:
            if entry.name not in {*small, *_WEIGHTS}:
                raise bad_adapter(
                    f"adapter folder {folder.name} holds {entry.name[:80]!r}, which is no part of an adapter."
                )
            names.append(entry.name)
    return {name: stack.enter_context(_open_file(place, name, folder.name)) for name in sorted(names)}


def _open_file(place: int, name: str, folder: str) -> BufferedReader:
    odd = bad_adapter(f"{name} in adapter folder {folder} is no regular file that may be read.")
    try:
        if not stat.S_ISREG(os.stat(name, dir_fd=place, follow_symlinks=False).st_mode):
            raise odd
        file = open(os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=place), "rb")  # noqa: PTH123, SIM115
    except OSError:
        raise odd from None
    status = os.fstat(file.fileno())
    limit = _MAX_BYTES if name in _WEIGHTS else MAX_SMALL
    if not stat.S_ISREG(status.st_mode) or status.st_size > limit:
        file.close()
        raise (
            odd
            if not stat.S_ISREG(status.st_mode)
            else bad_adapter(f"{name} in adapter folder {folder} has {status.st_size} bytes, more than {limit}.")
        )
    return file


def read_small(name: str, file: BufferedReader) -> bytes:
    """The whole of an open file that is not to be larger than a small one."""
    result = file.read(MAX_SMALL + 1)
    if len(result) > MAX_SMALL:
        raise bad_adapter(f"{name} grew while it was read.")
    return result


def digest_open_file(file: BufferedReader) -> str:
    """SHA-256 of an open file, read in blocks."""
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()
