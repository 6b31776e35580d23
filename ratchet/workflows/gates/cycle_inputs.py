"""Files that a cycle reads at more than one of its steps: each step begins by asking whether they are still the same.

Add here what a step must check before it begins. What the promoter asks of a finished cycle is
`ratchet/gates/chain.py`.
"""

from ratchet.config.spec import Spec
from ratchet.core.cycle import Cycle
from ratchet.core.errors import RatchetError
from ratchet.gates.chain import FILES, has_changed
from ratchet.storage.receipts import Receipts
from ratchet.storage.review.label_rules import LabelRuleFile
from ratchet.storage.specs import Specs


def spec_of_cycle(specs: Specs, receipts: Receipts, cycle: Cycle, stage: str) -> Spec:
    """Read the specification of `cycle` for its next `stage`.

    Raises `RatchetError` where `classifier.toml` or `golden.jsonl` changed since an earlier stage read it: the
    candidate could not enter, since its steps would be about different files; and where the file lists a label that a
    recorded rule ended.
    """
    spec, links = specs[cycle.classifier], receipts.links(cycle)
    LabelRuleFile(specs.home, spec.name).read().need(spec.name, spec.labels)
    changed = "policy" if has_changed("policy", stage, links, spec.digests) else ""
    # The golden set is read second: its labels may fit the specification of before alone.
    if not changed and any("golden" in link.read for link in links.values()):
        changed = "golden" if has_changed("golden", stage, links, {specs.golden_digest(cycle.classifier)}) else ""
    if changed:
        raise RatchetError(
            f"{FILES[changed]} changed while the cycle of {cycle.week} ran, so it stops before {stage}.",
            f"Run it again from its first step: ratchet cycle {cycle.classifier} --week {cycle.week}.",
            code="stale",
        )
    return spec
