"""Decorator that turns a decision into a blocking Dagster check and writes its receipt.

Add here what all checks share; each check's meaning is in its own file, its decision in `ratchet/gates/`.
"""

import inspect
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import dagster as dg

from assets.metadata import as_evidence, with_week, without_markup
from assets.page_links import links_to_pages
from assets.partitions import cycle_of
from checks.evidence_figures import figures_of
from ratchet.config.spec import Spec
from ratchet.core.cycle import Cycle
from ratchet.core.verdict import Verdict
from ratchet.data.judging import sentence_on_judging, sentence_on_labels
from ratchet.data.label_choice import trained_labels
from ratchet.data.label_rules import LabelRules
from ratchet.deployment.targets import digest_targets
from ratchet.gates.chain import needed_digests
from ratchet.gates.paired_answers import PAIRED_SQL, PairedAnswer, read_paired_answers
from ratchet.gates.quarantine import HOLDING_GATES
from ratchet.gates.registry import READS, WORDING, gates_on
from ratchet.gates.settings_read import bind_settings
from ratchet.storage.gate_history import GateHistory
from ratchet.storage.receipts import Receipts
from ratchet.storage.reports import Reports
from ratchet.storage.review.label_rules import LabelRuleFile
from ratchet.storage.rollout.quarantine import Quarantine
from ratchet.storage.specs import Specs
from ratchet.storage.warehouse import Warehouse
from ratchet.workflows.gates.cycle_digests import digest_votes, digest_votes_from
from ratchet.workflows.gates.cycle_inputs import spec_of_cycle
from ratchet.workflows.review.blocked_rows import queue_blocked
from ratchet.workflows.rollout.live_labels import read_live_labels
from ratchet.workflows.rollout.nominate import actor


@dataclass(frozen=True)
class GateContext:
    """Input of a gate: one cycle, its specification, and the stores."""

    cycle: Cycle
    spec: Spec
    specs: Specs
    warehouse: Warehouse
    receipts: Receipts
    reports: Reports

    @property
    def noted(self) -> dict[str, Any]:
        """Notes of earlier stages of the cycle."""
        return self.receipts.noted(self.cycle)

    @property
    def golden(self) -> dict[str, str]:
        """Digest of the golden set that the cycle's candidate has answered, which may have been another file then."""
        link = self.receipts.links(self.cycle).get("eval_report")
        return {"golden": link.read["golden"] if link else self.specs.golden_digest(self.cycle.classifier)}

    @property
    def votes(self) -> dict[str, str]:
        """Digest of the votes on the week's requests, from which its labels are made."""
        return {"rows": digest_votes_from(self.warehouse, self.cycle, self.cycle.week)}

    def judged(self, gate: str) -> dict[str, str]:
        """Return the digests that the receipt of `gate` must hold: of rows as they are, of what stages noted."""
        names = needed_digests(gate)
        votes = digest_votes(self.warehouse, self.cycle, self.spec.window) if "labels" in names else ""
        return {**self.receipts.made(self.cycle, *names), **({"labels": votes} if votes else {})}

    @property
    def paired(self) -> list[PairedAnswer]:
        """Answers of candidate and live on the same items; empty where nothing is live."""
        rows = self.warehouse.frame(PAIRED_SQL, self.parameters(adapter=self.noted["adapter"])).to_dict("records")
        return read_paired_answers(rows, trained_labels(self.spec, self.noted), self.spec.slices.columns)

    @property
    def live_labels(self) -> tuple[str, ...] | None:
        """Labels that live answers, as its card names them; None where nothing is live yet."""
        return read_live_labels(self.receipts.home, self.cycle.classifier)

    @property
    def label_rules(self) -> LabelRules:
        """Rules by which labels of before are read."""
        return LabelRuleFile(self.receipts.home, self.cycle.classifier).read()

    def hold_or_release(self, week: str, gate: str, verdict: Verdict, rows: str) -> None:
        """Quarantine a week that `gate` blocks, or release one that it held and now passes."""
        name = self.cycle.classifier
        Quarantine(self.receipts.home).take(name, week, gate, verdict, rows, actor())

    @property
    def targets(self) -> dict[str, str]:
        """Digest of the deployment targets, as the home's files set them."""
        return {"targets": digest_targets(self.specs.targets(self.spec))}

    def parameters(self, **more: Any) -> dict[str, Any]:
        """Return the parameters of a query about this cycle."""
        return {"classifier": self.cycle.classifier, "week": self.cycle.week, **more}


