"""Rights of the files of a home: nothing for others, and for its group what the home's own folder gives it.

So a gateway and a promoter that are two users of one group share a home, and nobody else reads its texts. Add here who
else may read; secrets (`signing_key.pem`, `request_ids.secret`) are their owner's alone, and say so where they are
written.
"""

import os
import stat
from pathlib import Path

_READ, _WRITE, _OTHERS = 0o050, 0o020, 0o007


def follow_home_rights(root: Path) -> None:
    """Let this process, and those that it starts, create files with the rights of the home at `root`.

    Where the home does not exist yet, its folder gets the rights of the process's umask, without those of others.
    """
    try:
        os.umask(umask_of(root.stat().st_mode))
    except OSError:
        os.umask(os.umask(0o077) | _OTHERS)


def umask_of(mode: int) -> int:
    """Return the umask for a home whose folder has `mode`."""
    group_reads = mode & _READ == _READ
    return _OTHERS | (0 if group_reads else _READ) | (0 if group_reads and mode & _WRITE else _WRITE)


def limit_to_readers(copy: Path, source: Path) -> None:
    """Take the rights from `copy` that nobody has on `source`, whose content it repeats; the owner keeps his."""
    mode = copy.stat().st_mode & 0o660
    if not _group_reads(source, copy.stat().st_gid):
        mode &= 0o600
    copy.chmod(mode)


def _group_reads(source: Path, group: int) -> bool:
    """True where the members of `group` can read `source`: by its rights, and by those of the folders above it."""
    try:
        found = source.stat()
        folders = [folder.stat() for folder in source.resolve().parents]
    except OSError:
        return False
    return _gives(found, group, stat.S_IRGRP, stat.S_IROTH) and all(
        _gives(folder, group, stat.S_IXGRP, stat.S_IXOTH) for folder in folders
    )


def _gives(found: os.stat_result, group: int, to_group: int, to_others: int) -> bool:
    return bool(found.st_mode & (to_group if found.st_gid == group else to_others))
