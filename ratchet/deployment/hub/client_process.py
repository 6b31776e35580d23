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
from ratchet.deployment.hub.commit_job import make_commit
from ratchet.deployment.hub.errors import client_errors, conflict, describe_error, failed_for, is_open, wait_after
from ratchet.deployment.hub.repository import HubRepository


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
