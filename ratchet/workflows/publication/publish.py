"""Publishing step by step: record, send, read back, load back, tag. After a kill, the next call finishes the rest.

Add here a step; `prepare.py` makes the files, `ratchet/deployment/hub/client_process.py` talks to the Hub,
`ratchet/storage/registry/publications.py` keeps the records, `reload_check.py` loads back. Nothing here touches what
serves.
"""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from ratchet.core.failpoints import failpoint
from ratchet.deployment.hub.secret_scan import need_clean
from ratchet.deployment.hub.subprocesses import PATIENCE, Timeouts, ask_hub, endpoint_of, need_token
from ratchet.storage.home import Home
from ratchet.storage.registry.publications import Publication, Publications, pending
from ratchet.workflows.publication.prepare import Upload
from ratchet.workflows.publication.reload_check import load_back

ReloadCheck = Callable[[Home, str, Publication, Mapping[str, str], Timeouts], dict[str, float]]


def publish(
    home: Home,
    upload: Upload,
    environment: Mapping[str, str],
    *,
    parent: str | None = None,
    patience: Timeouts = PATIENCE,
    proof: ReloadCheck | None = None,
) -> tuple[Publication, bool]:
    """Publish a prepared upload; returns the record, and True where a new commit was made.

    Publishing the same content again makes no second commit; for a public upload, a private repository is made public
    at the end. `parent` is a commit that a person has reviewed and publishes on top of; by default it is the last one
    of this home. `proof` loads the commit back and compares it, by default `load_back`. Raises `BlockedError` before
    anything is sent when a file holds secrets or personal data, and `RatchetError` for a conflict, a Hub that does not
    answer, or a publication with other logits than the adapter, which gets no tag.
    """
    token = need_token(environment)
    need_clean(upload.files, {"the Hub token of this process": token})
    records, name = Publications(home), upload.classifier
    with records.lock(name):
        record, made = _send(records, upload, environment, parent, patience)
        if record.step == "committed":
            loaded = (proof or load_back)(home, name, record, environment, patience)
            record = records.keep(name, record.at("verified", loaded=loaded))
        if record.step == "verified":
            failpoint("publishing.before_tag")
            ask_hub(
                {"job": "tag", "repo": record.repo, "tag": record.tag, "commit": record.commit}, environment, patience
            )
            failpoint("publishing.after_tag")
            record = records.keep(name, record.at("published"))
        if record.private and not upload.private:  # last, so that nobody sees an unverified version
            record = _open(records, upload, record, environment, patience)
    return record, made


def _open(
    records: Publications, upload: Upload, record: Publication, environment: Mapping[str, str], patience: Timeouts
) -> Publication:
    """Make the repository public, and record that for all publications in it, for this one last."""
    ask_hub({"job": "open", "repo": record.repo}, environment, patience)
    for each in records.of(upload.classifier, record.endpoint, record.repo):
        if each.adapter != record.adapter and each.private:
            records.keep(upload.classifier, replace(each, private=False))
    return records.keep(upload.classifier, replace(record, private=False))


def _send(
    records: Publications, upload: Upload, environment: Mapping[str, str], parent: str | None, patience: Timeouts
) -> tuple[Publication, bool]:
    name, endpoint = upload.classifier, endpoint_of(environment)
    ours = records.of(name, endpoint, upload.repo)
    # a record of the same files, finished or not, is continued; anything else is a new publication
    known = next((each for each in ours if each.adapter == upload.adapter), None)
    newest = parent or next((each.commit for each in reversed(ours) if each.commit), known.parent if known else None)
    before = next((each for each in (known, known and known.attempt) if each and each.files == upload.digests), None)
    if before is None:
        number = records.next_number(name)
        before = Publication(
            upload.adapter,
            upload.week,
            endpoint,
            upload.repo,
            number,
            upload.digests,
            "sending",
            newest,
            upload.private,
        )
        # the record of the earlier commit stays until the new one is on the Hub, which may reject it
        records.keep(name, replace(known, attempt=before) if known and known.commit else before)
    failpoint("publishing.before_commit")
    with tempfile.TemporaryDirectory(prefix="ratchet-upload-") as folder:
        for file, content in upload.files.items():
            (Path(folder) / file).write_bytes(content)
        job = {
            "job": "commit",
            "repo": upload.repo,
            "folder": folder,
            "digests": upload.digests,
            "tag": before.tag,
            "message": f"{name} {upload.week}: adapter {upload.adapter[:12]}",
            "parent": newest,
            "known": before.commit,
            "since": before.parent,
            "pending": pending(ours),
            "private": upload.private,
        }
        found = ask_hub(job, environment, patience)
    failpoint("publishing.after_commit")
    if before.step != "sending" and before.commit == found["commit"]:
        if before.private != found["private"]:  # somebody changed the visibility of the repository
            before = records.keep(name, replace(before, private=found["private"]))
        lost = before.step == "published" and not found["tagged"]  # somebody deleted the tag
        return before.at("verified") if lost else before, False
    return records.keep(
        name, before.at("committed", commit=found["commit"], private=found["private"], loaded=None)
    ), found["made"]
