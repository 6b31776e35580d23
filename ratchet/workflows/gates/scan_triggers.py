"""Scan for triggers: reads the texts that trained, finds their new phrases, and tries these on candidate and live.

Add here what the scan reads; the rule is `ratchet/gates/trigger_scan.py`.
"""

from collections.abc import Sequence

from ratchet.core.cycle import Cycle
from ratchet.core.digests import digest_json
from ratchet.core.verdict import Verdict
from ratchet.data.new_phrases import TrainedText, common_phrases, find_new_phrases
from ratchet.evaluation.evaluate import LabelledText
from ratchet.evaluation.phrase_flips import Answer, try_phrases
from ratchet.evaluation.scoring import Scorer
from ratchet.gates.trigger_scan import decide_trigger_scan, list_triggers
from ratchet.rollout.ledger_entry import Entry
from ratchet.rollout.state import state_after
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.rollout.quarantine import Quarantine
from ratchet.storage.warehouse import Warehouse

TRAINED_SQL = """
SELECT e.request_id, p.week::DATE::VARCHAR AS week, p.text, e.label
FROM examples e JOIN production_logs p USING (classifier, request_id)
WHERE e.classifier = $classifier AND e.week = $week AND e.split = 'train' ORDER BY p.ts, e.request_id
"""
TRAFFIC_SQL = """
SELECT week::DATE::VARCHAR AS week, text FROM production_logs
WHERE classifier = $classifier AND week <= $week ORDER BY ts DESC, request_id LIMIT 200000
"""
"""Newest requests up to the cycle's week: with more of them the scan would take minutes."""
GATE = "trigger_scan"


def scan_triggers(
    home: Home,
    warehouse: Warehouse,
    cycle: Cycle,
    golden: Sequence[LabelledText],
    candidate: Scorer,
    live: Scorer | None,
) -> Verdict:
    """Try the new phrases of this cycle's training texts on the candidate, and decide."""
    of_week = {"classifier": cycle.classifier, "week": cycle.week}
    train = [*warehouse.frame(TRAINED_SQL, of_week).itertuples(index=False, name=None)]
    traffic = [*warehouse.frame(TRAFFIC_SQL, of_week).itertuples(index=False, name=None)]
    since = first_new_week(Ledger(home).entries(cycle.classifier), [week for _, week, _, _ in train])
    if not any(week < since for week, _ in traffic):
        return decide_trigger_scan([], 0, 0, why="no request is older than the texts that live has not learned")
    phrases, left_out = find_new_phrases(train, traffic, since, [item.text for item in golden])
    reviewed = [(item.text, item.label) for item in golden if item.label in candidate.labels]
    tried = try_phrases(
        phrases, common_phrases(train), reviewed, answers_of(candidate), answers_of(live) if live else None
    )
    found = decide_trigger_scan([each.as_json() for each in tried], len(phrases), left_out)
    weeks = {week for phrase in list_triggers(found.evidence) for week in phrase["weeks"]}
    accepted = Quarantine(home).state(cycle.classifier).accepted
    released = [week for week in sorted(weeks) if (week, GATE, digest_of_week(train, week)) in accepted]
    return decide_trigger_scan([each.as_json() for each in tried], len(phrases), left_out, released)


def first_new_week(entries: Sequence[Entry], weeks: Sequence[str]) -> str:
    """Return the Monday from which on texts are new: that of live's own cycle, which it was tested on, else the newest
    week that trains."""
    newest = max(weeks, default="")
    live = state_after(entries).live
    own = [entry.week for entry in entries if entry.adapter == live and entry.week and entry.receipts]
    return min(newest, max(own)) if own else newest


def digest_of_week(train: Sequence[TrainedText], week: str) -> str:
    """Return the SHA-256 of the training texts of one week with their labels: what a person's word covers."""
    return digest_json([[*row] for row in train if row[1] == week])


def answers_of(scorer: Scorer) -> Answer:
    """Return a model's answers as labels."""

    def answer(texts: Sequence[str]) -> list[str]:
        return [scorer.labels[place] for place in scorer.logits(texts).argmax(axis=1)] if texts else []

    return answer
