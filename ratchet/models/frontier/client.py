"""Many questions: from memory where they were answered before, else several at once, until all are answered or it must
stop.

Stops for good when the budget is spent, when the endpoint refuses, after three questions in a row that brought nothing
or five that were cut short, or when `longest_s` has passed: a cycle waits no longer. Add here when to stop; how one
question is asked is `retries.py`.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Protocol

from ratchet.config.frontier import Frontier
from ratchet.config.prompt import Prompt
from ratchet.models.frontier.budget import Budget, BudgetSpent, SpendLog
from ratchet.models.frontier.request import FrontierQuestion
from ratchet.models.frontier.response import FrontierAnswer
from ratchet.models.frontier.retries import NoAnswerError, OutOfTime, Wait, ask_with_retries
from ratchet.models.frontier.transport import Endpoint

_IN_A_ROW = 3
_CUT_SHORT_IN_A_ROW = 5
_WORTH_KEEPING = ("", "no_code", "refusal", "filtered", "cut_short")
"""Flaws of what the model said, not of the way: asked again, they would cost again and say the same."""


class AnswerCache(Protocol):
    """Answers that outlive the process, by the digest of all that was sent."""

    def recall(self, digest: str) -> FrontierAnswer | None:
        """The answer, or None for one that is missing or damaged."""
        ...

    def keep(self, digest: str, answer: FrontierAnswer) -> None:
        """Durable and whole when this returns."""
        ...


@dataclass(frozen=True)
class BatchResult:
    """What came of a list of texts: an answer for each, None for one that was not answered; and how it went, in a
    sentence."""

    answers: tuple[FrontierAnswer | None, ...]
    remembered: int
    spent: float
    """In this cycle so far, in the money of the budget."""
    sentence: str

    @classmethod
    def nothing(cls, n: int, sentence: str) -> "BatchResult":
        """Nothing was asked, because of what the sentence says."""
        return cls((None,) * n, 0, 0.0, sentence)


@dataclass(frozen=True)
class UnavailableFrontier:
    """A frontier model that cannot be asked, and why."""

    settings: Frontier
    why: str

    def ask(self, texts: Sequence[str]) -> BatchResult:
        """Nothing for each text."""
        return BatchResult.nothing(len(texts), f"The frontier model was not asked: {self.why}")


@dataclass
class FrontierClient:
    """A frontier model that can be asked for labels."""

    settings: Frontier
    prompt: Prompt
    key: str | None
    memory: AnswerCache
    log: SpendLog
    wait: Wait = time.sleep

    def ask(self, texts: Sequence[str], watch: Callable[[int], None] = lambda done: None) -> BatchResult:
        """Answers to the texts, in their order. Never raises for what an endpoint does. `watch` is told how many are
        done.

        Raises `RatchetError` where what was spent cannot be told, or the environment's proxy cannot be used.
        """
        if self.key is None and not self.settings.is_local:
            return BatchResult.nothing(
                len(texts),
                f"The frontier model was not asked: the environment has no usable {self.settings.key_variable}.",
            )
        questions = [FrontierQuestion(self.settings, self.prompt, text) for text in texts]
        known = [self.memory.recall(question.digest) for question in questions]
        course = _Course(Budget(self.settings.budget, self.log), self.settings)
        for result in filter(None, known):
            course.answered(result)
        with Endpoint(self.settings, self.key) as endpoint, ThreadPoolExecutor(self.settings.at_once) as pool:
            asked = [
                result or pool.submit(self._one, endpoint, question, course)
                for question, result in zip(questions, known, strict=True)
            ]
            futures = [each for each in asked if isinstance(each, Future)]
            try:
                for done, _ in enumerate(as_completed(futures, max(0.0, course.until - time.monotonic())), start=1):
                    watch(len(known) - len(futures) + done)
            except TimeoutError:
                course.stop_late()
                endpoint.close()  # whoever sends a byte now and then meets no time-out of his own
            except BaseException:
                course.stop("it was interrupted")  # else the pool would ask all the rest before it ends
                raise
            answers = tuple(result if isinstance(result, FrontierAnswer) else result.result() for result in asked)
        remembered = sum(result is not None for result in known)
        return BatchResult(answers, remembered, course.budget.spent, self._say(answers, remembered, course))

    def _one(self, endpoint: Endpoint, question: FrontierQuestion, course: "_Course") -> FrontierAnswer | None:
        if course.stopped:
            return None
        try:
            answer = ask_with_retries(endpoint, question, course.budget, course.until, self.wait)
        except BudgetSpent:
            course.stop(f"the next question could have exceeded the budget of {self.settings.budget:g}")
            return None
        except OutOfTime:
            course.stop_late()
            return None
        except NoAnswerError as error:
            course.failed(error)
            return None
        course.answered(answer)
        if answer.flaw in _WORTH_KEEPING:
            self.memory.keep(question.digest, answer)
        return answer

    def _say(self, answers: Sequence[FrontierAnswer | None], remembered: int, course: "_Course") -> str:
        result = [answer for answer in answers if answer]
        said = (
            f"{len(result)} of {len(answers)} texts were answered by {self.settings.model}, {remembered} of them in an"
            " earlier run"
        )
        flaws = Counter(answer.flaw for answer in result if answer.flaw)
        if flaws:
            listed = ", ".join(f"{flaw} {count}" for flaw, count in sorted(flaws.items()))
            said += f"; {flaws.total()} could not be used ({listed})"
        said += f"; {course.budget.spent:.4g} of the budget of {self.settings.budget:g} is spent"
        if course.why:
            said += f"; no more were asked, because {course.why}"
        elif course.missed:
            said += f"; {course.missed} brought no answer"
        cures = [course.cure] if course.cure else []
        if flaws["cut_short"]:
            limit = self.settings.max_answer_tokens
            cures.append(
                f"Raise frontier.max_answer_tokens, now {limit}: a model that thinks before it answers needs hundreds."
            )
        return " ".join([f"{said}.", *cures])


class _Course:
    """How asking goes: the money, the time, the failures in a row, why it was stopped and what would mend it."""

    def __init__(self, budget: Budget, settings: Frontier) -> None:
        self.budget, self.why, self.cure, self.missed = budget, "", "", 0
        self.until, self._longest_s = time.monotonic() + settings.longest_s, settings.longest_s
        self._in_a_row, self._cut_short, self._lock = 0, 0, threading.Lock()

    @property
    def stopped(self) -> bool:
        if not self.why and time.monotonic() > self.until:
            self.stop_late()
        return bool(self.why)

    def stop_late(self) -> None:
        self.stop(f"{self._longest_s:g} s (frontier.longest_s) had passed")

    def stop(self, why: str) -> None:
        with self._lock:
            self.why = self.why or why

    def answered(self, answer: FrontierAnswer) -> None:
        with self._lock:
            self._in_a_row = 0
            self._cut_short = self._cut_short + 1 if answer.flaw == "cut_short" else 0
            if self._cut_short >= _CUT_SHORT_IN_A_ROW:
                self.why = self.why or f"{_CUT_SHORT_IN_A_ROW} answers in a row were cut short"

    def failed(self, error: NoAnswerError) -> None:
        with self._lock:
            self.missed, self._in_a_row = self.missed + 1, self._in_a_row + 1
            if not self.why and (error.fatal or self._in_a_row >= _IN_A_ROW):
                self.why, self.cure = f"the endpoint brought nothing: {error.reason}", error.cure
