"""Asset `adapter`: work folder of this cycle's training, with the best candidate's weights."""

import sys
from importlib.metadata import version

import dagster as dg

from assets.metadata import as_table
from assets.partitions import cycle_of, cycles
from assets.training_set import training_set
from ratchet.config.prompt import make_prompt
from ratchet.config.secret_variables import emptied_secrets
from ratchet.data.curation import EXAMPLES_SQL, digest_examples
from ratchet.data.label_choice import trained_labels
from ratchet.models.base_models import resolve_base
from ratchet.models.preprocessing import LATEST
from ratchet.storage.home import Home
from ratchet.storage.locks.process_locks import hold_lock
from ratchet.storage.receipts import Receipts
from ratchet.storage.specs import Specs
from ratchet.storage.warehouse import Warehouse
from ratchet.training.plan import TrainingPlan, pin_templates, prepare
from ratchet.training.result import explain_failure, read_result, summarise
from ratchet.workflows.gates.cycle_inputs import spec_of_cycle
from ratchet.workflows.gates.target_gates import candidates_to_train
from ratchet.workflows.teacher_sources import digests_of, find_teachers


@dg.asset(partitions_def=cycles, deps=[training_set], kinds={"huggingface", "pytorch"}, group_name="model")
def adapter(
    context: dg.AssetExecutionContext,
    home: dg.ResourceParam[Home],
    warehouse: dg.ResourceParam[Warehouse],
    specs: dg.ResourceParam[Specs],
    receipts: dg.ResourceParam[Receipts],
    pipes: dg.ResourceParam[dg.PipesSubprocessClient],
) -> dg.MaterializeResult[None]:
    """Best of this cycle's candidates by calibrated NLL averaged over true classes, trained in one subprocess.

    Training resumes after a crash.
    """
    cycle = cycle_of(context)
    spec = spec_of_cycle(specs, receipts, cycle, "adapter")
    candidates = candidates_to_train(specs, spec, receipts.read(cycle).get("target_plan"))
    rows = warehouse.frame(EXAMPLES_SQL, {"classifier": cycle.classifier, "week": cycle.week})
    train, calibration = (
        [*rows.loc[rows["split"] == split, ["text", "label"]].itertuples(index=False, name=None)]
        for split in ("train", "calibration")
    )
    bases = [resolve_base(name) for name in dict.fromkeys(candidate.base for candidate in candidates)]
    trained = spec.narrowed(trained_labels(spec, receipts.noted(cycle)))
    prompt = make_prompt(trained.prompt, trained.label) if trained.is_prompted else None
    teachers = find_teachers(home, cycle, candidates)
    taught = digests_of(teachers)
    # Digests are those of the very rows that are trained on: a step may have been run alone since they were judged.
    revisions, data = {base.name: base.revision for base in bases}, digest_examples(rows)
    pinned = pin_templates(prompt, bases)
    plan = TrainingPlan(
        trained.labels, candidates, revisions, data, version("ratchet"), prompt, taught, pinned, LATEST.name
    )
    work = prepare(home.training(cycle.classifier), plan, train, calibration, teachers)
    for remark in specs.remarks(cycle.classifier):
        context.log.warning(str(remark))
    context.log.info(f"Training {len(candidates)} candidate(s); the log is in {work}.")
    # Training needs no token and no key, so its process gets none.
    command = [sys.executable, "-m", "ratchet.training", str(work)]
    training = f"the training of {cycle.classifier} {cycle.week}"
    with hold_lock(home.training_lock, training, context.log.info), explain_failure(work):
        done = pipes.run(context=context, command=command, env=emptied_secrets(spec.frontier)).get_materialize_result(
            implicit_materialization=False
        )
    result = read_result(work)
    receipts.note(cycle, plan=plan.digest)
    receipts.link(cycle, "adapter", {"plan": plan.digest}, policy=spec.digest, training_set=data)
    best = result.best_candidate
    return dg.MaterializeResult(
        metadata={
            **(done.metadata or {}),
            "best candidate": best.title,
            "candidates": as_table([summarise(candidate) for candidate in result.candidates]),
            "weights digest": best.weights_digest,
            "folder": dg.MetadataValue.path(str(result.best_folder)),
        },
        data_version=dg.DataVersion(best.weights_digest),
    )
