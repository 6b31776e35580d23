"""Asset `published_adapter`: commit of a repository on a Hub, tagged with the week."""

import os

import dagster as dg

from assets.eval_report import eval_report
from assets.partitions import cycle_of, cycles
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.workflows.publication.prepare import prepare
from ratchet.workflows.publication.publish import publish


@dg.asset(partitions_def=cycles, deps=[eval_report], kinds={"huggingface"}, group_name="publication")
def published_adapter(
    context: dg.AssetExecutionContext, home: dg.ResourceParam[Home], receipts: dg.ResourceParam[Receipts]
) -> dg.MaterializeResult[None]:
    """Adapter of the cycle on the Hub that classifier.toml names, loaded back from there and compared.

    Needs `HF_TOKEN` in the environment of the run. No cycle waits for it, and serving does not depend on it.
    """
    cycle = cycle_of(context)
    adapter = receipts.noted(cycle)["adapter"]
    record, made = publish(home, prepare(home, cycle.classifier, adapter), os.environ)
    return dg.MaterializeResult(
        metadata={
            "repository": record.repo,
            "commit": str(record.commit),
            "tag": record.tag,
            "new revision": made,
            "private": record.private,
            "page": dg.MetadataValue.url(record.url),
            "largest difference of logits": (record.loaded or {})["distance"],
        },
        data_version=dg.DataVersion(str(record.commit)),
    )
