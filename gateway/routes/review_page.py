"""Review page: what waits, and the next item in front of a person; the same as JSON for programs with a key.

Add here what people see; answers are `review_answers.py`, the steps `gateway/review/steps.py`. Nothing on the page or
in the JSON ever shows what the model answered.
"""

import asyncio
from functools import partial

from fastapi import APIRouter, Request
from fastapi.responses import Response

from gateway.errors import RequestError, is_json_wanted
from gateway.review.pages import Visit, as_json, review_frame, show_error, show_state, show_turn, state_of
from gateway.review.queues import OpenQueue
from gateway.review.schemas import NextItem, ReviewList, ReviewState
from gateway.review.steps import Turn, result_of, take_next
from gateway.review.visits import answers_of, caller_of_review, respond_to
from gateway.routes.auth import Caller
from gateway.routes.browser_auth import PAGE_HEADERS
from gateway.routes.speakers import annotator_of
from gateway.state import Gateway, gateway_of
from ratchet.review.item import ReviewResult, WaitingReason
from ratchet.review.page.rendering import render
from ratchet.review.page.views import Message

router = APIRouter()
_NOTHING = Message(
    "Nothing waits for you now.",
    "Where requests are listed, they wait for another person, or someone has them in front of them for ten minutes.",
    "open",
)


@router.get(
    "/review", response_class=Response, responses=answers_of(ReviewList), summary="The classifiers that wait for review"
)
async def list_classifiers(request: Request) -> Response:
    """Return the classifiers that the key may review, with what waits. A browser without a login gets the form."""
    try:
        caller = caller_of_review(request)
        found = await asyncio.to_thread(_look_at_all, gateway_of(request), caller)
    except RequestError as error:
        if is_json_wanted(request.headers):
            raise
        return show_error(request, error)
    if is_json_wanted(request.headers):
        return as_json(ReviewList(classifiers=[state_of(name, *each) for name, each in found.items()]))
    counts = {name: sum(reason.items for reason in waiting) for name, (_, waiting) in found.items()}
    page = render("classifiers.html.j2", frame=review_frame(request, caller.person), counts=counts)
    return Response(page, headers=PAGE_HEADERS, media_type="text/html")


@router.get(
    "/review/{name}", response_class=Response, responses=answers_of(ReviewState, 422), summary="What waits for review"
)
async def show_waiting(request: Request, name: str, batch: str = "") -> Response:
    """Return what waits by reason and age, and the labels; on the page also the result of a `batch` that is done."""

    async def work(visit: Visit) -> Response:
        return await asyncio.to_thread(lambda: show_state(visit, *_look(visit.opened, batch)))

    return await respond_to(request, name, work)


@router.get(
    "/review/{name}/next", response_class=Response, responses=answers_of(NextItem, 422), summary="The next item"
)
async def show_next(request: Request, name: str, undone: bool = False) -> Response:
    """Return the item in front of the person. One without a batch gets a new one, which others cannot get for ten
    minutes; that a text was read is logged. After an undo (`undone`) the page also takes the answer back."""

    async def work(visit: Visit) -> Response:
        compared = gateway_of(request).queues.is_compared(name)
        turn = await asyncio.to_thread(partial(take_next, visit.opened, visit.reviewer, compared=compared))
        return await show_what_follows(visit, turn, undone=undone)

    return await respond_to(request, name, work)


async def show_what_follows(
    visit: Visit, turn: Turn, *, undone: bool = False, message: Message | None = None, status: int = 200
) -> Response:
    """Return the next item, else the result of the batch, else that nothing waits."""
    if turn.item is not None or visit.as_json:  # drawn in a thread: a long text takes some time
        return await asyncio.to_thread(partial(show_turn, visit, turn, undone=undone))

    def draw() -> Response:
        waiting, _ = _look(visit.opened, "")
        return show_state(visit, waiting, turn.result, None if turn.result else message or _NOTHING, status)

    return await asyncio.to_thread(draw)


def _look(opened: OpenQueue, batch: str) -> tuple[tuple[WaitingReason, ...], ReviewResult | None]:
    opened.queue.refresh()
    return opened.queue.waiting(), result_of(opened, batch) if batch else None


def _look_at_all(gateway: Gateway, caller: Caller) -> dict[str, tuple[OpenQueue, tuple[WaitingReason, ...]]]:
    """Return the queue of each classifier for which this person's answers count, and what waits there."""
    result = {}
    for name in gateway.slots.home.served():
        opened = gateway.queues.open(name)
        try:
            annotator_of(caller, None, opened.spec)
        except RequestError:
            continue
        result[name] = opened, _look(opened, "")[0]
    return result
