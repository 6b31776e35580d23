"""Preparation of an upload: all its files, made from sealed content and from evidence that is checked again.

Nothing is sent, and no Hub is contacted. Add here conditions that must hold before an adapter may be published;
`ratchet/deployment/hub/contents.py` writes the files, `publish.py` sends them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version

from ratchet.config.publish import check_repo
from ratchet.config.spec import Spec
from ratchet.core.cycle import Cycle, parse_week
from ratchet.core.digests import digest_bytes, digest_file
from ratchet.core.errors import BlockedError, RatchetError
from ratchet.deployment.adapter_facts import facts_of_artifact
from ratchet.deployment.hub.contents import make_files, need_peft
from ratchet.deployment.hub.model_card import CardFacts
from ratchet.deployment.hub.public_base import name_base
from ratchet.gates.eligibility import decide_eligibility
from ratchet.gates.registry import GATES
from ratchet.gates.target_fit import decide_target_fit
from ratchet.models.adapters import format as form
from ratchet.models.adapters.folder import read_folder
from ratchet.models.adapters.peft_format import read_lora_settings
from ratchet.storage.home import Home
from ratchet.storage.receipt_file import Receipt
from ratchet.storage.receipts import Receipts
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.reports import Reports
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.run_history import candidates
from ratchet.storage.specs import Specs
from ratchet.storage.target_profiles import read_targets
from ratchet.workflows.rollout.receipt_trust import key_in_force, need_signed


@dataclass(frozen=True)
class Upload:
    """Files and facts of one publication, before anything is sent."""

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
    """Prepare the upload of an adapter, without contacting a Hub; `repo` and `private` override classifier.toml.

    Raises `BlockedError` for an adapter that its gates did not let pass, or that was evaluated by another specification
    or golden set than the present ones, which the card describes.
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
    report = Reports(home).read(cycle)  # one per week: a later run of the same cycle replaces it
    if report.get("adapter") != adapter:
        raise RatchetError(
            f"the report of {cycle.week} is about another adapter than {adapter[:12]}.",
            "Publish the adapter that it is about, or run that week's cycle again.",
            code="no_report",
        )
    card = form.read_card(content)
    base = name_base(card, policy)
    # targets compare a base by its public name; the sealed card may name it by a folder of this machine
    facts = replace(facts_of_artifact(content), base=base.name.rpartition("/")[2])
    card_facts = CardFacts(
        repo=where,
        adapter=adapter,
        card=card,
        settings=read_lora_settings(content),
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
        "base": {"name": base.name, "revision": base.revision, "content": card.base_revision},
        "gates": {
            gate: {"outcome": each.verdict.outcome, "receipt": each.digest} for gate, each in sorted(receipts.items())
        },
        "specification": spec.digest,
        "golden_set": golden,
        "report": digest_file(home.report(cycle) / "eval_report.json"),
        "ratchet": version("ratchet"),
    }
    files = make_files(content, card_facts, receipt)
    return Upload(name, adapter, str(cycle.week), where, files, policy.private if private is None else private)


def _need_same_policy(home: Home, spec: Spec, adapter: str, receipts: Mapping[str, Receipt]) -> str:
    """Digest of the golden set; raises `BlockedError` unless it and the specification are those of the evaluation."""
    golden = Specs(home).golden_digest(spec.name)
    for file, differs in (
        ("classifier.toml", _is_of_other_file(receipts, spec)),
        ("golden.jsonl", receipts["golden_set_regression"].binds.get("golden") != golden),
    ):
        if differs:
            raise BlockedError(
                f"adapter {adapter[:12]} is not published: {file} changed since its evaluation, so its card would be"
                " wrong.",
                f"Run the cycle again, or restore {file}.",
                code="stale",
            )
    return golden


def _is_of_other_file(receipts: Mapping[str, Receipt], spec: Spec) -> bool:
    """Return True where a receipt is of another file: the card also tells what labels mean and trigger."""
    known = spec.digests - {spec.digest} | {spec.file_digest}
    named = [receipt.binds.get("specification", receipt.binds.get("policy")) for receipt in receipts.values()]
    return any(digest not in known for digest in named)


def _evidence(home: Home, name: str, adapter: str) -> tuple[Cycle, dict[str, Receipt]]:
    """The cycle that vouches for an adapter, with its receipts; raises `BlockedError` when a gate blocked it."""
    receipts = Receipts(home)
    # an adapter that was promoted is judged by the receipts that its ledger entry names; a later rerun changes nothing
    entries = Ledger(home).entries(name)
    for entry in reversed(entries):
        if entry.adapter == adapter and entry.week and entry.receipts:
            cycle, result = Cycle(name, parse_week(entry.week)), receipts.kept(name, entry.week, entry.receipts)
            required = tuple(entry.receipts)
            break
    else:
        made = next((cycle for cycle, made in candidates(home, name) if made == adapter), None)
        if made is None:
            raise BlockedError(
                f"no cycle of {name} vouches for adapter {adapter[:12]}.", "Run its cycle again.", code="no_evidence"
            )
        cycle, result, required = made, receipts.read(made), GATES
    try:
        need_signed(result, entries, key_in_force(home, entries))
    except BlockedError as error:
        raise BlockedError(
            f"adapter {adapter[:12]} is not published: {error.message}.", error.hint, code=error.code
        ) from None
    eligible = decide_eligibility(adapter, result, required=required)
    if not eligible.allowed:
        raise BlockedError(
            f"adapter {adapter[:12]} is not published: {eligible.reason}.", "Run its cycle again.", code="blocked"
        )
    return cycle, result
