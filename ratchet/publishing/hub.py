"""What is said to a Hub, in a process of its own: `python -m ratchet.publishing.hub`, one job as JSON in, one answer out.

The client of the Hub reads its settings when it is imported and waits for ever by default; so it gets a process with an
environment that was made for it (`process.py`), and every request a time-out. An answer that leaves open what happened (a status
of the server's, a time-out, a connection that ends) is never believed: the branch is read back, file by file, and compared by
content. Add a job as one more function of `_JOBS`.
"""

import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from ratchet.errors import RatchetError

_OTHERS = {".gitattributes"}
"""Files that the Hub makes by itself."""
_SMALL = 20_000_000
"""Files that are not kept as large ones are read to be digested; more bytes than this are no text."""
_LOOK_BACK = 30
_LONGEST_WAIT_S = 60.0
T = TypeVar("T")


@dataclass(frozen=True)
class State:
    """A repository as it is: its newest commit, its tags, and whether only its owner reads it."""

    head: str
    private: bool
    tags: Mapping[str, str]


class Repository:
    """One repository of a Hub through its client."""

    def __init__(self, job: Mapping[str, Any]) -> None:
        from huggingface_hub import HfApi

        self.api, self.name = HfApi(), str(job["repo"])
        self.attempts, self.wait_s = int(job["attempts"]), float(job["wait_s"])
        self.timeout_s = float(job["timeout_s"])
        self._known: dict[str, dict[str, str]] = {}

    def state(self) -> State:
        """What it is now; raises `RatchetError` where there is none, or none that may be read."""
        info = self.ask(lambda: self.api.repo_info(self.name, timeout=self.timeout_s))  # else this one call would wait for ever
        refs = self.ask(lambda: self.api.list_repo_refs(self.name))
        head = next((branch.target_commit for branch in refs.branches if branch.name == "main"), info.sha)
        return State(str(head), bool(info.private), {tag.name: tag.target_commit for tag in refs.tags})

    def digests(self, commit: str) -> dict[str, str]:
        """SHA-256 of every file at a commit: of large ones as the Hub keeps them by it, of others from their bytes."""
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
        """The bytes of a file at a commit, past every cache."""
        from huggingface_hub import get_session, hf_hub_url
        from huggingface_hub.utils._headers import build_hf_headers
        from huggingface_hub.utils._http import hf_raise_for_status

        def get() -> bytes:
            answer = get_session().get(hf_hub_url(self.name, path, revision=commit), headers=build_hf_headers())
            hf_raise_for_status(answer)
            return bytes(answer.content)

        return self.ask(get)

    def ask(self, call: Callable[[], T]) -> T:
        """The result of a call that changes nothing, asked again where the Hub did not answer."""
        for attempt in range(self.attempts - 1):
            try:
                return call()
            except client_errors() as error:
                if not is_open(error):
                    raise
                time.sleep(wait_after(error, self.wait_s, attempt))
        return call()

    def holding(self, wanted: Mapping[str, str], newest: str, oldest: str | None) -> str | None:
        """The newest of the commits from `newest` back to `oldest` that holds exactly the wanted files."""
        for commit in self._back_to(newest, oldest):
            if self.digests(commit) == wanted:
                return commit
        return None

    def _back_to(self, newest: str, oldest: str | None) -> Iterator[str]:
        yield newest
        if newest == oldest:
            return
        for each in self.ask(lambda: self.api.list_repo_commits(self.name, revision=newest))[1:_LOOK_BACK]:
            yield each.commit_id
            if each.commit_id == oldest:
                return


