"""Publishing step by step: write down, send, read back, load back, tag. A kill between any two is finished by the next call.

Add here an order of steps; what is uploaded is `ratchet/publishing/contents.py`, what is said to the Hub `hub.py` beside it, what
is remembered `publications.py`. Nothing here touches what serves.
"""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np

from ratchet import adapter_format as form
from ratchet.adapter_folder import read_folder
from ratchet.adapter_weights import read_settings
from ratchet.canary import TOLERANCE
from ratchet.cycle import Cycle, parse_week
from ratchet.deployment.facts import facts_of_artifact
from ratchet.deployment.fit import decide_target_fit
from ratchet.eligibility import decide_eligibility
from ratchet.encoding import encode_texts
from ratchet.errors import BlockedError, RatchetError
from ratchet.failpoints import failpoint
from ratchet.gates import TARGET_GATES
from ratchet.identity import digest_bytes, digest_file
from ratchet.opened_adapter import open_adapter
from ratchet.prediction import load_predictor
from ratchet.prompt_tokenizer import PromptTokenizer
from ratchet.publishing.contents import make_files, need_peft
from ratchet.publishing.model_card import Told
from ratchet.publishing.policy import check_repo
from ratchet.publishing.process import PATIENCE, Patience, ask_hub, endpoint_of, need_token, reload_plainly
from ratchet.publishing.public_base import name_base
from ratchet.publishing.scan import need_clean
from ratchet.redaction import redact
from ratchet.spec import Spec
from ratchet.stores.adapter_store import AdapterStore
from ratchet.stores.ceremony import candidates
from ratchet.stores.home import Home
from ratchet.stores.ledger import Ledger
from ratchet.stores.publications import Publication, Publications
from ratchet.stores.receipts import Receipt, Receipts
from ratchet.stores.reports import Reports
from ratchet.stores.specs import Specs
from ratchet.stores.targets import read_targets

Proof = Callable[[Home, str, Publication, Mapping[str, str], Patience], dict[str, float]]
_TEXTS = 400
"""So many golden texts are asked of what was loaded back, at most."""


@dataclass(frozen=True)
class Upload:
    """Everything of one publication before anything is sent."""

    classifier: str
    adapter: str
    week: str
    repo: str
    files: dict[str, bytes]
    private: bool

    @property
    def digests(self) -> dict[str, str]:
        """SHA-256 of each file."""
        return {name: digest_bytes(content) for name, content in self.files.items()}


def prepare(home: Home, name: str, adapter: str, *, repo: str = "", private: bool | None = None) -> Upload:
    """What would be published of an adapter; asks no Hub. `repo` and `private` go before what classifier.toml says.

    Raises `BlockedError` for an adapter that its gates did not let pass, or that was judged by another specification or golden set
    than there is now: the card would tell of what nobody judged.
    """
    spec = Specs(home)[name]
    policy = spec.publish
    where = check_repo(repo, "--repo") if repo else policy.repo
    if not where:
        raise RatchetError(
            f"no repository is named for {name}.",
            'Give --repo owner/name, or repo = "owner/name" in table [publish] of classifier.toml.',
            code="no_repo",
        )
    policy.need_terms()
    content = read_folder(AdapterStore(home).open(name, adapter))
    need_peft(content)
    cycle, receipts = _evidence(home, name, adapter)
    golden = _need_same_policy(home, spec, adapter, receipts)
    report = Reports(home).read(cycle)
    if report.get("adapter") != adapter:
        raise RatchetError(
            f"the report of {cycle.week} is of another adapter than {adapter[:12]}.",
            "Publish the adapter that it is of, or run that week's cycle again.",
            code="no_report",
        )
    card = form.read_card(content)
    base = name_base(card, policy)
    facts = replace(facts_of_artifact(content), base=base.name.rpartition("/")[2])
    told = Told(
        repo=where,
        adapter=adapter,
        card=card,
        settings=read_settings(content),
        base=base,
        policy=policy,
        spec=spec,
        report=report,
        bytes=len(content[form.WEIGHTS[card.method]]),
        fits={target: decide_target_fit(profile, facts, "proven") for target, profile in read_targets(home).items()},
    )
    receipt = {
        "schema": 1,
        "classifier": name,
        "week": str(cycle.week),
        "adapter": adapter,
        "files": form.file_digests(content),
        "base": {"name": told.base.name, "revision": told.base.revision, "content": card.base_revision},
        "gates": {gate: {"outcome": each.verdict.outcome, "receipt": each.digest} for gate, each in sorted(receipts.items())},
        "specification": spec.digest,
        "golden_set": golden,
        "report": digest_file(home.report(cycle) / "eval_report.json"),
        "ratchet": version("ratchet"),
    }
    files = make_files(content, told, receipt)
    return Upload(name, adapter, str(cycle.week), where, files, policy.private if private is None else private)


