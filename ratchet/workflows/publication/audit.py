"""Reading back: does the Hub still hold what this home published, and nothing that somebody else put there?

Whoever steals a token can push to the branch; what serves here never comes from there, but others may load it. Add here
another thing that a stranger could change on the Hub.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ratchet.core.errors import RatchetError
from ratchet.deployment.hub.subprocesses import ENDPOINT, PATIENCE, Timeouts, ask_hub, endpoint_of
from ratchet.storage.home import Home
from ratchet.storage.registry.publications import Publication, Publications, pending
from ratchet.workflows.verify import VerifyFinding

_NOTHING = "nothing of this home is known to be there: what was sent did not arrive, or was refused; publish it again"


def read_back(
    home: Home, name: str, environment: Mapping[str, str], *, patience: Timeouts = PATIENCE
) -> list[VerifyFinding]:
    """Every publication of a classifier compared with the Hub: files by content, tags, the branch's newest commit, who
    may read.

    The token goes only to the Hub that the environment names: what was published on another is named and not looked at.
    Raises `RatchetError` when the Hub cannot be asked, or shows nothing without a token.
    """
    records = Publications(home).all(name)
    asked, result = endpoint_of(environment), list[VerifyFinding]()
    for endpoint, repo in dict.fromkeys((each.endpoint, each.repo) for each in records):
        ours = [each for each in records if (each.endpoint, each.repo) == (endpoint, repo)]
        commits = [each.commit for each in ours if each.commit]
        if endpoint != asked and not commits:
            continue
        if endpoint != asked:
            result.append(VerifyFinding(repo, "", f"not looked at: it is on {endpoint}. Set {ENDPOINT} to it."))
            continue
        try:
            job = {"job": "look", "repo": repo, "commits": commits, "pending": pending(ours)}
            there = ask_hub(job, environment, patience)
        except RatchetError as error:
            if error.code != "no_repository":
                raise
            result.append(VerifyFinding(repo, "", error.message) if commits else VerifyFinding(repo, _NOTHING))
            continue
        result += compare(ours, there)
    return result


def compare(records: Sequence[Publication], there: Mapping[str, Any]) -> list[VerifyFinding]:
    """What the records of one repository, oldest first, say, against what is there: a pure comparison."""
    repo, ours = records[0].repo, [each for each in records if each.commit]
    branch, seen = f"main of {repo}", str(there["head"])
    sent = VerifyFinding(
        branch, f"is at {seen[:12]}, which this home sent and was stopped before it wrote that down: publish it again"
    )
    if not ours:
        return [sent if there["arrived"] else VerifyFinding(repo, _NOTHING)]
    newest = ours[-1]
    if seen == newest.commit:
        result = [VerifyFinding(branch, f"is at {seen[:12]}, which was published last")]
    elif there["arrived"]:
        result = [sent]
    else:
        result = [
            VerifyFinding(
                branch,
                "",
                f"is at {seen[:12]}, which this home did not publish; its last is {(newest.commit or '')[:12]}",
            )
        ]
    if newest.private and not there["private"]:
        result.append(VerifyFinding(repo, "", "can be read by everyone, but was published for its owner alone"))
    for each in ours:
        what = f"adapter {each.adapter[:12]} in {repo}"
        files = there["digests"].get(each.commit)
        if files != each.files:
            result.append(
                VerifyFinding(what, "", f"commit {(each.commit or '')[:12]} {_difference(each.files, files)}")
            )
        elif each.step != "published":
            result.append(
                VerifyFinding(
                    what, f"is as it was sent, but its publication stopped at '{each.step}': publish it again"
                )
            )
        elif there["tags"].get(each.tag) != each.commit:
            result.append(VerifyFinding(what, "", f"tag {each.tag} names {str(there['tags'].get(each.tag))[:12]} now"))
        else:
            result.append(VerifyFinding(what, f"is as it was published, at {(each.commit or '')[:12]}, tag {each.tag}"))
    return result


def _difference(sent: Mapping[str, str], found: Mapping[str, str] | None) -> str:
    if found is None:
        return "is not there any more"
    changed = sorted(name for name in {*sent, *found} if sent.get(name) != found.get(name))
    return f"holds other content in {', '.join(changed)[:200]}"
