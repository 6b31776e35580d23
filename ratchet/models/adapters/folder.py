"""Opening an adapter folder: small files are read whole, weights only after their header was checked.

A folder may come from anybody: no link in it is followed, nothing is run, and no file is read at a size that it
chooses. The folder is held by its descriptor, so the files that are checked are the files that are loaded, even if the
path is replaced meanwhile; weights that were digested are digested again when they are loaded. Add here how files get
into memory; their content is checked in `format.py`, `peft_format.py` and `safetensors_header.py`.
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
"""Limit, in bytes, of a file that is read whole before it is checked. Parsed JSON takes up to 30 times that."""
MAX_HEADER = 1_000_000
"""Limit, in bytes, of the header of the weights: about 7,000 tensors."""
_MAX_BYTES = 2_000_000_000
_WEIGHTS = frozenset(form.WEIGHTS.values())
_SMALL = frozenset({form.CARD, form.MANIFEST, form.CONFIG})


@dataclass(frozen=True)
class OpenFolder:
    """An adapter folder with exactly the files of its form, which match its manifest if it has one."""

    name: str
    small: Mapping[str, bytes]
    """Content of every file except the weights, by name."""
    card: form.AdapterCard
    digest: str | None
    """Content digest, stated by the manifest and verified; None without a manifest."""
    _weights: BufferedReader
    _weights_digest: str | None

    @property
    def header(self) -> Header:
        """Header of the weights, up to `MAX_HEADER` bytes; raises `RatchetError` where it is cut short or too long."""
        self._weights.seek(0)
        start, size = self._weights.read(8), os.fstat(self._weights.fileno()).st_size
        if len(start) < 8:
            raise bad_adapter("adapter weights are cut short.")
        length = int.from_bytes(start, "little")
        if length > min(size - 8, MAX_HEADER):
            raise bad_adapter(f"adapter weights are not a safetensors file: their header would have {length} bytes.")
        return Header(self._weights.read(length), size - 8 - length)

    def read_weights(self) -> bytes:
        """Bytes of the weights; raises `RatchetError` if they changed since they were compared with the manifest."""
        self._weights.seek(0)
        result = self._weights.read(os.fstat(self._weights.fileno()).st_size)
        if self._weights_digest is not None and hashlib.sha256(result).hexdigest() != self._weights_digest:
            raise bad_adapter(f"the weights in adapter folder {self.name} changed while they were read.")
        return result


@contextmanager
def open_folder(folder: Path) -> Iterator[OpenFolder]:
    """Open an adapter folder, sealed or not, and compare all of it with its manifest before anything else is parsed.

    Raises `RatchetError` for a link or another file that is not regular, for an unknown, missing or oversized file, and
    (when sealed) for content that differs from the manifest or from the digest in the folder's name.
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
        # a folder of a store is named by its digest; any other name is the user's own choice
        if digest is not None and digest != folder.name and DIGEST.fullmatch(folder.name):
            raise bad_adapter(f"adapter {folder.name[:16]} does not have the content that its name states.")
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
    """Read every file of an adapter folder once, after the checks of `open_folder`; raises as it does."""
    with open_folder(folder) as opened:
        return {**opened.small, form.WEIGHTS[opened.card.method]: opened.read_weights()}


def open_files(folder: Path, stack: ExitStack, small: Collection[str] = _SMALL) -> dict[str, BufferedReader]:
    """Open the files of a folder, by name in alphabetical order; each one is a regular file.

    `small` are the names that are allowed beside weights. Raises `RatchetError` for any other name, and for a link.
    """
    try:
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise bad_adapter(
            f"{folder} is not an adapter folder: {error.strerror}.", "Give the folder of an adapter."
        ) from None
    stack.callback(os.close, place)
    names = []
    with os.scandir(place) as entries:
        for entry in entries:
            if entry.name not in {*small, *_WEIGHTS}:
                raise bad_adapter(
                    f"adapter folder {folder.name} holds {entry.name[:80]!r}, which is not part of an adapter."
                )
            names.append(entry.name)
    return {name: stack.enter_context(_open_file(place, name, folder.name)) for name in sorted(names)}


def _open_file(place: int, name: str, folder: str) -> BufferedReader:
    not_regular = bad_adapter(f"{name} in adapter folder {folder} is not a readable regular file.")
    try:
        if not stat.S_ISREG(os.stat(name, dir_fd=place, follow_symlinks=False).st_mode):
            raise not_regular
        file = open(os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=place), "rb")  # noqa: PTH123, SIM115
    except OSError:
        raise not_regular from None
    status = os.fstat(file.fileno())  # of the open file, as the name may have been replaced since it was checked
    limit = _MAX_BYTES if name in _WEIGHTS else MAX_SMALL
    if not stat.S_ISREG(status.st_mode) or status.st_size > limit:
        file.close()
        raise (
            not_regular
            if not stat.S_ISREG(status.st_mode)
            else bad_adapter(f"{name} in adapter folder {folder} has {status.st_size} bytes, more than {limit}.")
        )
    return file


def read_small(name: str, file: BufferedReader) -> bytes:
    """Read the whole of an open file; raises `RatchetError` where it has more than `MAX_SMALL` bytes."""
    result = file.read(MAX_SMALL + 1)
    if len(result) > MAX_SMALL:
        raise bad_adapter(f"{name} grew while it was read.")
    return result


def digest_open_file(file: BufferedReader) -> str:
    """SHA-256 of an open file, 64 hex digits, read in blocks."""
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()
