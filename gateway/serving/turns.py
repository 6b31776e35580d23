"""Turns of the callers whose texts wait for one model, so that nobody waits behind all texts of another.

Add here another rule about who comes next; how jobs become batches is `batching.py`.
"""

from collections import Counter


class Turns:
    """Turns of callers that wait (start-time fair queueing, Goyal et al. 1996): each gets the same number of texts."""

    def __init__(self) -> None:
        self.now = 0
        """Turn of the job that is answered."""
        self.waiting: Counter[str] = Counter()
        """Texts that wait, by caller."""
        self._next: dict[str, int] = {}

    def enter(self, caller: str, texts: int) -> int:
        """Return the turn of a new job: after the caller's own jobs, and never before what is answered now."""
        turn = max(self.now, self._next.get(caller, 0))
        self._next[caller] = turn + texts
        self.waiting[caller] += texts
        return turn

    def leave(self, caller: str, texts: int) -> None:
        """Forget a job; a caller for which nothing waits keeps no turn."""
        self.waiting[caller] -= texts
        if not self.waiting[caller]:
            del self.waiting[caller], self._next[caller]
