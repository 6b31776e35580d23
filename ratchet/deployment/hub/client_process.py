"""What is said to a Hub, in a process of its own: `python -m ratchet.deployment.hub.client_process`, one job as JSON
in, one run_job out.

The client of the Hub reads its settings when it is imported and waits for ever by default; so it gets a process with an
environment that was made for it (`subprocesses.py`), and every request a time-out. An run_job that leaves open what
happened (a status of the server's, a time-out, a connection that ends) is never believed: the branch is read back, file
by file, and compared by content. Add a job as one more function of `_JOBS`.
"""

import json
import os
import sys
import time
from collections.abc import Mapping
from typing import Any

from ratchet.core.errors import RatchetError
from ratchet.deployment.hub.errors import client_errors, conflict, describe_error, failed_for, is_open, wait_after
from ratchet.deployment.hub.repository import HubRepository, RepositoryState


def make_commit(job: Mapping[str, Any]) -> dict[str, Any]:
    """Have the wanted files on the branch as one commit; find it where it is there already. Never overwrites what it
    did not know.

    `parent` is the commit that this home published last (or that a person has looked at), None for a first time;
    `known` the commit that these files were published as, if that is known, `since` the one after which they may have
    been sent before; `pending` what else of ours may have arrived without our knowing.
    """
    repository, wanted = HubRepository(job), dict(job["digests"])
    state = _opened(repository, job)
    tag, parent = job["tag"], job["parent"]
    if tag in state.tags:
        if repository.digests(state.tags[tag]) == wanted:
            return {"commit": state.tags[tag], "made": False, "private": state.private, "tagged": True}
        raise conflict(
            f"tag {tag} of {repository.name} names commit {state.tags[tag][:12]}, which holds something else.",
            "A tag names one version for good. Delete it on the Hub if that version is to be forgotten, and publish"
            " again.",
        )
    known = job["known"] if job["known"] and repository.holds(wanted, job["known"]) else None
    if result := known or repository.holding(wanted, state.head, job["since"], job["message"]):
        return {"commit": result, "made": False, "private": state.private, "tagged": False}
    _check_parent(repository, state, parent, job["pending"])
    for attempt in range(repository.attempts):
        failed = _send(repository, job, state.head)
        now = repository.state()
        if result := repository.holding(wanted, now.head, state.head, job["message"]):
            return {"commit": result, "made": True, "private": now.private, "tagged": False}
        if now.head != state.head:
            raise conflict(
                f"main of {repository.name} moved to {now.head[:12]} meanwhile, by somebody else or by half of this"
                " upload.",
                f"Look at it on the Hub; publish on top of it with --parent {now.head}.",
            )
        if failed is None or not is_open(failed):
            break
        time.sleep(wait_after(failed, repository.wait_s, attempt))
    raise failed_for(f"the Hub did not take the commit: {describe_error(failed)}", failed)


