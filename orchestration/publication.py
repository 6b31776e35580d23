"""Publication: a job of its own, which no cycle waits for, and the weekly check of what was published.

Add here when something is published or checked; the steps are `ratchet/workflows/publication/publish.py` and
`audit.py`.
"""

import os

import dagster as dg

from orchestration.job_resources import HOME, configure
from ratchet.storage.home import Home
from ratchet.storage.registry.publications import Publications
from ratchet.workflows.publication.audit import read_back

PUBLICATION = dg.AssetSelection.groups("publication")
"""Assets outside of the weekly cycle: when one fails, the cycle has succeeded nevertheless."""

publication = dg.define_asset_job(
    "publication",
    selection=PUBLICATION,
    executor_def=dg.in_process_executor,
    tags={"dagster/max_retries": "2"},  # of a run that was killed: what it did is found on the Hub
    description="Publishes one week's adapter on a Hub. It needs HF_TOKEN, and runs only when you launch it.",
)


class PublicationConfig(dg.Config):
    """Configuration of a check of publications: the classifier."""

    classifier: str


@dg.op
def compare_with_hub(context: dg.OpExecutionContext, config: PublicationConfig, home: dg.ResourceParam[Home]) -> None:
    """Compare what this home published with what is there; a difference fails the run, which is the alarm."""
    result = read_back(home, config.classifier, os.environ)
    for each in result:
        context.log.info(f"{each.what}: {each.detail or each.fault}")
    if faults := [f"{each.what}: {each.fault}" for each in result if each.fault]:
        raise dg.Failure(
            "; ".join(faults), metadata={"what serves": "is as it was: it never comes from a Hub"}, allow_retries=False
        )


@dg.job(
    executor_def=dg.in_process_executor,
    resource_defs=HOME,
    description="Compares what was published with what the Hub holds.",
)
def publication_check() -> None:
    """Compare, and write nothing."""
    compare_with_hub()


@dg.schedule(
    job=publication_check,
    cron_schedule="0 7 * * 1",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every Monday at 07:00 UTC: compares the Hub with what each classifier has published.",
)
def publication_check_schedule(
    context: dg.ScheduleEvaluationContext, home: dg.ResourceParam[Home]
) -> list[dg.RunRequest] | dg.SkipReason:
    """Request a check for each classifier that has published something; a damaged record fails its own run alone."""
    names = [name for name in home.classifiers() if Publications(home).exist(name)]
    if not names:
        return dg.SkipReason("nothing was published")
    day = context.scheduled_execution_time.date()
    return [
        dg.RunRequest(
            run_key=f"{name}:{day}:publication_check",
            run_config=configure(home, compare_with_hub=PublicationConfig(classifier=name)),
            tags={"ratchet/classifier": name},
        )
        for name in names
    ]
