"""Evidence of a running comparison: its pairs are counted, under the terms that its ledger entry names.

Add here what must be read around counting; the counts are `ratchet/storage/rollout/shadow_pairs.py`, the terms of the
draw `draw_stream.py`, and what must be labelled goes to the queue by `ratchet/workflows/review/queue_evidence.py`.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial

from ratchet.config.policy import PromotionPolicy
from ratchet.config.review import ReviewPolicy
from ratchet.core.label_names import label_form
from ratchet.rollout.evidence.counts import Evidence
from ratchet.rollout.evidence.stream import Stream
from ratchet.rollout.state import RolloutState
from ratchet.storage.home import Home
from ratchet.storage.rollout.evidence_stream import RequestToLabel
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.rollout.shadow_pairs import Pairs
from ratchet.storage.warehouse import Warehouse
from ratchet.workflows.rollout.draw_stream import stream_of
from ratchet.workflows.rollout.live_labels import read_meanings
from ratchet.workflows.rollout.sealing import read_spec, sealed_or_file


@dataclass(frozen=True)
class CountedEvidence:
    """Evidence of a comparison and of its newest step, the terms of its stream, and what people label for it."""

    whole: Evidence = field(default_factory=Evidence)
    step: Evidence = field(default_factory=Evidence)
    stream: Stream | None = None
    to_label: tuple[RequestToLabel, ...] = ()

    @property
    def unlabelled(self) -> tuple[RequestToLabel, ...]:
        """Those without a verdict."""
        return tuple(each for each in self.to_label if each.text is not None)


def count_evidence(
    home: Home,
    classifier: str,
    warehouse: Warehouse,
    state: RolloutState,
    promotion: PromotionPolicy,
    now: datetime | None = None,
) -> CountedEvidence:
    """Count the evidence of the comparison that `state` says is running, as of `now`."""
    entered, moved = state.entered, state.moved
    sealed = sealed_or_file(home, classifier, Ledger(home).entries(classifier))
    costs = {label.name: label.cost_wrong for label in sealed.label} if sealed else {}
    pairs = Pairs(home, warehouse, partial(read_meanings, home), costs, promotion.max_latency_ratio)
    if state.compared is None or entered is None or moved is None:
        whole, step = pairs.count(classifier, ("", ""), 0, 0)
        return CountedEvidence(whole, step)
    since = entered.sequence if state.challenger else moved.sequence
    spec = read_spec(home, classifier)  # it may be unreadable: a rollback waits for no file
    stream = stream_of(home, classifier, state, spec.review if spec else ReviewPolicy(), promotion)
    if stream is not None and spec is not None:
        stream = replace(stream, labels=tuple(map(label_form, spec.labels)))
    (whole, step), to_label = pairs.look(
        classifier, state.compared, since, moved.sequence, now=now or datetime.now(UTC), stream=stream
    )
    return CountedEvidence(whole, step, stream, tuple(to_label))