def set_tag(job: Mapping[str, Any]) -> dict[str, Any]:
    """Name a commit by the week, once; a tag that names it already is as good, one that names another is a conflict."""
    repository, tag, commit = HubRepository(job), job["tag"], job["commit"]
    failed: Exception | None = None
    for attempt in range(repository.attempts):
        result = repository.state().tags.get(tag)
        if result == commit:
            return {"tag": tag, "commit": commit}
        if result is not None:
            raise conflict(
                f"tag {tag} of {repository.name} names commit {result[:12]} already.",
                "Delete it on the Hub, or keep it.",
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
    raise failed_for(f"the Hub did not take the tag: {describe_error(failed)}", failed)


def open_to_all(job: Mapping[str, Any]) -> dict[str, Any]:
    """Let everyone read the repository, with all that it holds; one that is open already is as good."""
    repository = HubRepository(job)
    failed: Exception | None = None
    for attempt in range(repository.attempts):
        if not repository.state().private:
            return {"private": False}
        if failed is not None:
            if not is_open(failed):
                break
            time.sleep(wait_after(failed, repository.wait_s, attempt))
        try:
            repository.api.update_repo_settings(repository.name, private=False)
            failed = None
        except client_errors() as error:
            failed = error
    if not repository.state().private:
        return {"private": False}
    raise failed_for(f"the Hub did not open {repository.name} to everyone: {describe_error(failed)}", failed)


def look(job: Mapping[str, Any]) -> dict[str, Any]:
    """The repository as it is, and the digests of the files at each of `commits`; None where a commit is not there any
    more.

    `arrived` says whether the newest commit holds one of the `pending`: what was sent and never written down.
    """
    from huggingface_hub.errors import RevisionNotFoundError

    repository = HubRepository(job)
    state = repository.state()
    result: dict[str, Any] = {}
    for commit in job["commits"]:
        try:
            result[commit] = repository.digests(commit)
        except RevisionNotFoundError:
            result[commit] = None
    arrived = bool(job["pending"]) and state.head not in result and repository.digests(state.head) in job["pending"]
    return {
        "head": state.head,
        "private": state.private,
        "tags": dict(state.tags),
        "digests": result,
        "arrived": arrived,
    }


def _opened(repository: HubRepository, job: Mapping[str, Any]) -> RepositoryState:
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
                    raise failed_for(
                        f"the Hub did not make {repository.name}: {describe_error(error)}", error
                    ) from None
                time.sleep(wait_after(error, repository.wait_s, attempt))
    else:
        raise failed_for(f"the Hub did not make {repository.name}.", None)
    if job["private"] and not state.private:
        raise RatchetError(
            f"{repository.name} can be read by everyone, but the adapter is to be private; nothing was uploaded.",
            "Make the repository private on the Hub, name another one, or publish with --public.",
            code="not_private",
        )
    return state


def _check_parent(
    repository: HubRepository, state: RepositoryState, parent: str | None, pending: list[dict[str, str]]
) -> None:
    """Raise unless the branch stands where we left it, or is new."""
    there = repository.digests(state.head)
    if there in pending:
        return
    if parent is None and there:
        raise conflict(
            f"{repository.name} holds {', '.join(sorted(there)[:5])}, which this home did not publish.",
            f"Name another repository; or look at it there, and publish on top of it with --parent {state.head}.",
        )
    if parent is not None and state.head != parent:
        raise conflict(
            f"main of {repository.name} is at {state.head[:12]}, not at {parent[:12]}, which was published last.",
            f"Look at it on the Hub: who pushed that? Publish on top of it with --parent {state.head}.",
        )


def _send(repository: HubRepository, job: Mapping[str, Any], parent: str) -> Exception | None:
    """Send the commit; the error that came back, if any."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    wanted = job["digests"]
    added = [CommitOperationAdd(name, f"{job['folder']}/{name}") for name in wanted]
    gone = [CommitOperationDelete(name) for name in repository.digests(parent) if name not in wanted]
    if gone:
        names = ", ".join(operation.path_in_repo for operation in gone)
        raise conflict(
            f"{repository.name} also holds {names[:200]}, which no adapter of ours does.",
            "Move them to another repository first.",
        )
    try:
        repository.api.create_commit(
            repository.name, added, commit_message=job["message"], parent_commit=parent, revision="main", num_threads=1
        )
    except client_errors() as error:
        return error
    return None


def _not_seen(repo: str, *, token: bool) -> RatchetError:
    """The error for a repository that the Hub does not show; to whoever has no token it shows no private one."""
    if token:
        return RatchetError(
            f"there is no repository {repo} that this token may read.",
            "Look whether it was removed or renamed.",
            code="no_repository",
        )
    return RatchetError(
        f"HF_TOKEN is not set, and without a token the Hub shows no repository {repo}: whether it is there is not"
        " known.",
        "Give a token that may read it: a private repository looks to everybody else as if there were none.",
        code="no_token",
    )


_JOBS = {"commit": make_commit, "tag": set_tag, "open": open_to_all, "look": look}


def run_job(job: Mapping[str, Any]) -> dict[str, Any]:
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
        return _not_seen(str(job["repo"]), token=bool(os.environ.get("HF_TOKEN", "").strip())).as_json()
    except (HfHubHTTPError, httpx2.TransportError) as error:
        return failed_for(f"the Hub cannot be asked about {job['repo']}: {describe_error(error)}", error).as_json()


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    said = json.dumps(run_job(asked))
    sys.stdout.write(f"\n{said}\n")
