"""Retries of one question: attempts with back-off, each paid for before it is made.

Add here when to retry, and how long to wait. A single attempt is in `transport.py`, many questions are in `client.py`.
"""

import random
import time
import uuid
from collections.abc import Callable
from dataclasses import replace

from ratchet.config.frontier import Frontier
from ratchet.core.timeouts import FRONTIER_RETRY_AFTER_S
from ratchet.models.frontier.budget import Budget
from ratchet.models.frontier.request import FrontierQuestion
from ratchet.models.frontier.response import FrontierAnswer, read_answer
from ratchet.models.frontier.transport import AttemptFailed, Endpoint

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
    retries = question.settings.retries
    for attempt in range(retries + 1):
        try:
            return _attempt(endpoint, question, budget, until)
        except AttemptFailed as error:
            failed = error
        if attempt < retries:
            pause_s = failed.wait_s if failed.wait_s is not None else _step(attempt)
            # checked before the pause, so that a run ends at once where no time is left for another attempt
            if time.monotonic() + pause_s >= until:
                raise OutOfTime
            wait(pause_s)
    raise NoAnswerError(f"{failed.reason}, {retries + 1} times", fatal=False, hint=failed.hint)


def _attempt(endpoint: Endpoint, question: FrontierQuestion, budget: Budget, until: float) -> FrontierAnswer:
    """Make one attempt; raises `AttemptFailed` where another may succeed, else `NoAnswerError`."""
    settings, left_s = question.settings, until - time.monotonic()
    if left_s <= 0:
        raise OutOfTime
    name, reserved = uuid.uuid4().hex, question.dearest
    budget.set_aside(name, reserved)  # durable before anything is sent, so that a kill cannot hide the cost
    try:
        response = endpoint.attempt(question, min(settings.timeout_s, left_s))
    except AttemptFailed as failed:
        if not failed.owed:  # else what was set aside stays spent, since the endpoint may bill the attempt
            budget.settle(name, reserved, 0.0)
        if not failed.again:
            raise NoAnswerError(failed.reason, fatal=True, hint=failed.hint) from None
        if (failed.wait_s or 0.0) > FRONTIER_RETRY_AFTER_S:
            reason = f"{failed.reason}, with Retry-After {failed.wait_s:.0f} s"
            raise NoAnswerError(reason, fatal=True, hint=failed.hint) from None
        raise
    answer = replace(read_answer(response.body, question.prompt.codes), latency_s=response.latency_s)
    if answer.tokens_in is not None and answer.tokens_out is not None:
        budget.settle(name, reserved, settings.cost(answer.tokens_in, answer.tokens_out))
        if answer.tokens_out > settings.max_answer_tokens:
            message = (
                f"it wrote {answer.tokens_out} tokens where {settings.limit_name} allowed {settings.max_answer_tokens}"
            )
            raise NoAnswerError(f"{message}, so it would exceed any budget", fatal=True, hint=_other_name(settings))
        if answer.tokens_in > question.most_tokens:
            message = f"it counted {answer.tokens_in} tokens of a question that can have {question.most_tokens}"
            raise NoAnswerError(f"{message}, so it would exceed any budget", fatal=True)
    return answer


def _other_name(settings: Frontier) -> str:
    return f'The endpoint may know this limit by its other name only: set limit_name = "{settings.other_limit_name}".'


def _step(attempt: int) -> float:
    step: float = min(_LONGEST_STEP_S, _FIRST_S * 2**attempt)
    return step * random.uniform(1.0, 1.5)  # noqa: S311 - spreads retries, guards nothing
