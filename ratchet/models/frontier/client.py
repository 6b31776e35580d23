"""Client that gets the frontier model's labels for many texts, from the cache or from the endpoint, several at once.

It stops for good when the budget is spent, when the endpoint rejects the request, after three questions in a row
without an answer or five whose answers were cut short, or when `longest_s` has passed: a cycle waits no longer. Add
here when to stop; a single question is sent, with retries, by `retries.py`.
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
"""Flaws of the model's own answer, not of its transport: to ask again would cost again and give the same."""


class AnswerCache(Protocol):
    """Durable cache of answers, by the digest of the question."""

    def recall(self, digest: str) -> FrontierAnswer | None:
        """Return the answer; None where it is missing or damaged."""
        ...

    def keep(self, digest: str, answer: FrontierAnswer) -> None:
        """Write an answer, atomically; durable when this returns."""
        ...


@dataclass(frozen=True)
class BatchResult:
    """Answers to a list of texts, None for a text that was not answered, and a sentence that sums up the run."""

    answers: tuple[FrontierAnswer | None, ...]
    remembered: int
    spent: float
    """Money spent in this cycle so far, in the currency of the budget."""
    sentence: str

    @classmethod
    def nothing(cls, n: int, sentence: str) -> "BatchResult":
        """Make the result of a run that sent nothing, for the reason in the sentence."""
        return cls((None,) * n, 0, 0.0, sentence)


@dataclass(frozen=True)
class UnavailableFrontier:
    """A frontier model that cannot be used, and why."""

    settings: Frontier
    why: str

    def ask(self, texts: Sequence[str]) -> BatchResult:
        """Return no answer for each text."""
        return BatchResult.nothing(len(texts), f"The frontier model was not asked: {self.why}")


@dataclass
class FrontierClient:
    """A frontier model that labels texts."""

    settings: Frontier
    prompt: Prompt
    key: str | None
    memory: AnswerCache
    log: SpendLog
    wait: Wait = time.sleep

    def ask(self, texts: Sequence[str], watch: Callable[[int], None] = lambda done: None) -> BatchResult:
        """Answers to the texts, in their order. Never raises for what an endpoint does.

        `watch` is called with the number of texts done so far. Raises `RatchetError` where the log of spending is
        unreadable, or where the environment's proxy cannot be used.
        """
        if self.key is None and not self.settings.is_local:
            return BatchResult.nothing(
                len(texts),
                f"The frontier model was not asked: the environment has no usable {self.settings.key_variable}.",
            )
        questions = [FrontierQuestion(self.settings, self.prompt, text) for text in texts]
        known = [self.memory.recall(question.digest) for question in questions]
        course = _Course(Budget(self.settings.budget, self.log), self.settings)
        for answer in filter(None, known):
            course.answered(answer)
        with Endpoint(self.settings, self.key) as endpoint, ThreadPoolExecutor(self.settings.at_once) as pool:
            pending = [
                answer or pool.submit(self._one, endpoint, question, course)
                for question, answer in zip(questions, known, strict=True)
            ]
            futures = [each for each in pending if isinstance(each, Future)]
            try:
                for done, _ in enumerate(as_completed(futures, max(0.0, course.until - time.monotonic())), start=1):
                    watch(len(known) - len(futures) + done)
            except TimeoutError:
                course.stop_late()
                endpoint.close()  # an endpoint that sends a byte now and then never hits a time-out
            except BaseException:
                course.stop("it was interrupted")  # otherwise the pool would send all the rest before it ends
                raise
            answers = tuple(each if isinstance(each, FrontierAnswer) else each.result() for each in pending)
        remembered = sum(answer is not None for answer in known)
        return BatchResult(answers, remembered, course.budget.spent, self._summarise(answers, remembered, course))

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

    def _summarise(self, answers: Sequence[FrontierAnswer | None], remembered: int, course: "_Course") -> str:
        answered = [answer for answer in answers if answer]
        sentence = (
            f"{len(answered)} of {len(answers)} texts were answered by {self.settings.model},"
            f" {remembered} of them in an earlier run"
        )
        flaws = Counter(answer.flaw for answer in answered if answer.flaw)
        if flaws:
            listed = ", ".join(f"{flaw} {count}" for flaw, count in sorted(flaws.items()))
            sentence += f"; {flaws.total()} could not be used ({listed})"
        sentence += f"; {course.budget.spent:.4g} of the budget of {self.settings.budget:g} is spent"
        if course.why:
            sentence += f"; stopped early: {course.why}"
        elif course.missed:
            sentence += f"; {course.missed} got no answer"
        hints = [course.hint] if course.hint else []
        if flaws["cut_short"]:
            limit = self.settings.max_answer_tokens
            hints.append(
                f"Raise frontier.max_answer_tokens, now {limit}: a model that thinks before it answers needs hundreds."
            )
        return " ".join([f"{sentence}.", *hints])


class _Course:
    """State of a run: money, time, failures in a row, why it was stopped, and a hint how to fix that."""

    def __init__(self, budget: Budget, settings: Frontier) -> None:
        self.budget, self.why, self.hint, self.missed = budget, "", "", 0
        self.until, self._longest_s = time.monotonic() + settings.longest_s, settings.longest_s
        self._in_a_row, self._cut_short, self._lock = 0, 0, threading.Lock()

    @property
    def stopped(self) -> bool:
        if not self.why and time.monotonic() > self.until:
            self.stop_late()
        return bool(self.why)

    def stop_late(self) -> None:
        self.stop(f"{self._longest_s:g} s (frontier.longest_s) have passed")

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
                self.why, self.hint = f"the endpoint gave no answer: {error.reason}", error.hint
