"""Commit of a published adapter on a Hub: sent once, read back, and never over anything unknown.

Add here a rule for what may be overwritten; the other jobs of that process are in `client_process.py`.
"""

import time
from collections.abc import Mapping
from typing import Any

from ratchet.core.errors import RatchetError
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