def make_commit(job: Mapping[str, Any]) -> dict[str, Any]:
    """Have the wanted files on the branch as one commit; find it where it is there already. Never overwrites what it did not know.

    `parent` is the commit that this home published last (or that a person has looked at), None for a first time; `since` the
    commit after which these files may have been sent before; `pending` what else of ours may have arrived without our knowing.
    """
    repository, wanted = Repository(job), dict(job["digests"])
    state = _opened(repository, job)
    tag, parent = job["tag"], job["parent"]
    if tag in state.tags:
        if repository.digests(state.tags[tag]) == wanted:
            return {"commit": state.tags[tag], "made": False, "private": state.private, "tagged": True}
        raise _conflict(
            f"tag {tag} of {repository.name} names commit {state.tags[tag][:12]}, which holds something else.",
            "A tag names one version for good. Delete it on the Hub if that version is to be forgotten, and publish again.",
        )
    if found := repository.holding(wanted, state.head, job["since"]):
        return {"commit": found, "made": False, "private": state.private, "tagged": False}
    _check_parent(repository, state, parent, job["pending"])
    for attempt in range(repository.attempts):
        failed = _send(repository, job, state.head)
        now = repository.state()
        if found := repository.holding(wanted, now.head, state.head):
            return {"commit": found, "made": True, "private": now.private, "tagged": False}
        if now.head != state.head:
            raise _conflict(
                f"main of {repository.name} moved to {now.head[:12]} meanwhile, by somebody else or by half of this upload.",
                f"Look at it on the Hub; publish on top of it with --parent {now.head}.",
            )
        if failed is None or not is_open(failed):
            break
        time.sleep(wait_after(failed, repository.wait_s, attempt))
    raise _failed(f"the Hub did not take the commit: {describe(failed)}", failed)


def set_tag(job: Mapping[str, Any]) -> dict[str, Any]:
    """Name a commit by the week, once; a tag that names it already is as good, one that names another is a conflict."""
    repository, tag, commit = Repository(job), job["tag"], job["commit"]
    failed: Exception | None = None
    for attempt in range(repository.attempts):
        found = repository.state().tags.get(tag)
        if found == commit:
            return {"tag": tag, "commit": commit}
        if found is not None:
            raise _conflict(
                f"tag {tag} of {repository.name} names commit {found[:12]} already.", "Delete it on the Hub, or keep it."
            )
        if failed is not None and not is_open(failed):
            break
        if attempt and failed is not None:
            time.sleep(wait_after(failed, repository.wait_s, attempt))
        try:
            repository.api.create_tag(repository.name, tag=tag, revision=commit)
            failed = None
        except client_errors() as error:
            failed = error
    if repository.state().tags.get(tag) == commit:
        return {"tag": tag, "commit": commit}
    raise _failed(f"the Hub did not take the tag: {describe(failed)}", failed)


def look(job: Mapping[str, Any]) -> dict[str, Any]:
    """The repository as it is, and the digests of the files at each of `commits`; None where a commit is not there any more."""
    from huggingface_hub.errors import RevisionNotFoundError

    repository = Repository(job)
    state = repository.state()
    found: dict[str, Any] = {}
    for commit in job["commits"]:
        try:
            found[commit] = repository.digests(commit)
        except RevisionNotFoundError:
            found[commit] = None
    return {"head": state.head, "private": state.private, "tags": dict(state.tags), "digests": found}


def _opened(repository: Repository, job: Mapping[str, Any]) -> State:
    """The repository's state, made where there is none; refuses one that others can read where only the owner shall."""
    from huggingface_hub.errors import RepositoryNotFoundError

    for attempt in range(repository.attempts):
        try:
            state = repository.state()
            break
        except RepositoryNotFoundError:
            try:
                repository.api.create_repo(repository.name, private=job["private"], exist_ok=True)
            except client_errors() as error:
                if not is_open(error) or attempt + 1 == repository.attempts:
                    raise _failed(f"the Hub did not make {repository.name}: {describe(error)}", error) from None
                time.sleep(wait_after(error, repository.wait_s, attempt))
    else:
        raise _failed(f"the Hub did not make {repository.name}.", None)
    if job["private"] and not state.private:
        raise RatchetError(
            f"{repository.name} can be read by everyone, but the adapter is to be private; nothing was uploaded.",
            "Make the repository private on the Hub, name another one, or publish with --public.",
            code="not_private",
        )
    return state


def _check_parent(repository: Repository, state: State, parent: str | None, pending: list[dict[str, str]]) -> None:
    """Raise unless the branch stands where we left it, or is new."""
    there = repository.digests(state.head)
    if there in pending:
        return
    if parent is None and there:
        raise _conflict(
            f"{repository.name} holds {', '.join(sorted(there)[:5])}, which this home did not publish.",
            f"Name another repository; or look at it there, and publish on top of it with --parent {state.head}.",
        )
    if parent is not None and state.head != parent:
        raise _conflict(
            f"main of {repository.name} is at {state.head[:12]}, not at {parent[:12]}, which was published last.",
            f"Look at it on the Hub: who pushed that? Publish on top of it with --parent {state.head}.",
        )


