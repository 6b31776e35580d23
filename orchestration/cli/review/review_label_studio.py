"""`ratchet review --to label-studio` and `--poll`: a batch to Label Studio, and its answers back.

Add here what is printed of them; the steps are `label_studio_push.py` and `label_studio_poll.py` in
`ratchet/workflows/review/`.
"""

from typing import TYPE_CHECKING, Any

from orchestration.cli.output import emit, emit_json

if TYPE_CHECKING:
    from ratchet.storage.home import Home


def exchange_with_label_studio(
    home: "Home", name: str, size: int, json: bool, *, push: bool, predictions: bool, new_project: bool
) -> int:
    """Send a batch of the queue to Label Studio, or take what was answered there."""
    if push:
        from ratchet.workflows.review.label_studio_push import push as send

        pushed = send(home, name, size=size, predictions=predictions, new_project=new_project)
        result: dict[str, Any] = {"classifier": name, **vars(pushed), "poll": vars(pushed.poll)}
        lines = [f"{pushed.sent} requests sent to {pushed.url}/projects/{pushed.project}; {pushed.open} wait there"]
        taken = vars(pushed.poll)
    else:
        from ratchet.workflows.review.label_studio_poll import poll as take

        taken = vars(take(home, name))
        result, lines = {"classifier": name, **taken}, []
    if json:
        emit_json(result)
        return 0
    emit("\n".join([*_taken(taken), *lines]))
    return 0


def _taken(found: dict[str, Any]) -> list[str]:
    """Return what was taken, in sentences."""
    lines = [f"taken: {found['votes']} answers, {found['skips']} skipped, {found['withdrawn']} withdrawn"]
    if found["restored"]:
        lines.append("Label Studio was restored from an older backup: no answer is withdrawn by that")
    if found["gone"]:
        lines.append(f"{found['gone']} tasks are gone there; their answers are kept")
    if found["unknown"]:
        lines.append(f"left for now, not in [people]: {', '.join(found['unknown'])}")
    return lines
