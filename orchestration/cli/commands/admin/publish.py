"""`ratchet publish`: upload an adapter to a Hub, or compare the Hub with what was published.

Add here options, confirmation and output; the steps are `ratchet/workflows/publication/publish.py`, the comparison
`audit.py` beside it.
"""

import os
from typing import Annotated

import typer

from orchestration.cli import completion
from orchestration.cli.help import Json, Name
from orchestration.cli.output import emit, emit_json, printable, say
from orchestration.cli.session import Session, confirm, session_of
from ratchet.core.errors import RatchetError, UsageError


def publish(
    context: typer.Context,
    name: Name,
    adapter: Annotated[
        str, typer.Option("--adapter", help="live, shadow, candidate, or a digest.", autocompletion=completion.adapters)
    ] = "live",
    repo: Annotated[
        str, typer.Option("--repo", metavar="OWNER/NAME", help="The repository; default: that of classifier.toml.")
    ] = "",
    public: Annotated[bool, typer.Option("--public", help="Let everyone read it; default: only the owner.")] = False,
    parent: Annotated[
        str | None,
        typer.Option(
            "--parent",
            metavar="COMMIT",
            help="Publish on top of this commit of somebody else, which you have inspected.",
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Publish nothing: compare the Hub with what was published.")
    ] = False,
    json: Json = False,
) -> int:
    """Publish, load back and tag; or compare everything that was published."""
    session = session_of(context)
    session.home.need(name)
    if check:
        return _read_back(session, name, json)
    from ratchet.config.publish import COMMIT
    from ratchet.deployment.hub.secret_scan import need_clean
    from ratchet.deployment.hub.subprocesses import endpoint_of, need_token
    from ratchet.workflows.publication.prepare import prepare
    from ratchet.workflows.publication.publish import publish as publish_it
    from ratchet.workflows.resolve_adapter import find_adapter

    if parent is not None and not COMMIT.fullmatch(parent):
        raise UsageError(f"--parent {parent[:60]!r} is not a commit.", "Give its 40 hex digits.", code="usage")
    token = need_token(os.environ)
    digest = find_adapter(session.home, name, adapter)
    upload = prepare(session.home, name, digest, repo=repo, private=False if public else None)
    # Searched again: `prepare` does not get the token, which must not be in any file either.
    need_clean(upload.files, {"the Hub token of this process": token})
    whom = (
        "for its owner only"
        if upload.private
        else "FOR EVERYONE (a private repository becomes public, with everything in it)"
    )
    where = f"{endpoint_of(os.environ)}/{upload.repo}"
    say(session, f"adapter {digest[:12]} of {upload.week}, {len(upload.files)} files, to {where}, {whom}")
    confirm(session, f"Publish it {whom}?", "publish")
    record, made = publish_it(session.home, upload, os.environ, parent=parent)
    if json:
        emit_json({"classifier": name, **vars(record), "made": made, "url": record.url, "tag": record.tag})
        return 0
    readers = "only its owner can read it" if record.private else "everyone can read it"
    emit(f"{'published' if made else 'already published'}: {record.url}, tag {record.tag}; {readers}")
    loaded = record.loaded or {}
    distance = f"{loaded['distance']:.2g}"
    emit(f"loaded back without Ratchet: {loaded['texts']:.0f} golden texts, logits differ by at most {distance}")
    return 0


def _read_back(session: Session, name: str, json: bool) -> int:
    from ratchet.workflows.publication.audit import read_back

    result = read_back(session.home, name, os.environ)
    faults = [each for each in result if each.fault]
    if json:
        emit_json({"classifier": name, "holds": not faults, "findings": [each.as_json() for each in result]})
        return 1 if faults else 0
    for each in result:
        finding = printable(each.fault or each.detail)
        emit(f"{'FAULT' if each.fault else 'ok':<6}{each.what}: {finding}")
    if not result:
        emit(f"nothing of {name} has been published")
    if faults:
        raise RatchetError(
            f"{len(faults)} of {len(result)} findings are faults. Serving is not affected: no adapter is loaded"
            " from the Hub.",
            "Inspect the repository; revoke the token that published there and create a new one.",
            code="foreign",
        )
    return 0
