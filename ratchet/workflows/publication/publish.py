"""Publishing step by step: write down, send, read back, load back, tag. A kill between any two is finished by the next
call.

Add here an order of steps; what is uploaded is `prepare.py`, what is said to the Hub
`ratchet/deployment/hub/client_process.py`, what is remembered `ratchet/storage/registry/publications.py`, what is
loaded back `reload_check.py`. Nothing here touches what serves.
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
    """Publish what was prepared; the record, and whether a new commit was made.

    Publishing the same again makes no second revision; a private repository is opened at the end where the upload is
    for everyone. `parent` is a commit that a person has looked at and publishes upon; else it is the one that this home
    published last. `proof` loads the commit back and compares it, `load_back` as a rule. Raises `BlockedError` before
    anything is sent when a file holds what must not leave, and `RatchetError` for a conflict, a Hub that does not
    answer, or a publication that does not answer as the adapter does: it gets no tag then.
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
        if record.private and not upload.private:  # last, so that nobody sees what was not proved
            record = _open(records, upload, record, environment, patience)
    return record, made


def _open(
    records: Publications, upload: Upload, record: Publication, environment: Mapping[str, str], patience: Timeouts
) -> Publication:
    """Let everyone read the repository, and write that down of all that lies in it; of this publication last."""
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
        # What is known of a commit stays until the next one is: the Hub may refuse this.
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
        said = ask_hub(job, environment, patience)
    failpoint("publishing.after_commit")
    if before.step != "sending" and before.commit == said["commit"]:
        if before.private != said["private"]:  # somebody opened or closed the repository
            before = records.keep(name, replace(before, private=said["private"]))
        lost = before.step == "published" and not said["tagged"]  # somebody deleted the tag
        return before.at("verified") if lost else before, False
    return records.keep(
        name, before.at("committed", commit=said["commit"], private=said["private"], loaded=None)
    ), said["made"]
