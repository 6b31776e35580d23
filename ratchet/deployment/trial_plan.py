"""Plan of one optimiser step of a candidate on a few made-up texts: enough to see whether its adapter runs at all.

Add here what such a training needs; `trial.py` tries its adapter.
"""

from dataclasses import replace

from ratchet.config.candidate import Candidate
from ratchet.config.prompt import make_prompt
from ratchet.config.spec import Spec
from ratchet.core.digests import digest_json
from ratchet.models.base_models import Base
from ratchet.models.inference.reference_logits import PROMPTS
from ratchet.training.plan import Examples, TrainingPlan, pin_templates

_TEXTS = PROMPTS[1][:8]
"""Short texts that come from no user."""


def one_step_plan(candidate: Candidate, spec: Spec, base: Base, code_version: str) -> tuple[TrainingPlan, Examples]:
    """Plan of one step of `candidate` on `base`, and its examples, which serve as both splits."""
    count = max(len(_TEXTS), len(spec.labels))
    examples = [(f"{_TEXTS[n % len(_TEXTS)]} {n}", spec.labels[n % len(spec.labels)]) for n in range(count)]
    short = replace(candidate.alone(), epochs=1, patience=1, batch=count)
    prompt = make_prompt(spec.prompt, spec.label) if candidate.family == "causal" else None
    revisions, templates = {short.base: base.revision}, pin_templates(prompt, [base])
    plan = TrainingPlan(
        spec.labels, (short,), revisions, digest_json(examples), code_version, prompt, templates=templates
    )
    return plan, examples