def publish(
    home: Home,
    upload: Upload,
    environment: Mapping[str, str],
    *,
    parent: str | None = None,
    patience: Patience = PATIENCE,
    proof: Proof | None = None,
) -> tuple[Publication, bool]:
    """Publish what was prepared; the record, and whether a new commit was made.

    Publishing the same again makes no second revision. `parent` is a commit that a person has looked at and publishes upon; else it
    is the one that this home published last. `proof` loads the commit back and compares it, `load_back` as a rule. Raises
    `BlockedError` before anything is sent when a file holds what must not leave, and `RatchetError` for a conflict, a Hub that does
    not answer, or a publication that does not answer as the adapter does: it gets no tag then.
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
            ask_hub({"job": "tag", "repo": record.repo, "tag": record.tag, "commit": record.commit}, environment, patience)
            failpoint("publishing.after_tag")
            record = records.keep(name, record.at("published"))
    return record, made


def _send(
    records: Publications, upload: Upload, environment: Mapping[str, str], parent: str | None, patience: Patience
) -> tuple[Publication, bool]:
    name, endpoint = upload.classifier, endpoint_of(environment)
    ours = records.of(name, endpoint, upload.repo)
    known = next((each for each in ours if each.adapter == upload.adapter), None)
    newest = parent or next((each.commit for each in reversed(ours) if each.commit), known.parent if known else None)
    before = next((each for each in (known, known and known.attempt) if each and each.files == upload.digests), None)
    if before is None:
        number = records.next_number(name)
        before = Publication(
            upload.adapter, upload.week, endpoint, upload.repo, number, upload.digests, "sending", newest, upload.private
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
            "since": before.parent,
            "pending": [sent.files for each in ours if (sent := each.attempt or each).step == "sending"],
            "private": upload.private,
        }
        said = ask_hub(job, environment, patience)
    failpoint("publishing.after_commit")
    if before.step != "sending" and before.commit == said["commit"]:
        lost = before.step == "published" and not said["tagged"]  # somebody deleted the tag
        return before.at("verified") if lost else before, False
    return records.keep(name, before.at("committed", commit=said["commit"], private=said["private"], loaded=None)), said["made"]


def load_back(home: Home, name: str, record: Publication, environment: Mapping[str, str], patience: Patience) -> dict[str, float]:
    """Load the publication from the Hub at its commit, by transformers and PEFT alone, and compare its logits on the golden set.

    Raises `RatchetError` when one of them is not what the judged adapter gives.
    """
    folder = AdapterStore(home).open(name, record.adapter)
    opened, texts = open_adapter(folder), [item.text for item in Specs(home).golden(name)][:_TEXTS]
    public = name_base(opened.card, Specs(home)[name].publish)
    prefix, codes = (
        (list(opened.tokenizer.prefix), list(opened.tokenizer.codes)) if isinstance(opened.tokenizer, PromptTokenizer) else ([], [])
    )
    rows = [[*prefix, *row] for row in encode_texts(opened.tokenizer, texts)]
    job = {
        "repo": record.repo,
        "commit": record.commit,
        "family": opened.card.family,
        "labels": len(opened.card.labels),
        "max_tokens": opened.card.max_tokens,
        "base": public.name if public.claimed else str(opened.base.folder),
        "base_revision": public.revision if public.claimed else None,
        "rows": rows,
        "codes": codes,
        "texts": [] if codes else [redact(text) for text in texts],
    }
    found = reload_plainly(job, environment, patience)
    expected = load_predictor(folder).logits(texts)
    limit = TOLERANCE * max(1.0, float(np.abs(expected).max()))
    logits = np.asarray(found["logits"], dtype=np.float64)
    distance = float(np.abs(logits - expected).max()) if logits.shape == expected.shape else float("inf")
    if found["ratchet"] or not distance <= limit:
        raise _other_answers(record, f"its logits on the golden set are {distance:.2g} away, more than {limit:.2g}")
    if found["tokens"] is not None and found["tokens"] != rows:
        raise _other_answers(record, "the base's own tokenizer cuts the golden texts otherwise")
    return {"texts": len(texts), "distance": distance, "limit": limit}


def _other_answers(record: Publication, what: str) -> RatchetError:
    return RatchetError(
        f"commit {(record.commit or '')[:12]} of {record.repo} does not answer as the judged adapter does: {what}. It got no tag.",
        "Let nobody load it. Compare base and versions of libraries; a base that only classifier.toml names may be another.",
        code="not_equal",
    )


def _need_same_policy(home: Home, spec: Spec, adapter: str, receipts: Mapping[str, Receipt]) -> str:
    """Digest of the golden set that judged the adapter; raises `BlockedError` unless it and the specification are today's."""
    golden = Specs(home).golden_digest(spec.name)
    for file, differs in (
        ("classifier.toml", any(receipt.binds.get("policy") != spec.digest for receipt in receipts.values())),
        ("golden.jsonl", receipts["golden_set_regression"].binds.get("golden") != golden),
    ):
        if differs:
            raise BlockedError(
                f"adapter {adapter[:12]} is not published: {file} changed since it was judged, so its card would tell of another.",
                f"Run the cycle again, or bring back {file} as it was.",
                code="stale",
            )
    return golden


def _evidence(home: Home, name: str, adapter: str) -> tuple[Cycle, dict[str, Receipt]]:
    """The cycle that vouches for an adapter, with its receipts; raises `BlockedError` when a gate did not let it pass."""
    receipts = Receipts(home)
    for entry in reversed(Ledger(home).entries(name)):
        if entry.adapter == adapter and entry.week and entry.receipts:
            cycle, found = Cycle(name, parse_week(entry.week)), receipts.kept(name, entry.week, entry.receipts)
            unasked = () if set(TARGET_GATES) & set(found) else TARGET_GATES
            break
    else:
        made = next((cycle for cycle, made in candidates(home, name) if made == adapter), None)
        if made is None:
            raise BlockedError(
                f"no cycle of {name} vouches for adapter {adapter[:12]}.", "Run its cycle again.", code="no_evidence"
            )
        cycle, found, unasked = made, receipts.read(made), ()
    eligible = decide_eligibility(adapter, found, unasked=unasked)
    if not eligible.allowed:
        raise BlockedError(f"adapter {adapter[:12]} is not published: {eligible.reason}.", "Run its cycle again.", code="blocked")
    return cycle, found
