"""Replay: the pairs that a shadow would have made, from logged traffic, for a home without traffic to shadow.

Add here a rule for the logged requests that may be replayed. Pairs are counted by
`ratchet/storage/rollout/shadow_pairs.py` and `ratchet/rollout/evidence/counts.py`.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ratchet.core.errors import RatchetError
from ratchet.ingest.rebuild import open_warehouse
from ratchet.models.inference.predictor import Predictions, Predictor, load_predictor
from ratchet.review.draw import EVIDENCE, draw
from ratchet.storage.home import Home
from ratchet.storage.journal.segments import publish_segment
from ratchet.storage.keys.request_id_secret import keep_secret
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.rollout.shadow_pairs import PAIRS
from ratchet.storage.run_history import candidates

_BLOCK = 32

_REQUESTS_SQL = """
SELECT request_id, text, ts, json_extract_string(extra, '$.user_hmac') AS user_hmac FROM production_logs
WHERE classifier = $classifier AND ts >= $since AND request_id NOT IN (
    SELECT request_id FROM examples
    WHERE classifier = $classifier AND week = ANY($weeks) AND split IN ('train', 'calibration'))
ORDER BY ts DESC, request_id LIMIT $limit
"""
"""The newest logged requests that neither adapter was trained or calibrated on: there it would look too good."""


@dataclass(frozen=True)
class Replayed:
    """Result of a replay: the number of pairs, and the two adapters, live first."""

    pairs: int
    compared: tuple[str, str]
    counts: bool
    """True where the pairs are evidence for the rollout that is running."""


def replay(home: Home, classifier: str, adapter: str, since: datetime, *, limit: int = 5000) -> Replayed:
    """Let live and `adapter` (a digest) answer the logged requests since `since` (aware), newest first; land the pairs.

    Of these pairs the same requests are evidence as of a gateway's: those whose keyed draw is below the rate, once they
    had the time to be labelled. Raises `RatchetError` when nothing is live, when `adapter` is live itself, or when no
    request may be replayed.
    """
    state, store = Ledger(home).state(classifier), AdapterStore(home)
    if state.live is None or state.live == adapter:
        reason = "is live itself" if state.live else "cannot be compared: nothing is live"
        raise RatchetError(
            f"adapter {adapter[:12]} {reason}.", "Give a candidate with --adapter.", code="nothing_to_compare"
        )
    weeks = [cycle.week for cycle, made in candidates(home, classifier) if made in {adapter, state.live}]
    params = {"classifier": classifier, "since": since, "weeks": weeks, "limit": limit}
    rows = open_warehouse(home, classifier).frame(_REQUESTS_SQL, params).to_dict("records")
    if not rows:
        raise RatchetError(
            f"one of the adapters was trained on every request since {since.isoformat()}, or there are none.",
            f"Give an earlier --since, or ingest newer logs: ratchet ingest {classifier}.",
            code="nothing_to_replay",
        )
    secret = keep_secret(home.secret)
    live, other = (load_predictor(store.open(classifier, digest)) for digest in (state.live, adapter))
    pairs = [
        {"sequence": state.head.sequence, "served": state.live, "other": adapter, "other_error": None, **pair}
        for start in range(0, len(rows), _BLOCK)
        for pair in _compare(rows[start : start + _BLOCK], live, other, secret)
    ]
    publish_segment(home.pairs(classifier), PAIRS, pairs)
    return Replayed(len(pairs), (state.live, adapter), state.challenger == adapter)


def _compare(
    rows: Sequence[dict[Any, Any]], live: Predictor, other: Predictor, secret: bytes
) -> Iterator[dict[str, Any]]:
    texts = [row["text"] for row in rows]
    answers = {"served": _timed(live, texts), "other": _timed(other, texts)}
    for index, row in enumerate(rows):
        request = str(row["request_id"])
        pair: dict[str, Any] = {
            "request_id": request,
            "ts": datetime.now(UTC).isoformat(),
            "asked": row["ts"].isoformat(),
            "draw": draw(secret, EVIDENCE, request),
            "user_hmac": row["user_hmac"] if isinstance(row["user_hmac"], str) else None,
        }
        for side, (result, text_ms) in answers.items():
            pair |= {f"{side}_label": result.labels[index], f"{side}_confidence": float(result.confidence[index])}
            pair |= {f"{side}_ms": text_ms, f"{side}_batch": len(rows)}
        yield pair


def _timed(predictor: Predictor, texts: Sequence[str]) -> tuple[Predictions, float]:
    started = time.thread_time()
    result = predictor.predict(texts)
    return result, (time.thread_time() - started) * 1000 / len(texts)
