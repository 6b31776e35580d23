"""Names in a landing folder: our own segments, files dropped in by others, and leftovers of a killed writer.

Add here what a name in a landing folder means; `reading/` reads files, in the order of `landing.py`.
"""

import os
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from ratchet.ingest.manifest import ManifestEntry
from ratchet.storage.journal.segments import is_sealed, place_of
from ratchet.storage.row_files.formats import SUFFIXES, form_of
from ratchet.storage.row_files.parts import SUCCESS, dropped_parts, is_complete_export

_SEGMENT = re.compile(r"(\d{8,})-([0-9a-f]{16})\.parquet")
_STAGED = ".segment-"


def segment_name(seq: int, sha256: str) -> str:
    """Return `00000012-<first 16 digits of the content's SHA-256>.parquet`."""
    return f"{seq:08d}-{sha256[:16]}.parquet"


def is_segment(name: str, sha256: str | None = None) -> bool:
    """Return True for the name of one of our segments and, when `sha256` is given, of that content."""
    result = _SEGMENT.fullmatch(name)
    return result is not None and (sha256 is None or sha256.startswith(result[2]))


def next_seq(manifest: Iterable[ManifestEntry], folders: Iterable[Path]) -> int:
    """Return one more than any sequence number so far, including segments whose writer was killed before recording."""
    used = [landed.seq for landed in manifest]
    for folder in folders:
        names = os.listdir(folder) if folder.is_dir() else ()  # noqa: PTH208 - a Path for each of many costs time
        used += [int(result[1]) for name in names if name[0].isdigit() and (result := _SEGMENT.fullmatch(name))]
    return max(used, default=0) + 1


def staged(folder: Path) -> Path:
    """Return the dot-file in which the one writer, which holds the warehouse, writes a segment before publishing it."""
    return folder / f"{_STAGED}stage.tmp"


def sweep_staged(folder: Path) -> None:
    """Remove what a killed writer left. Call it only while holding the warehouse, as the one writer."""
    for path in folder.glob(f"{_STAGED}*"):
        path.unlink(missing_ok=True)


def shown(path: Path, folder: Path | None = None) -> str:
    """Return the file's name as valid UTF-8, with its folder's for a part below the landing `folder`.

    A name that is not UTF-8 is shown with escapes, and its file is rejected.
    """
    name = f"{path.parent.name}/{path.name}" if is_part(path, folder) else path.name
    return name.encode("utf-8", "backslashreplace").decode()


def is_part(path: Path, folder: Path | None) -> bool:
    """Return True for a file of an export that was dropped into the landing `folder` as a folder of its own."""
    return folder is not None and path.parent.parent == folder


def arrivals(folder: Path, known: Mapping[str, ManifestEntry], done: Collection[tuple[str, str]]) -> list[Path]:
    """List the files of a landing folder that may be new, in the order to load: those in the manifest, then by name.

    Left out are files in the manifest (`known`, by name) that are `done` (name and SHA-256). Of these our own segments
    never change, so that a folder of ten thousand costs no look at each.
    """
    if not folder.is_dir():
        return []
    with os.scandir(folder) as listed:
        visible = [
            path
            for each in listed
            if _may_be_new(each.name, known, done)
            for path in _parts(folder / each.name, is_folder=each.is_dir(follow_symlinks=False))
        ]
    names = {path: shown(path, folder) for path in visible}
    left = [path for path in visible if (last := known.get(names[path])) is None or not _settled(path, last, done)]
    # segments of the gateway are named by their content: new ones come in the order in which they were journalled
    places = {path: place_of(path) for path in left if names[path] not in known and is_sealed(path.name)}
    seqs = {path: known[names[path]].seq if names[path] in known else 1 << 62 for path in left}
    return sorted(left, key=lambda path: (seqs[path], places.get(path, 0), names[path]))


def _parts(path: Path, *, is_folder: bool) -> list[Path]:
    return dropped_parts(path) if is_folder and is_complete_export(path) else [path]


def _may_be_new(name: str, known: Mapping[str, ManifestEntry], done: Collection[tuple[str, str]]) -> bool:
    last = known.get(name)
    own = last is not None and (name, last.sha256) in done and (is_segment(name, last.sha256) or is_sealed(name))
    return not own and not name.startswith(".")


def _settled(path: Path, last: ManifestEntry, done: Collection[tuple[str, str]]) -> bool:
    return (last.file, last.sha256) in done and unchanged(path, last)


def takeable(path: Path) -> bool:
    """Return True for a plain file in one of the formats, with a name in UTF-8."""
    return form_of(path.name) is not None and path.is_file() and not path.is_symlink() and shown(path) == path.name


def why_not(path: Path) -> str:
    """Return the reason to reject a file that is not takeable."""
    if path.is_symlink():  # it could name a file that whoever dropped it may not read, such as a key
        return "it is a symbolic link; put the file itself into the landing folder"
    if path.is_file():
        return f"its name does not end in one of {', '.join(SUFFIXES)}"
    if path.is_dir():
        return f"it is a folder without {SUCCESS}, by which Spark marks a complete one; put its files here directly"
    return "it is not a plain file, or its name is not UTF-8; put files directly into the landing folder"


def unchanged(path: Path, landed: ManifestEntry) -> bool:
    """Return True where length and time of a file are as when it was landed, so that it need not be read again."""
    if not landed.sha256:
        return not takeable(path)
    stat = path.stat()
    return (stat.st_size, stat.st_mtime_ns) == (landed.bytes, landed.mtime_ns)
