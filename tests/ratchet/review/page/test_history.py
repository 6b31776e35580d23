"""The page of a request's history: whatever users and annotators wrote, it shows text and nothing else."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import jinja2
import pytest

from ratchet.review.page.history import render_history
from ratchet.review.page.rendering import review_environment
from ratchet.review.request_history import CycleUse, RequestHistory

PLAIN = "plain words"


def make(word: str) -> RequestHistory:
    """A history in which everything that others wrote is `word`."""
    row = {"ts": "2026-01-05T10:00:00+00:00", "reason": word}
    correction = {"label": word, "annotator": word, "person": word, "saw_prediction": False, "state": "counts",
                  "answer": None, "note": word, "batch": word, "seconds": 1.0, "chosen": word}  # fmt: skip
    use = CycleUse("2026-01-12", "judged", word, adapter=word, outcome=word, live=True,
                   predictions=({"model": "live", "predicted": word, "probabilities": {word: 1.0}},))  # fmt: skip
    return RequestHistory(
        "small", word, {**row, "label": word, "confidence": 0.5, "adapter": word, "slot": word, "flag_reason": word,
                        "action": word, "threshold": 0.5, "path": word, "runtime": word},
        text=word,
        compared=({**row, "other": word, "other_label": word, "served_label": word, "other_confidence": 0.5},),
        feedback=({**row, "verdict": word, "label": word, "source": word},),
        queued=({**row, "chosen": word, "probability": 0.5, "slot": word, "detail": word},),
        corrections=({**row, **correction},), contradictions=(row,),
        consensus={"label": word, "votes": 1, "annotators": 1, "blind": True},
        cycles=(use, replace(use, use="dropped", reason=word, sentence=word)), quarantine=word,
        waiting=({"kind": word, "file": word, "reason": word},),
        rejected=({"kind": word, "file": word, "line": 1, "reason": word},), notes=(word,),
    )  # fmt: skip


def test_no_payload_is_alive_wherever_it_stands(
    payloads: list[str], find_dangers: Callable[[str], list[str]], count_elements: Callable[[str], Counter[str]]
) -> None:
    """T13: in text, label, annotator, note, source, file, reason and id; the page has the elements of plain words."""
    expected = count_elements(render_history([make(PLAIN)]))
    for payload in payloads[::7]:  # every seventh: the prefixes and the bases take turns
        page = render_history([make(payload)])
        assert find_dangers(page) == []
        assert count_elements(page) == expected


def test_the_test_sees_a_page_that_does_not_escape(
    payloads: list[str], find_dangers: Callable[[str], list[str]]
) -> None:
    """Without the escaping of the templates at least one payload is alive."""
    careless = review_environment().overlay(autoescape=False, cache_size=0)
    assert isinstance(careless, jinja2.Environment)
    assert any(find_dangers(render_history([make(payload)], environment=careless)) for payload in payloads[:20])


def test_what_is_hidden_is_made_visible() -> None:
    """Bidirectional marks stand as escapes."""
    assert "\\u202e" in render_history([make("\u202eabc")])


@pytest.mark.parametrize("count", [1, 2])
def test_each_classifier_has_its_part(count: int) -> None:
    """Two classifiers may share an id; headings have ids of their own."""
    page = render_history([make(PLAIN)] * count)
    assert page.count('class="verdict"') == count
    ids = [part.partition('"')[0] for part in page.split(' id="')[1:]]
    assert len(ids) == len(set(ids))
