"""Plan of a cycle, read from the warehouse as it is: nothing is landed, trained or written.

Add here facts that `ratchet cycle --plan` shows; forecasts are made in `ratchet/workflows/cycle_forecast.py`.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from ratchet.config.spec import Spec
from ratchet.core.cycle import Cycle, choose_week, need_known
from ratchet.core.errors import RatchetError
from ratchet.data.consensus import CONSENSUS_SQL, COUNTS_SQL
from ratchet.data.curation import CORRECTED_SQL, Curated, curate
from ratchet.data.judging import describe_team, sentence_on_judging
from ratchet.data.label_choice import choose_labels
from ratchet.data.label_selection import left_out_weeks
from ratchet.data.split_checks import check_splits
from ratchet.data.splitting import lookback_start
from ratchet.ingest.examples_alone import cycle_weeks, read_given
from ratchet.ingest.one_sided_weeks import describe_one_sided, read_selections
from ratchet.ingest.rebuild import open_warehouse
from ratchet.models.text_fit import measure_texts
from ratchet.rollout.power import describe_power
from ratchet.storage.home import Home
from ratchet.storage.past_trainings import read_past_trainings
from ratchet.storage.review.label_rules import LabelRuleFile
from ratchet.storage.review.suspensions import Suspensions
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.rollout.quarantine import Quarantine
from ratchet.storage.run_history import rest_seconds
from ratchet.storage.specs import Specs
from ratchet.storage.warehouse import Warehouse
from ratchet.workflows.cycle_forecast import describe_golden_power, estimate_rest, estimate_trainings
from ratchet.workflows.gates.target_gates import preview_plan
from ratchet.workflows.rollout.live_labels import read_live_labels
from ratchet.workflows.rollout.sealing import promotion_in_force

_PACE_WEEKS = 4
_SQL = f"WITH labels AS (SELECT $classifier AS classifier, * FROM ({CONSENSUS_SQL})) {CORRECTED_SQL}"


def plan_cycle(home: Home, name: str, word: str) -> dict[str, Any]:
    """Return splits, drops, seconds and statistical power of the cycle that `word` names, as JSON types.

    Raises `RatchetError` for what would stop the cycle before training: no week, an empty split, a thin class.
    """
    specs = Specs(home)
    spec, golden = specs[name], specs.golden(name)
    cycle, requests, curated = read_next_cycle(home, name, word)
    data, warehouse = curated.describe(), open_warehouse(home, name)
    sizes = {split: facts["n"] for split, facts in data["splits"].items()}
    plan, fits = preview_plan(specs, spec)
    trained = plan.candidates
    trainings = estimate_trainings(trained, {**sizes, "golden": len(golden)}, read_past_trainings(home.training(name)))
    before = rest_seconds(home, name, {candidate.family for candidate in trained})
    rest_s = estimate_rest(trained, {**sizes, "golden": len(golden)}, before)
    counts = Counter(item.label for item in golden)
    trained_labels = [label for label in spec.labels if label not in curated.labels_waiting]
    return {
        "classifier": name,
        "week": str(cycle.week),
        "live": Ledger(home).live(name),
        "requests": requests,
        **data,
        "golden": len(golden),
        "candidates": [candidate.title for candidate in spec.candidate],
        "remarks": [*map(str, specs.remarks(name)), *_describe_labels(warehouse, cycle, data)],
        "targets": [
            {"candidate": candidate.title, "outcome": fit.outcome, "reason": fit.reason}
            for candidate, verdicts in fits
            for fit in verdicts
        ],
        "target_plan": {"outcome": plan.verdict.outcome, "reason": plan.verdict.reason},
        "trainings": [{**asdict(each), "seconds": round(each.seconds)} for each in trainings],
        "rest": {"seconds": round(rest_s), "source": "measured" if before is None else "own"},
        "estimated_s": round(rest_s + sum(each.seconds for each in trainings)),
        "pace": _describe_power(home, spec, warehouse),
        "texts": measure_texts(spec.candidate, [*curated.examples["text"]], [*curated.examples["label"]]),
        "power": describe_golden_power({label: counts[label] for label in trained_labels}, spec.limits),
    }


def _describe_labels(warehouse: Warehouse, cycle: Cycle, data: Mapping[str, Any]) -> list[str]:
    """Return the sentences about the week's labels: those chosen by what was answered, by value, or by one person."""
    params = {"classifier": cycle.classifier, "week": cycle.week}
    counts = warehouse.frame(COUNTS_SQL, params).astype(int).to_dict("records")[0]
    sentences = [sentence_on_judging(data), describe_team(counts)]
    return [*describe_one_sided(warehouse, cycle.classifier, cycle.week), *filter(None, sentences)]


def _describe_power(home: Home, spec: Spec, warehouse: Warehouse) -> str:
    """Return in words what the team's labels can decide of a rollout, at the measured pace of the newest four weeks
    with requests where that is slower than `labels_per_week`."""
    name, weeks = spec.name, sorted(warehouse.weeks(spec.name))[-_PACE_WEEKS:]
    promotion = promotion_in_force(home, name, Ledger(home).entries(name))
    if not weeks:
        return describe_power(promotion, spec.review, spec.review.labels_per_week)
    selections = read_selections(warehouse, name)
    left_out = left_out_weeks(selections)  # labels of errors alone decide nothing
    blind = sum(each.blind for each in selections if each.week >= str(weeks[0]) and each not in left_out)
    given = min(blind / len(weeks), spec.review.labels_per_week) if selections else spec.review.labels_per_week
    requests = sum(warehouse.weeks(name)[week] for week in weeks) / len(weeks)
    return describe_power(promotion, spec.review, given, requests)


def read_next_cycle(home: Home, name: str, word: str) -> tuple[Cycle, int, Curated]:
    """Return the cycle that `word` names, the number of its requests, and the examples that it would train on.

    Raises `RatchetError` for what would stop the cycle before training: no week, an empty split, a thin class.
    """
    specs = Specs(home)
    spec, golden = specs[name], specs.golden(name)
    if not home.has_rows(name):
        raise RatchetError(f"{name} has no rows yet.", f"Ingest rows: 'ratchet ingest {name}'.", code="no_week")
    warehouse = open_warehouse(home, name)
    weeks = cycle_weeks(warehouse, name)
    cycle = choose_week(name, word, weeks, ended_by=datetime.now(UTC).date())
    need_known(cycle, weeks, "production log")
    params = {"classifier": name, "week": cycle.week, "start": lookback_start(cycle, spec.window), "end": cycle.end}
    held = Quarantine(home).state(name).weeks
    rules = LabelRuleFile(home, name).read()
    Suspensions(home, name).standing()  # raises for a file that cannot be believed, as the cycle would
    texts = [item.text for item in golden]
    curated = curate(warehouse.frame(_SQL, params), cycle, spec, texts, held, read_given(warehouse, cycle))
    choice = choose_labels(spec, curated, read_live_labels(home, name), rules)
    curated = choice.set_aside(curated)
    check_splits(curated, spec.narrowed(choice.trained), cycle, choice.orphaned)
    return cycle, weeks[cycle.week], curated
