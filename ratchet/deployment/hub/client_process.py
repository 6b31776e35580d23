"""Requests to a Hub, in a separate process: `python -m ratchet.deployment.hub.client_process`, JSON job in, result out.

The client of the Hub reads its settings at import and waits without limit by default, so it gets a process with a
prepared environment (`subprocesses.py`), and every request a time-out. A response that leaves the outcome open (a
server error, a time-out, a lost connection) is never trusted: the branch is read back, file by file, and compared by
content. Add a job as one more function of `_JOBS`.
"""

import json
import os
import sys
import time
from collections.abc import Mapping
from typing import Any

from ratchet.core.errors import RatchetError
from ratchet.core.process_lifetime import run_process
from ratchet.deployment.hub.errors import client_errors, conflict, describe_error, failed_for, is_open, wait_after
from ratchet.deployment.hub.repository import HubRepository, RepositoryState


def make_commit(job: Mapping[str, Any]) -> dict[str, Any]:
    """Put the wanted files on the branch as one commit, or find the commit that holds them; overwrite nothing unknown.

    `parent` is the commit that this home published last (or that a person has reviewed), None for a first time; `known`
    the commit as which these files were published, if that is recorded; `since` the commit after which an earlier
    attempt may have sent them; `pending` other uploads of this home that may have arrived unrecorded.
    """
    repository, wanted = HubRepository(job), dict(job["digests"])
    state = _opened(repository, job)
    tag, parent = job["tag"], job["parent"]
    # an earlier call may have been killed after any step: look for its result first, so that nothing is sent twice
    if tag in state.tags:
        if repository.digests(state.tags[tag]) == wanted:
            return {"commit": state.tags[tag], "made": False, "private": state.private, "tagged": True}
        raise conflict(
            f"tag {tag} of {repository.name} names commit {state.tags[tag][:12]}, which holds something else.",
            "A tag names one version for good. To discard that version, delete the tag on the Hub and publish again.",
        )
    known = job["known"] if job["known"] and repository.holds(wanted, job["known"]) else None
    if result := known or repository.holding(wanted, state.head, job["since"], job["message"]):
        return {"commit": result, "made": False, "private": state.private, "tagged": False}
    _check_parent(repository, state, parent, job["pending"])
    for attempt in range(repository.attempts):
        failed = _send(repository, job, state.head)
        # success or failure, only the branch itself shows whether the commit arrived
        now = repository.state()
        if result := repository.holding(wanted, now.head, state.head, job["message"]):
            return {"commit": result, "made": True, "private": now.private, "tagged": False}
        if now.head != state.head:
            raise conflict(
                f"main of {repository.name} moved to {now.head[:12]} meanwhile, by somebody else or by half of this"
                " upload.",
                f"Review it on the Hub; publish on top of it with --parent {now.head}.",
            )
        if failed is None or not is_open(failed):
            break
        time.sleep(wait_after(failed, repository.wait_s, attempt))
    raise failed_for(f"the Hub did not take the commit: {describe_error(failed)}", failed)


def set_tag(job: Mapping[str, Any]) -> dict[str, Any]:
    """Tag a commit with its week, once; an existing tag of that commit is fine, one of another is a conflict."""
    repository, tag, commit = HubRepository(job), job["tag"], job["commit"]
    failed: Exception | None = None
    for attempt in range(repository.attempts):
        tagged = repository.state().tags.get(tag)
        if tagged == commit:
            return {"tag": tag, "commit": commit}
        if tagged is not None:
            raise conflict(
                f"tag {tag} of {repository.name} names commit {tagged[:12]} already.",
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
    """Make the repository public, with everything in it; one that is public already is fine."""
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
    raise failed_for(f"the Hub did not make {repository.name} public: {describe_error(failed)}", failed)


def look(job: Mapping[str, Any]) -> dict[str, Any]:
    """State of the repository, and the digests of the files at each of `commits`; None for a commit that is gone.

    `arrived` is true where the newest commit holds one of the `pending` uploads, which was sent but never recorded.
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
    """State of the repository, created if missing; raises `RatchetError` for a public one that has to be private."""
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
                        f"the Hub did not create {repository.name}: {describe_error(error)}", error
                    ) from None
                time.sleep(wait_after(error, repository.wait_s, attempt))
    else:
        raise failed_for(f"the Hub did not create {repository.name}.", None)
    if job["private"] and not state.private:
        raise RatchetError(
            f"{repository.name} can be read by everyone, but the adapter has to be private; nothing was uploaded.",
            "Make the repository private on the Hub, name another one, or publish with --public.",
            code="not_private",
        )
    return state


def _check_parent(
    repository: HubRepository, state: RepositoryState, parent: str | None, pending: list[dict[str, str]]
) -> None:
    """Raise `RatchetError` unless the branch is new or as this home left it."""
    there = repository.digests(state.head)
    if there in pending:
        return
    if parent is None and there:
        raise conflict(
            f"{repository.name} holds {', '.join(sorted(there)[:5])}, which this home did not publish.",
            f"Name another repository; or review it there, and publish on top of it with --parent {state.head}.",
        )
    if parent is not None and state.head != parent:
        raise conflict(
            f"main of {repository.name} is at {state.head[:12]}, not at {parent[:12]}, which was published last.",
            f"Find out on the Hub who pushed that. Publish on top of it with --parent {state.head}.",
        )


def _send(repository: HubRepository, job: Mapping[str, Any], parent: str) -> Exception | None:
    """Send the commit; return the error that came back, if any."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    wanted = job["digests"]
    added = [CommitOperationAdd(name, f"{job['folder']}/{name}") for name in wanted]
    gone = [CommitOperationDelete(name) for name in repository.digests(parent) if name not in wanted]
    if gone:
        names = ", ".join(operation.path_in_repo for operation in gone)
        raise conflict(
            f"{repository.name} also holds {names[:200]}, which are not files of a published adapter.",
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
    """The error for a repository that the Hub does not show; without a token it shows no private one."""
    if token:
        return RatchetError(
            f"the Hub has no repository {repo} that this token may read.",
            "Check whether it was removed or renamed.",
            code="no_repository",
        )
    return RatchetError(
        f"HF_TOKEN is not set, and without a token the Hub shows no repository {repo}; it may be private or missing.",
        "Set HF_TOKEN to a token that may read it: without one, a private repository looks as if it did not exist.",
        code="no_token",
    )


_JOBS = {"commit": make_commit, "tag": set_tag, "open": open_to_all, "look": look}


def run_job(job: Mapping[str, Any]) -> dict[str, Any]:
    """Result of a job, or its error as a document."""
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
        return failed_for(f"the Hub does not answer about {job['repo']}: {describe_error(error)}", error).as_json()


def main() -> int:
    """Run the job on standard input; the exit code is 0 whichever result it has."""
    result = json.dumps(run_job(json.load(sys.stdin)))
    sys.stdout.write(f"\n{result}\n")
    return 0


if __name__ == "__main__":
    run_process(main)
