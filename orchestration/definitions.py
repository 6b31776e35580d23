"""Table of contents: everything that Dagster knows of Ratchet, listed by hand.

Add a new asset, check, job, schedule or sensor to its list; a test compares the lists with the folders.
"""

from datetime import date

import dagster as dg

from assets.adapter import adapter
from assets.calibration_temperature import calibration_temperature
from assets.corrected_labels import corrected_labels
from assets.eval_report import eval_report
from assets.gate_audit import gate_audit
from assets.production_logs import production_logs
from assets.published_adapter import published_adapter
from assets.training_set import training_set
from checks.beats_baselines import beats_baselines
from checks.calibration_regression import calibration_regression
from checks.colluding_annotators import colluding_annotators
from checks.golden_agreement import golden_agreement
from checks.golden_set_regression import golden_set_regression
from checks.identity_attacks import identity_attacks
from checks.label_agreement import label_agreement
from checks.label_distribution import label_distribution
from checks.leakage import leakage
from checks.row_quality import row_quality
from checks.slices import slices
from checks.target_fit import target_fit
from checks.target_plan import target_plan
from checks.trigger_scan import trigger_scan
from orchestration.alerts import alert_sensor
from orchestration.feedback import new_feedback_sensor
from orchestration.first_partition import begin_with, read_first_partition
from orchestration.label_studio import label_studio_sensor
from orchestration.promotion import promotion, promotion_sensor
from orchestration.publication import publication, publication_check, publication_check_schedule
from orchestration.shadow_deployment import shadow_deployment, shadow_deployment_sensor
from orchestration.weekly_cycle import weekly_cycle, weekly_cycle_schedule
from resources.storage import build_stores, open_home

ASSETS = [
    production_logs,
    corrected_labels,
    training_set,
    adapter,
    calibration_temperature,
    eval_report,
    gate_audit,
    published_adapter,
]
CHECKS = [
    row_quality,
    label_agreement,
    colluding_annotators,
    label_distribution,
    leakage,
    target_plan,
    target_fit,
    beats_baselines,
    golden_agreement,
    golden_set_regression,
    trigger_scan,
    identity_attacks,
    calibration_regression,
    slices,
]


def build_definitions(root: str = "", week: date = date.max, **resource_overrides: object) -> dg.Definitions:
    """Build the definitions over the home at `root` (empty: `RATCHET_HOME`, else `data/`); each resource can be
    replaced. The partitions begin with the home's first week, or with `week` if it is earlier."""
    return dg.Definitions(
        assets=begin_with(min(week, read_first_partition(open_home(root))), ASSETS),
        asset_checks=CHECKS,
        jobs=[weekly_cycle, shadow_deployment, promotion, publication, publication_check],
        schedules=[weekly_cycle_schedule, publication_check_schedule],
        sensors=[new_feedback_sensor, shadow_deployment_sensor, promotion_sensor, label_studio_sensor, alert_sensor],
        executor=dg.in_process_executor,  # of runs asked for in the UI too: one process, one lease
        resources={**build_stores(root), "pipes": dg.PipesSubprocessClient(), **resource_overrides},
    )


defs = build_definitions()
