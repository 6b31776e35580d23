"""Recent answers of a gateway, in memory, and the texts of older ones, from the journal and the newest segments.

Request ids are random, so that a text is found by its id alone. Add here another place to find one.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence

from gateway.row_log import REQUESTS, RowLog
from ratchet.review.causes import AnsweredRequest
from ratchet.storage.review.request_files import find_answers

_ANSWERS, _CHARS = 20_000, 32_000_000
"""Answers, and characters of their texts, that are remembered."""
_SEGMENTS = 1000


class RecentAnswers:
    """Memory of one gateway's answers. Used by one thread."""

    def __init__(self, landing: RowLog, most: int = _ANSWERS, most_chars: int = _CHARS) -> None:
        self._landing, self._most, self._most_chars = landing, most, most_chars
        self._answers: OrderedDict[tuple[str, str], AnsweredRequest] = OrderedDict()
        self._chars = 0

    def remember(self, classifier: str, answers: Sequence[AnsweredRequest]) -> None:
        """Remember answers; the oldest ones give way."""
        for answer in answers:
            self._answers[classifier, answer.request_id] = answer
            self._chars += len(answer.text)
        while self._answers and (len(self._answers) > self._most or self._chars > self._most_chars):
            self._chars -= len(self._answers.popitem(last=False)[1].text)

    def find(self, classifier: str, request_id: str) -> AnsweredRequest | None:
        """Return an answer that is remembered."""
        return self._answers.get((classifier, request_id))

    def find_all(self, classifier: str, request_ids: Iterable[str]) -> dict[str, AnsweredRequest]:
        """Return answers by id: those remembered, and of others the text, where the disk still shows it."""
        home, wanted = self._landing.home, dict.fromkeys(request_ids)
        found = {each: answer for each in wanted if (answer := self.find(classifier, each)) is not None}
        if left := [each for each in wanted if each not in found]:
            journal, folder = home.journal(classifier, REQUESTS), self._landing.target(classifier, REQUESTS)
            rows = find_answers(journal, folder, left, most=_SEGMENTS)
            found |= {each: AnsweredRequest(each, row["text"], row["slot"] or "") for each, row in rows.items()}
        return found