def _send(repository: Repository, job: Mapping[str, Any], parent: str) -> Exception | None:
    """Send the commit; the error that came back, if any."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    wanted = job["digests"]
    added = [CommitOperationAdd(name, f"{job['folder']}/{name}") for name in wanted]
    gone = [CommitOperationDelete(name) for name in repository.digests(parent) if name not in wanted]
    if gone:
        names = ", ".join(operation.path_in_repo for operation in gone)
        raise _conflict(
            f"{repository.name} also holds {names[:200]}, which no adapter of ours does.", "Move them to another repository first."
        )
    try:
        repository.api.create_commit(
            repository.name, added, commit_message=job["message"], parent_commit=parent, revision="main", num_threads=1
        )
    except client_errors() as error:
        return error
    return None


def client_errors() -> tuple[type[Exception], ...]:
    """What the client raises when a Hub refuses, fails or is silent; it wraps some of it."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError

    return (HfHubHTTPError, httpx2.HTTPError, OSError, ValueError, RuntimeError)


def is_open(error: Exception) -> bool:
    """Whether an error leaves open what happened, or says to come again; a refusal for good does not."""
    import httpx2

    if (status := status_of(error)) is not None:
        return status in {408, 409, 412, 425, 429} or status >= 500
    return any(isinstance(each, httpx2.TransportError | TimeoutError | ConnectionError) for each in (error, error.__cause__))


def response_of(error: Exception | None) -> Any:
    """The Hub's answer that an error, or what it wraps, is about; None where none came."""
    cause = getattr(error, "__cause__", None)
    return next((found for each in (error, cause) if (found := getattr(each, "response", None)) is not None), None)


def status_of(error: Exception | None) -> int | None:
    """The status of that answer."""
    return getattr(response_of(error), "status_code", None)


def wait_after(error: Exception, wait_s: float, attempt: int) -> float:
    """Seconds until the next attempt: what the Hub asks for, at most a minute, else twice as long each time."""
    asked = getattr(response_of(error), "headers", {}).get("Retry-After", "")
    return min(_LONGEST_WAIT_S, float(asked)) if asked.isdigit() else wait_s * 2.0**attempt


def describe(error: Exception | None) -> str:
    """An error of the client in one line, with what the Hub said."""
    if error is None:
        return "it answered that it had, but the files are not there."
    said = str(error).strip().splitlines() or [""]
    status = status_of(error)
    return f"{type(error).__name__}{f' {status}' if status else ''}: {said[0][:200]}"


def _conflict(found: str, cure: str) -> RatchetError:
    return RatchetError(found, cure, code="conflict")


def _failed(found: str, error: Exception | None) -> RatchetError:
    status = status_of(error)
    if status in {401, 403}:
        return RatchetError(found, "HF_TOKEN needs to be a token that may write to that repository.", code="no_permission")
    return RatchetError(found, "Publish again: what was done is found, and nothing is done twice.", code="hub")


_JOBS = {"commit": make_commit, "tag": set_tag, "look": look}


def answer(job: Mapping[str, Any]) -> dict[str, Any]:
    """What a job gives, or the error that stands for it."""
    import httpx2
    from huggingface_hub import set_client_factory
    from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

    limit = httpx2.Timeout(float(job["timeout_s"]))
    set_client_factory(lambda: httpx2.Client(timeout=limit, follow_redirects=True))
    try:
        return _JOBS[job["job"]](job)
    except RatchetError as error:
        return error.as_json()
    except RepositoryNotFoundError:
        return RatchetError(
            f"there is no repository {job['repo']} that this token may read.",
            "Look whether it was removed or renamed.",
            code="no_repository",
        ).as_json()
    except (HfHubHTTPError, httpx2.TransportError) as error:
        return _failed(f"the Hub cannot be asked about {job['repo']}: {describe(error)}", error).as_json()


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    said = json.dumps(answer(asked))
    sys.stdout.write(f"\n{said}\n")
