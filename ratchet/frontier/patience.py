"""One question until it is answered: attempts with back-off, each paid for before it is made.

Add here how long is waited for what. What one attempt is, is `endpoint.py`; who asks many questions, `asking.py`.
"""

import random
import time
import uuid
from collections.abc import Callable
from dataclasses import replace

from ratchet.frontier.answer import Answer, read_answer
from ratchet.frontier.budget import Budget
from ratchet.frontier.endpoint import AttemptFailed, Endpoint
from ratchet.frontier.question import Question

LONGEST_WAIT_S = 60.0
_FIRST_S, _LONGEST_STEP_S = 0.5, 20.0

Wait = Callable[[float], None]


class Unanswered(Exception):  # noqa: N818 - what happened to one question
    """No answer came. `fatal`: none would come to another question either."""

    def __init__(self, reason: str, *, fatal: bool) -> None:
        super().__init__(reason)
        self.reason, self.fatal = reason, fatal


def ask_patiently(endpoint: Endpoint, question: Question, budget: Budget, wait: Wait = time.sleep) -> Answer:
    """The answer to a question; raises `Unanswered`, or `BudgetSpent` when the next attempt could exceed the budget.

    After 429, 5xx, time-outs and broken connections it waits as long as Retry-After says (at most a minute, else it gives up),
    or 0.5 s, twice that and so on, up to half as long again by chance.
    """
    settings, reason = question.settings, ""
    for attempt in range(settings.retries + 1):
        name, aside = uuid.uuid4().hex, question.dearest
        budget.set_aside(name, aside)
        try:
            found = endpoint.attempt(question)
        except AttemptFailed as failed:
            if not failed.owed:
                budget.settle(name, aside, 0.0)
            reason = failed.reason
            if not failed.again:
                raise Unanswered(reason, fatal=True) from None
            if (failed.wait_s or 0.0) > LONGEST_WAIT_S:
                raise Unanswered(f"{reason}, to be asked again in {failed.wait_s:.0f} s", fatal=True) from None
            if attempt < settings.retries:
                wait(failed.wait_s if failed.wait_s is not None else _step(attempt))
            continue
        answer = replace(read_answer(found.body, question.prompt.codes), latency_s=found.latency_s)
        if answer.tokens_in is not None and answer.tokens_out is not None:
            budget.settle(name, aside, settings.cost(answer.tokens_in, answer.tokens_out))
            if answer.tokens_out > settings.max_answer_tokens:
                said = f"it wrote {answer.tokens_out} tokens where {settings.limit_name} allowed {settings.max_answer_tokens}"
                raise Unanswered(f"{said}, so no budget would hold", fatal=True)
        return answer
    raise Unanswered(f"{reason}, {settings.retries + 1} times", fatal=False)


def _step(attempt: int) -> float:
    step: float = min(_LONGEST_STEP_S, _FIRST_S * 2**attempt)
    return step * random.uniform(1.0, 1.5)  # noqa: S311 - spreads retries, guards nothing
