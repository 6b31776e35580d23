"""Integrity of a classifier: the bytes of what serves and of what it learns from, not the papers about them.

`verify` reads everything, `status` and `doctor` at most `QUICK_BYTES` and otherwise only names and sizes. Add here a
thing that can be damaged, removed or changed while every paper about it still fits.
"""

import os
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from ratchet.core.digests import digest_file
from ratchet.core.errors import RatchetError
from ratchet.data.records import KINDS
from ratchet.ingest.ingested_files import IngestedFiles
from ratchet.ingest.manifest import ManifestEntry, read_manifest, read_newest
from ratchet.ingest.segment_names import is_segment
from ratchet.rollout.state import RolloutState
from ratchet.storage.home import Home
from ratchet.storage.journal.sealed_names import read_sealed
from ratchet.storage.journal.segments import is_intact, is_sealed
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.registry.exports import Exports
from ratchet.workflows.rollout.admission import admitted_fits
from ratchet.workflows.verify_finding import VerifyFinding, find

QUICK_BYTES = 128 * 2**20
"""Most bytes of adapters that a quick look reads: SHA-256 takes about 0.1 s for them."""

QUICK_MANIFEST_BYTES = 3 * 2**20
"""Newest part of the manifest that a quick look follows: about 10,000 files, a week of segments.

They took 0.3 s on two busy cores.
"""
QUICK_SEALED_BYTES = 2**18
"""Newest part of the list of sealed segments that a quick look follows: about 7,000, four days of one kind of row."""


def examine(home: Home, name: str, state: RolloutState, *, whole: bool) -> Iterator[VerifyFinding]:
    """Look at the adapters that answer or may answer next, their exports, and the landed files.

    `whole` reads every byte; otherwise the newest landed files are looked up by name and size.
    """
    left = QUICK_BYTES
    for digest, role in _roles(state).items():
        size = _size_of(home.adapters(name) / digest)
        left -= size
        what = f"{role} adapter {digest[:12]}"
        if whole or left >= 0:
            yield find(what, partial(_read_adapter, home, name, digest, size))
        else:
            yield find(what, partial(_name_adapter, home, name, digest, size))
        if whole:
            for kind, files in _exports(home, name, digest).items():
                yield find(f"{kind} export of {digest[:12]}", partial(_read_export, home, name, digest, kind, files))
    if (home.classifier(name) / "journal").is_dir():
        yield find("sealed segments", partial(_look_up_sealed, home, name, whole=whole))
    yield find("landed files", partial(_look_up_landed, home, name, whole=whole))
    if whole:
        yield find("warehouse", partial(_compare_warehouse, home, name))


def _roles(state: RolloutState) -> dict[str, str]:
    """Return the adapters that answer, shadow, or answer after a rollback, with the first of their roles."""
    roles = {"live": state.live, "candidate": state.challenger, "watching": state.watched_by, "previous": state.refuge}
    result: dict[str, str] = {}
    for role, digest in roles.items():
        if digest is not None:
            result.setdefault(digest, role)
    return result


def _read_adapter(home: Home, name: str, digest: str, size: int) -> str:
    AdapterStore(home).open(name, digest)
    return f"all {size} bytes are those that its name states"


def _name_adapter(home: Home, name: str, digest: str, size: int) -> str:
    if not size:
        AdapterStore(home).open(name, digest)  # raises with the reason
    return f"is there, but its {size / 2**20:.0f} MB were not read; 'ratchet verify {name}' reads them"


def _exports(home: Home, name: str, digest: str) -> dict[str, dict[str, str]]:
    try:
        return admitted_fits(home, name, digest)
    except RatchetError:
        return {}  # the finding on its receipts says why


def _read_export(home: Home, name: str, digest: str, kind: str, files: Mapping[str, str]) -> str:
    folder = Exports(home).folder(name, digest, kind)
    for file, expected in sorted(files.items()):
        path = folder / Path(file).name
        if not path.is_file():
            raise _fault(f"{path} is missing, though the receipt of target_fit names it; the adapter itself answers.")
        if digest_file(path) != expected:
            raise _fault(f"{path} is not what the receipt of target_fit names; the adapter itself answers.")
    return f"{len(files)} files are those that its receipt names"


