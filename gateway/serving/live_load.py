"""Load of live requests on the thread that answers, by which shadows wait.

Add here another measure of how busy the thread is; who waits for it is decided in `batching.py`.
"""

from collections import deque

_WINDOW_S = 2.0


class LiveLoad:
    """Share of the last seconds in which live requests kept the answering thread busy."""

    def __init__(self) -> None:
        self._spans: deque[tuple[float, float]] = deque()

    def add(self, began: float, ended: float) -> None:
        """Add a batch that was answered between these two times (monotonic seconds)."""
        self._spans.append((began, ended))

    def share(self, now: float) -> float:
        """Return the busy share of the last `_WINDOW_S` seconds, 0..1."""
        while self._spans and self._spans[0][1] < now - _WINDOW_S:
            self._spans.popleft()
        return sum(ended - max(began, now - _WINDOW_S) for began, ended in self._spans) / _WINDOW_S
