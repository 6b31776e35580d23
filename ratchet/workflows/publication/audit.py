"""Audit of publications: compares the Hub with the records of this home, to find commits of somebody else.

A stolen token can push to the branch. Nothing that serves here comes from there, but others may load it. Add here
another change that an attacker could make on the Hub.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ratchet.core.errors import RatchetError
from ratchet.deployment.hub.subprocesses import ENDPOINT, PATIENCE, Timeouts, ask_hub, endpoint_of
from ratchet.storage.home import Home
from ratchet.storage.registry.publications import Publication, Publications, pending
from ratchet.workflows.verify_finding import VerifyFinding

_NOTHING = "holds nothing from this home: the upload did not arrive, or was rejected; publish it again"


def read_back(
    home: Home, name: str, environment: Mapping[str, str], *, patience: Timeouts = PATIENCE
) -> list[VerifyFinding]:
    """Compare all publications of a classifier with the Hub: files by content, tags, newest commit, visibility.

    The token goes only to the Hub that the environment names: publications on another are listed as not checked.
    Raises `RatchetError` when the Hub does not answer, or shows nothing without a token.
    """
    records = Publications(home).all(name)
    here, findings = endpoint_of(environment), list[VerifyFinding]()
    for endpoint, repo in dict.fromkeys((each.endpoint, each.repo) for each in records):
        ours = [each for each in records if (each.endpoint, each.repo) == (endpoint, repo)]
        commits = [each.commit for each in ours if each.commit]
        if endpoint != here and not commits:
            continue
        if endpoint != here:  # the token may go to no other Hub than the one it was given for
            findings.append(VerifyFinding(repo, "", f"not checked: it is on {endpoint}. Set {ENDPOINT} to it."))
            continue
        try:
            job = {"job": "look", "repo": repo, "commits": commits, "pending": pending(ours)}
            there = ask_hub(job, environment, patience)
        except RatchetError as error:
            if error.code != "no_repository":
                raise
            findings.append(VerifyFinding(repo, "", error.message) if commits else VerifyFinding(repo, _NOTHING))
            continue
        findings += compare(ours, there)
    return findings


def compare(records: Sequence[Publication], there: Mapping[str, Any]) -> list[VerifyFinding]:
    """Compare the records of one repository, oldest first, with its state on the Hub; a pure function."""
    repo, ours = records[0].repo, [each for each in records if each.commit]
    branch, seen = f"main of {repo}", str(there["head"])
    sent = VerifyFinding(
        branch, f"is at {seen[:12]}, which this home sent but was stopped before it recorded that: publish it again"
    )
    if not ours:
        return [sent if there["arrived"] else VerifyFinding(repo, _NOTHING)]
    newest = ours[-1]
    if seen == newest.commit:
        findings = [VerifyFinding(branch, f"is at {seen[:12]}, which was published last")]
    elif there["arrived"]:
        findings = [sent]
    else:
        findings = [
            VerifyFinding(
                branch,
                "",
                f"is at {seen[:12]}, which this home did not publish; its last is {(newest.commit or '')[:12]}",
            )
        ]
    if newest.private and not there["private"]:
        findings.append(VerifyFinding(repo, "", "can be read by everyone, but was published as private"))
    for each in ours:
        what = f"adapter {each.adapter[:12]} in {repo}"
        files = there["digests"].get(each.commit)
        if files != each.files:
            findings.append(
                VerifyFinding(what, "", f"commit {(each.commit or '')[:12]} {_difference(each.files, files)}")
            )
        elif each.step != "published":
            # not a finding against the Hub: a killed publication is finished by the next call
            findings.append(
                VerifyFinding(what, f"is as sent, but its publication stopped at '{each.step}': publish it again")
            )
        elif there["tags"].get(each.tag) != each.commit:
            tagged = str(there["tags"].get(each.tag))[:12]
            findings.append(VerifyFinding(what, "", f"tag {each.tag} now names {tagged}"))
        else:
            findings.append(VerifyFinding(what, f"is as published, at {(each.commit or '')[:12]}, tag {each.tag}"))
    return findings


def _difference(sent: Mapping[str, str], found: Mapping[str, str] | None) -> str:
    if found is None:
        return "no longer exists"
    changed = sorted(name for name in {*sent, *found} if sent.get(name) != found.get(name))
    return f"has other content in {', '.join(changed)[:200]}"
