"""One repository of a Hub, read through its client: its newest commit, its tags, and the content of each commit.

Nothing here changes anything, so every request can be retried. Add here what is read; `client_process.py` writes.
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from ratchet.deployment.hub.errors import client_errors, is_open, wait_after

_OTHERS = {".gitattributes"}
"""Files that the Hub creates by itself."""
_SMALL = 20_000_000
"""Largest file outside large-file storage, in bytes, that is downloaded to compute its digest."""
_LOOK_BACK = 30
"""Number of commits that are compared whatever their title: each costs one request per small file."""
T = TypeVar("T")


@dataclass(frozen=True)
class RepositoryState:
    """State of a repository: its newest commit, its commits by tag, and its visibility."""

    head: str
    private: bool
    tags: Mapping[str, str]


class HubRepository:
    """One repository of a Hub, through its client."""

    def __init__(self, job: Mapping[str, Any]) -> None:
        from huggingface_hub import HfApi

        self.api, self.name = HfApi(), str(job["repo"])
        self.attempts, self.wait_s = int(job["attempts"]), float(job["wait_s"])
        self.timeout_s = float(job["timeout_s"])
        self._known: dict[str, dict[str, str]] = {}

    def state(self) -> RepositoryState:
        """Current state; raises `RepositoryNotFoundError` where no such repository may be read."""
        # repo_info alone replaces the client's time-out by its own, which is none by default
        info = self.ask(lambda: self.api.repo_info(self.name, timeout=self.timeout_s))
        refs = self.ask(lambda: self.api.list_repo_refs(self.name))
        head = next((branch.target_commit for branch in refs.branches if branch.name == "main"), info.sha)
        return RepositoryState(str(head), bool(info.private), {tag.name: tag.target_commit for tag in refs.tags})

    def digests(self, commit: str) -> dict[str, str]:
        """SHA-256 of every file at a commit: the Hub's own for large files, computed from the bytes for others."""
        from huggingface_hub.hf_api import RepoFile

        if commit in self._known:
            return self._known[commit]  # a commit never changes
        found = {}
        for entry in self.ask(lambda: list(self.api.list_repo_tree(self.name, revision=commit, recursive=True))):
            if not isinstance(entry, RepoFile) or entry.path in _OTHERS:
                continue
            if entry.lfs is not None:
                found[entry.path] = entry.lfs.sha256
            elif entry.size > _SMALL:
                found[entry.path] = f"{entry.size} bytes"
            else:
                found[entry.path] = hashlib.sha256(self.read(commit, entry.path)).hexdigest()
        return self._known.setdefault(commit, found)

    def read(self, commit: str, path: str) -> bytes:
        """Bytes of a file at a commit, without any cache."""
        from huggingface_hub import get_session, hf_hub_url
        from huggingface_hub.utils._headers import build_hf_headers
        from huggingface_hub.utils._http import hf_raise_for_status

        def get() -> bytes:
            response = get_session().get(hf_hub_url(self.name, path, revision=commit), headers=build_hf_headers())
            hf_raise_for_status(response)
            return bytes(response.content)

        return self.ask(get)

    def ask(self, call: Callable[[], T]) -> T:
        """Result of a call that changes nothing, retried where the Hub did not answer."""
        for attempt in range(self.attempts - 1):
            try:
                return call()
            except client_errors() as error:
                if not is_open(error):
                    raise
                time.sleep(wait_after(error, self.wait_s, attempt))
        return call()

    def holds(self, wanted: Mapping[str, str], commit: str) -> bool:
        """True where a commit still exists and holds exactly the wanted files."""
        from huggingface_hub.errors import RevisionNotFoundError

        try:
            return self.digests(commit) == wanted
        except RevisionNotFoundError:
            return False

    def holding(self, wanted: Mapping[str, str], newest: str, oldest: str | None, title: str) -> str | None:
        """The latest commit from `newest` back to `oldest` that holds exactly the wanted files; None where none does.

        Beyond the first few dozen only commits with the title `title` are compared, which this home would have used.
        """
        for commit in self._back_to(newest, oldest, title):
            if self.digests(commit) == wanted:
                return commit
        return None

    def _back_to(self, newest: str, oldest: str | None, title: str) -> Iterator[str]:
        yield newest
        if newest == oldest:
            return
        for number, each in enumerate(
            self.ask(lambda: self.api.list_repo_commits(self.name, revision=newest))[1:], start=1
        ):
            if number < _LOOK_BACK or each.title == title:
                yield each.commit_id
            if each.commit_id == oldest:
                return