GateOutcome = tuple[Verdict, Mapping[str, Any]] | tuple[Verdict, Mapping[str, Any], Mapping[str, Any]]
"""Result of a gate: its verdict, the digests of what it judged, and metadata for Dagster alone, which no receipt
holds."""


def gate(
    asset: dg.AssetsDefinition, *more: dg.AssetsDefinition
) -> Callable[[Callable[[GateContext], GateOutcome]], dg.AssetChecksDefinition]:
    """Return a decorator that makes a blocking check on `asset` of a decision; the check also reads `more`.

    The decision's name and docstring become the check's.
    """

    def wrap(decide: Callable[[GateContext], GateOutcome]) -> dg.AssetChecksDefinition:
        name = decide.__name__

        @dg.asset_check(
            asset=asset,
            additional_deps=more,
            name=name,
            description=inspect.getdoc(decide),
            blocking=True,
        )
        def check(
            context: dg.AssetCheckExecutionContext,
            specs: dg.ResourceParam[Specs],
            warehouse: dg.ResourceParam[Warehouse],
            receipts: dg.ResourceParam[Receipts],
            reports: dg.ResourceParam[Reports],
        ) -> dg.AssetCheckResult:
            cycle = cycle_of(context)
            spec = spec_of_cycle(specs, receipts, cycle, name)
            case = GateContext(cycle, spec, specs, warehouse, receipts, reports)
            return _conclude(name, case, *decide(case))

        return check

    return wrap


def _conclude(
    name: str, case: GateContext, verdict: Verdict, binds: Mapping[str, Any], shown: Mapping[str, Any] | None = None
) -> dg.AssetCheckResult:
    """Write the receipt of the gate and return its result; only a failed verdict has the severity that blocks."""
    fixed = {**bind_settings(name, case.spec), "code": version("ratchet"), "wording": WORDING}
    method = {"rule": verdict.evidence.get("rule", 1), "settings": case.spec.values_at(READS[name])}
    # Before the receipt: a kill in between leaves the week held, and never a verdict without its quarantine.
    # Where the quarantine cannot be written, the receipt alone holds the week, and the run fails.
    try:
        if name in HOLDING_GATES:
            case.hold_or_release(str(case.cycle.week), name, verdict, str(binds["rows"]))
    finally:
        receipt = case.receipts.write(case.cycle, name, verdict, {**case.judged(name), **binds, **fixed}, method)
    with suppress(OSError):  # it decides nothing, so a full disk stops no gate
        GateHistory(case.receipts.home).append(receipt)
    queued = queue_blocked(case.receipts.home, case.warehouse, case.spec, case.cycle, name, verdict)
    failed = verdict.outcome == "failed"
    return dg.AssetCheckResult(
        check_name=name,
        passed=verdict.outcome == "passed",
        severity=dg.AssetCheckSeverity.ERROR if failed else dg.AssetCheckSeverity.WARN,
        description=with_week(case.cycle.week, without_markup(verdict.reason)),
        metadata={
            "verdict": verdict.outcome,
            "cycle": f"{case.cycle.classifier} {case.cycle.week}",
            **_labels(name, case),
            **(shown or {}),
            **({"queued for review": queued} if queued else {}),
            "evidence": as_evidence(verdict.evidence),
            "receipt": receipt.digest,
            **links_to_pages(case.receipts.home, case.cycle),
            **figures_of(name, verdict.evidence),
        },
    )


def _labels(name: str, case: GateContext) -> dict[str, str]:
    """Return how many labels judge and how many only train, where the queue chose any for its value."""
    noted = case.noted  # what a later stage noted is of an earlier run until it runs again
    of_rows = name in gates_on("rows")
    sentence = sentence_on_labels(noted.get("labels", {})) if of_rows else sentence_on_judging(noted.get("data", {}))
    return {"labels": sentence} if sentence else {}