def _look_up_sealed(home: Home, name: str, *, whole: bool) -> str:
    """Look for the segments that the gateway sealed: pairs and feedback stand in no manifest."""
    segments, complete = read_sealed(home, name, None if whole else QUICK_SEALED_BYTES)
    landing = {home.landing(name, kind).name for kind in KINDS}
    gone = [path for path in segments if not path.exists()]
    if gone:
        raise _fault(f"{_count(gone, 'sealed segments')} gone; nothing else holds the rows.")
    if whole and (odd := [path for path in segments if path.parent.name not in landing and not is_intact(path)]):
        raise _fault(f"{_count(odd, 'sealed segments')} not as sealed: edited, or damaged on disk.")
    older = "" if complete else f"; older ones were not looked up, 'ratchet verify {name}' reads all"
    return f"{'' if complete else 'the newest '}{len(segments)} segments are {'as sealed' if whole else 'there'}{older}"


def _look_up_landed(home: Home, name: str, *, whole: bool) -> str:
    path, complete = home.manifest(name), True
    entries = read_manifest(path) if whole else []
    if not whole:
        entries, complete = read_newest(path, QUICK_MANIFEST_BYTES)
    # another kind of file that was rejected as a whole has no digest
    newest = {(entry.kind, entry.file): entry for entry in entries if entry.sha256}
    folders = {kind: str(home.landing(name, kind)) for kind in {kind for kind, _ in newest}}
    gone, changed = [], []
    for (kind, file), entry in newest.items():
        place = f"{folders[kind]}/{file}"
        try:
            size = os.stat(place).st_size  # noqa: PTH116 - a path object for each of many files costs more than this
        except OSError:
            gone.append(Path(place))
            continue
        ours = is_segment(file) or is_sealed(file)
        # a file that others drop may be replaced by a new version, which the next intake takes; a segment never is
        if (ours or whole) and (size != entry.bytes or (whole and not _is_as_landed(Path(place), entry))):
            changed.append((Path(place), ours))
    if gone:
        raise _fault(f"{_count(gone)} gone from the landing folders; a rebuilt warehouse would lack the rows.")
    if odd := [path for path, ours in changed if ours]:
        raise _fault(f"{_count(odd)} not as landed: a segment is never written again, so it was edited or damaged.")
    later = f", {len(changed)} changed since and will be taken in again" if changed else ""
    older = "" if complete else f"; older ones were not looked up, 'ratchet verify {name}' reads all"
    newer = "" if complete else "the newest "
    return f"{newer}{len(newest) - len(changed)} files are {'as landed' if whole else 'there'}{later}{older}"


def _compare_warehouse(home: Home, name: str) -> str:
    """Compare the files that the warehouse took rows from with the manifest, which a rebuild follows."""
    path = home.warehouse(name)
    if not path.exists():
        return "there is none yet"
    import duckdb

    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            done = {(kind, *row) for kind in KINDS for row in IngestedFiles(connection, name).done(kind)}
    except duckdb.Error as error:
        return f"could not be compared now ({str(error).splitlines()[0][:120]})"
    listed = {(entry.kind, entry.file, entry.sha256) for entry in read_manifest(home.manifest(name))}
    if lacking := sorted(done - listed):
        kind, file, _ = lacking[0]
        more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        raise _fault(f"landing.jsonl no longer lists {kind}/{file}{more}; a rebuilt warehouse would lack the rows.")
    return f"its rows are of {len(done)} files, which landing.jsonl lists"


def _is_as_landed(path: Path, entry: ManifestEntry) -> bool:
    found = digest_file(path)
    return found == entry.sha256 and (not is_sealed(entry.file) or is_intact(path, found))


def _count(paths: list[Path], things: str = "landed files") -> str:
    first = f"{paths[0].parent.name}/{paths[0].name}"
    return f"{first} is" if len(paths) == 1 else f"{first} and {len(paths) - 1} more {things} are"


def _size_of(folder: Path) -> int:
    """Return the bytes of a folder's files; 0 where there is none."""
    try:
        return sum(path.lstat().st_size for path in folder.iterdir())
    except OSError:
        return 0


def _fault(message: str) -> RatchetError:
    return RatchetError(message, "Restore it from a backup.", code="damaged")
