"""Retries of one question: attempts with back-off, each paid for before it is made.

Add here when to retry, and how long to wait. A single attempt is in `transport.py`, many questions are in `client.py`.
"""

import random
import time
import uuid
from collections.abc import Callable
from dataclasses import replace

from ratchet.config.frontier import Frontier
from ratchet.models.frontier.budget import Budget
from ratchet.models.frontier.request import FrontierQuestion
from ratchet.models.frontier.response import FrontierAnswer, read_answer
from ratchet.models.frontier.transport import AttemptFailed, Endpoint

LONGEST_WAIT_S = 60.0
_FIRST_S, _LONGEST_STEP_S = 0.5, 20.0

Wait = Callable[[float], None]


class NoAnswerError(Exception):
    """No answer came. `fatal`: other questions would fail, too; `hint`: how to fix it, or empty."""

    def __init__(self, reason: str, *, fatal: bool, hint: str = "") -> None:
        super().__init__(reason)
        self.reason, self.fatal, self.hint = reason, fatal, hint


class OutOfTime(Exception):  # noqa: N818 - an answer to a request for time
    """The time for all questions is over, or would be before the next attempt."""


def ask_with_retries(
    endpoint: Endpoint, question: FrontierQuestion, budget: Budget, until: float, wait: Wait = time.sleep
) -> FrontierAnswer:
    """Ask a question until it is answered; raises `NoAnswerError`, or `BudgetSpent` when the budget is too small.

    No attempt begins after `until`, in seconds of the monotonic clock, and one in progress is cut off then; raises
    `OutOfTime` instead.

    After 429, 5xx, time-outs and broken connections it waits as long as Retry-After asks (it gives up above a minute),
    else 0.5 s, 1 s and so on up to 20 s, each with random jitter of up to half as much again.
    """
    settings, reason, hint = question.settings, "", ""
    for attempt in range(settings.retries + 1):
        left_s = until - time.monotonic()
        if left_s <= 0:
            raise OutOfTime
        name, aside = uuid.uuid4().hex, question.dearest
        budget.set_aside(name, aside)
        try:
            result = endpoint.attempt(question, min(settings.timeout_s, left_s))
        except AttemptFailed as failed:
            if not failed.owed:
                budget.settle(name, aside, 0.0)
            reason, hint = failed.reason, failed.hint
            if not failed.again:
                raise NoAnswerError(reason, fatal=True, hint=hint) from None
            if (failed.wait_s or 0.0) > LONGEST_WAIT_S:
                raise NoAnswerError(
                    f"{reason}, with Retry-After {failed.wait_s:.0f} s", fatal=True, hint=hint
                ) from None
            if attempt < settings.retries:
                pause_s = failed.wait_s if failed.wait_s is not None else _step(attempt)
                if time.monotonic() + pause_s >= until:
                    raise OutOfTime from None
                wait(pause_s)
            continue
        answer = replace(read_answer(result.body, question.prompt.codes), latency_s=result.latency_s)
        if answer.tokens_in is not None and answer.tokens_out is not None:
            budget.settle(name, aside, settings.cost(answer.tokens_in, answer.tokens_out))
            if answer.tokens_out > settings.max_answer_tokens:
                message = (
                    f"it wrote {answer.tokens_out} tokens where {settings.limit_name} allowed"
                    f" {settings.max_answer_tokens}"
                )
                raise NoAnswerError(f"{message}, so it would exceed any budget", fatal=True, hint=_other_name(settings))
            if answer.tokens_in > question.most_tokens:
                message = f"it counted {answer.tokens_in} tokens of a question that can have {question.most_tokens}"
                raise NoAnswerError(f"{message}, so it would exceed any budget", fatal=True)
        return answer
    raise NoAnswerError(f"{reason}, {settings.retries + 1} times", fatal=False, hint=hint)


def _other_name(settings: Frontier) -> str:
    return f'The endpoint may know this limit by its other name only: set limit_name = "{settings.other_limit_name}".'


def _step(attempt: int) -> float:
    step: float = min(_LONGEST_STEP_S, _FIRST_S * 2**attempt)
    return step * random.uniform(1.0, 1.5)  # noqa: S311 - spreads retries, guards nothing
