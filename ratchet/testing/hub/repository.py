"""Repository of the local Hub: commits by content, one branch, tags.

Add here what a repository can hold; it is served over HTTP by `server.py`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from ratchet.core.digests import digest_bytes, digest_json

BRANCH = "main"


class RefusedError(Exception):
    """Error response of the Hub: a status, its `X-Error-Code` and a sentence."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


@dataclass(frozen=True)
class Commit:
    """One state of a repository. `files` holds the SHA-256 of each file's bytes by path."""

    parent: str
    title: str
    files: Mapping[str, str]
    number: int

    @property
    def oid(self) -> str:
        """Identifier of the commit, 40 hex digits from its content, as in git."""
        content = digest_json([self.parent, self.title, dict(self.files), self.number])
        return hashlib.sha1(content.encode(), usedforsecurity=False).hexdigest()


@dataclass
class Repository:
    """Repository as the Hub makes it: with one commit, which holds `.gitattributes`."""

    name: str
    private: bool
    blobs: dict[str, bytes] = field(default_factory=dict)
    """Content by SHA-256: the files of every commit, and uploaded large files that no commit names yet."""
    commits: list[Commit] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.commits:
            self.commit(
                {".gitattributes": b"*.safetensors filter=lfs diff=lfs merge=lfs -text\n"}, title="initial commit"
            )

    @property
    def head(self) -> Commit:
        """Newest commit of the branch."""
        return self.commits[-1]

    def commit(
        self, added: Mapping[str, bytes | str], *, title: str, deleted: tuple[str, ...] = (), parent: str | None = None
    ) -> Commit:
        """Add files (content, or the SHA-256 of a large file that was uploaded before) and delete others, atomically.

        Raises `RefusedError` (412) for a `parent` that is not the newest commit, (422) for a missing large file.
        """
        if parent is not None and not (len(parent) >= 7 and self.head.oid.startswith(parent)):
            raise RefusedError(412, "A commit has happened since. Please refresh and try again.")
        files = {path: sha for path, sha in (self.head.files if self.commits else {}).items() if path not in deleted}
        for path, content in added.items():
            if isinstance(content, str) and content not in self.blobs:
                raise RefusedError(422, f"the large file {path} was never uploaded")
            files[path] = content if isinstance(content, str) else self.keep(content)
        commit = Commit(self.head.oid if self.commits else "", title, files, len(self.commits))
        self.commits.append(commit)
        return commit

    def keep(self, content: bytes) -> str:
        """Store bytes by their SHA-256."""
        sha = digest_bytes(content)
        self.blobs[sha] = content
        return sha

    def tag(self, name: str, revision: str) -> None:
        """Tag a commit for good; raises `RefusedError` (409) for a name that is taken."""
        commit = self.at(revision)
        if name in self.tags:
            raise RefusedError(409, f"Tag reference exists already: {name}")
        self.tags[name] = commit.oid

    def at(self, revision: str) -> Commit:
        """Find the commit of a branch, a tag or 40 hex digits; raises `RefusedError` (404) where there is none."""
        oid = self.head.oid if revision == BRANCH else self.tags.get(revision, revision)
        result = next((commit for commit in self.commits if commit.oid == oid), None)
        if result is None:
            raise RefusedError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return result

    def read(self, revision: str, path: str) -> bytes:
        """Read the bytes of a file; raises `RefusedError` (404) where it is missing."""
        files = self.at(revision).files
        if path not in files:
            raise RefusedError(404, "Entry not found", "EntryNotFound")
        return self.blobs[files[path]]


@dataclass
class HubState:
    """State of a local Hub, which its routes read and change."""

    token: str
    endpoint: str
    large_files: bool = False
    """True where safetensors files are uploaded as large files."""
    repositories: dict[str, Repository] = field(default_factory=dict)


def git_oid(content: bytes) -> str:
    """Identifier that git gives a file of this content, 40 hex digits."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
