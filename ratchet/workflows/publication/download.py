"""`python -m ratchet.workflows.publication.download KIND REPO COMMIT FOLDER PARENT`: the files of one base or adapter.

A separate process, since `huggingface_hub` reads its settings once, at import; it ends with its parent. It prints one
JSON document a line: `{"said": ...}` for each file, then `{"done": true}` or `{"error": {...}}`. The token comes from
HF_TOKEN, if set.
"""

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ratchet.core.child_processes import die_with_parent
from ratchet.core.errors import RatchetError
from ratchet.core.process_lifetime import run_process
from ratchet.deployment.hub.foreign_files import choose_published
from ratchet.models.hub_cache import choose_files

_BLOCK = 1 << 20
_CHOOSE: Mapping[str, Callable[[Mapping[str, int]], list[str]]] = {"base": choose_files, "adapter": choose_published}


def main(words: list[str]) -> int:
    """Download the files; returns exit code 0 when all of them are in the folder, 1 after an error was printed."""
    kind, repo, commit, folder, parent = words
    die_with_parent(int(parent))
    try:
        download(repo, commit, Path(folder), _CHOOSE[kind], deep=kind == "adapter")
    except RatchetError as error:
        _print(error.as_json())
        return 1
    _print({"done": True})
    return 0


def download(
    repo: str, commit: str, folder: Path, choose: Callable[[Mapping[str, int]], list[str]], *, deep: bool
) -> None:
    """Download the files of the commit that `choose` selects; each must have the size and digest that the Hub lists.

    `choose` gets the files of the root, with `deep` those of sub-folders too. Raises `RatchetError` for every failure.
    """
    import httpx2
    from huggingface_hub import HfApi, constants, hf_hub_download, set_client_factory
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError
    from huggingface_hub.hf_api import RepoFile

    seconds = float(constants.HF_HUB_DOWNLOAD_TIMEOUT)  # the library's own client has no time-out
    set_client_factory(lambda: httpx2.Client(timeout=seconds, follow_redirects=True))
    token = os.environ.get("HF_TOKEN") or False
    api = HfApi(token=token)
    try:
        tree = api.list_repo_tree(repo, revision=commit, recursive=deep)
        listed = {each.path: each for each in tree if isinstance(each, RepoFile)}
        wanted = choose({path: each.size for path, each in listed.items()})
        check_room(folder, {path: listed[path].size for path in wanted})
        for path in wanted:
            _print({"said": f"{path}, {listed[path].size / 1e6:.1f} MB"})
            hf_hub_download(repo, path, revision=commit, local_dir=folder, token=token)
            _check_file(folder / path, listed[path])
        # the digest of a base covers every file in the folder, so nothing else may stay there
        for stray in {path.name for path in folder.iterdir()} - {*wanted, ".cache"}:
            (folder / stray).unlink()
    except (GatedRepoError, RepositoryNotFoundError) as error:
        raise RatchetError(
            f"the Hub at {constants.ENDPOINT} shows no repository {repo!r}"
            f" {'to this token' if token else 'without a token'}.",
            f"Check the name; accept its terms at {constants.ENDPOINT}/{repo}; set HF_TOKEN to a token that may"
            " read it.",
            code="hub_denied",
        ) from error
    except RevisionNotFoundError as error:
        raise RatchetError(
            f"{repo!r} has no commit {commit}.",
            f"'git ls-remote {constants.ENDPOINT}/{repo}' prints its commits.",
            code="no_commit",
        ) from error
    except (HfHubHTTPError, httpx2.HTTPError, OSError) as error:
        raise RatchetError(
            f"the Hub at {constants.ENDPOINT} did not deliver {repo!r}: {type(error).__name__}.",
            "Run it again: it goes on where it stopped. Set HF_ENDPOINT for another server, HF_HUB_DOWNLOAD_TIMEOUT"
            " for more seconds.",
            code="hub",
        ) from error


def check_room(folder: Path, sizes: Mapping[str, int]) -> None:
    """Raise `RatchetError` unless the disk has room for the bytes that are not downloaded yet; `sizes` in bytes."""
    there = [folder / path for path in sizes if (folder / path).is_file()]
    parts = (folder / ".cache").rglob("*.incomplete")  # partial files, from which the client resumes
    size = sum(sizes.values()) - sum(path.stat().st_size for path in (*there, *parts))
    free = shutil.disk_usage(folder).free
    if size > free:
        raise RatchetError(
            f"{size / 1e9:.1f} GB are still to be downloaded, but {free / 1e9:.1f} GB are free.",
            "Free some space, or set RATCHET_CACHE to another folder.",
            code="disk_full",
        )


def _check_file(path: Path, listed: Any) -> None:
    """Remove a file that is not as the Hub lists it, and raise `RatchetError`.

    Large files are listed by SHA-256, others by git's own digest.
    """
    digest = hashlib.sha256() if listed.lfs else hashlib.sha1(b"blob %d\0" % listed.size, usedforsecurity=False)
    size = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            size += len(block)
            digest.update(block)
    if size != listed.size or digest.hexdigest() != (listed.lfs.sha256 if listed.lfs else listed.blob_id):
        path.unlink()
        raise RatchetError(f"{path.name} differs from what the Hub lists.", "Run it again.", code="hub_bytes")
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _print(document: dict[str, Any]) -> None:
    print(json.dumps(document), flush=True)  # noqa: T201 - the parent reads it


if __name__ == "__main__":
    run_process(lambda: main(sys.argv[1:]))
