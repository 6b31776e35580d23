"""Next step after a cycle that passed: the command that a person should give now, with its reason.

Add here advice that depends on what is live or on the report; the commands themselves are in
`orchestration/cli/commands/`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ratchet.core.cycle import Cycle
from ratchet.data.given_examples import is_by_text
from ratchet.gates.beats_baselines import find_better_baseline
from ratchet.gates.chain import find_break
from ratchet.rollout.state import RolloutState
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.storage.rollout.ledger import Ledger

_BY_HAND = "it was judged by labelled examples alone: read its report, and promote it by hand if you trust them"


@dataclass(frozen=True)
class NextStep:
    """Command to give next, and why."""

    command: str
    why: str = ""


def find_next_step(home: Home, cycle: Cycle, document: Mapping[str, Any]) -> NextStep:
    """Return the next step for the candidate of a cycle that has just ended."""
    store, state = Receipts(home), Ledger(home).state(cycle.classifier)
    broken = find_break(store.links(cycle), store.read(cycle))
    return choose_next_step(cycle.classifier, str(cycle.week), state, document, broken)


def choose_next_step(
    name: str, week: str, state: RolloutState, document: Mapping[str, Any], broken: str = ""
) -> NextStep:
    """Return the next step for the candidate of a report; `broken` says why its verdicts are not about it.

    A candidate shadows whenever something is live. The first one may be promoted at once, unless a baseline of its own
    report is better: then that is trained instead.
    """
    if broken:
        return NextStep(f"ratchet cycle {name} --week {week}", f"this candidate may not become live: {broken}")
    if state.live is not None and is_by_text(document.get("data", {})):
        return NextStep(f"ratchet promote {name} --skip-shadow --why TEXT", _BY_HAND)
    if state.live is not None:
        if state.compared is not None:
            waits = f"{state.compared[1][:12]} is being compared; this candidate waits for it"
            return NextStep(f"ratchet advance {name}, then ratchet shadow {name}", waits)
        return NextStep(f"ratchet shadow {name}")
    test = document["metrics"]["test"]
    better = find_better_baseline(
        test["macro_f1"],
        document["baselines"],
        is_probe=document["candidate"]["method"] == "probe",
        support={label: figures["support"] for label, figures in test.get("per_class", {}).items()} or None,
        selection=document.get("data", {}).get("labels", {}).get("selection", ""),
    )
    if better is None:
        why = _BY_HAND if is_by_text(document.get("data", {})) else ""
        return NextStep(f"ratchet promote {name} --why TEXT", why)
    baseline, score, reached = better
    found = f"{baseline} {score:.3f} against {reached:.3f} of this candidate"
    if baseline == "linear_probe":
        probe = 'keep one [[candidate]] with method = "probe" in classifier.toml, then'
        return NextStep(f"{probe} ratchet cycle {name} --week {week}", f"a simpler model is better: {found}")
    return NextStep(
        f"ratchet sweep {name} --week {week}, then another [[candidate]] or more labels",
        f"a simpler model, which cannot be served, is better: {found}",
    )
