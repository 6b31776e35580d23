"""Responses of the review: pages for people and JSON for programs, of the same steps.

Add here how a step is shown; the steps are `steps.py`, the templates are in `ratchet/review/page/`.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel

from gateway.errors import RequestError
from gateway.review.queues import OpenQueue
from gateway.review.schemas import (
    GivenLabel,
    NextItem,
    QueuedItem,
    ReviewedBatch,
    ReviewLabel,
    ReviewState,
    WaitingCount,
)
from gateway.review.steps import Reviewer, Turn
from gateway.routes.browser_auth import PAGE_HEADERS, tokens_of
from gateway.routes.login import login_page
from gateway.routes.page_frame import draw_frame
from gateway.state import gateway_of
from ratchet.data.records import ANSWERS
from ratchet.review.item import ReviewResult, WaitingReason
from ratchet.review.page.rendering import render, script_policy
from ratchet.review.page.views import AnswerForm, Message, ReviewFrame, Waiting, choices_of, write_age
from ratchet.review.reasons import MEANINGS


@dataclass(frozen=True)
class Visit:
    """One request of a person or program to the review of one classifier."""

    request: Request
    name: str
    opened: OpenQueue
    reviewer: Reviewer
    as_json: bool
    sees_people: bool = False
    """True for admins and adjudicators, who may read the figures of people."""

    @property
    def frame(self) -> ReviewFrame:
        """Return what every page says about itself."""
        return review_frame(self.request, self.reviewer.person, self.name)


def review_frame(request: Request, person: str, name: str = "") -> ReviewFrame:
    """Return the frame of the review page at the path of a request: every address in it is relative to that."""
    depth = request.url.path.count("/") - 1
    plain = draw_frame(request, "review", name, person)
    return ReviewFrame(**vars(plain), base=f"{name}/" if depth == 1 else "")


def show_state(
    visit: Visit, waiting: tuple[WaitingReason, ...], result: ReviewResult | None = None,
    message: Message | None = None, status: int = 200,
) -> Response:  # fmt: skip
    """Return what waits, and the result of a batch that is done."""
    now = gateway_of(visit.request).settings.now()
    if visit.as_json:
        return JSONResponse(state_of(visit.name, visit.opened, waiting).model_dump(), status)
    rows = tuple(Waiting(MEANINGS[each.reason], each.items, write_age(each.oldest, now)) for each in waiting)
    page = render(
        "waiting.html.j2", frame=visit.frame, sees_people=visit.sees_people, waiting=rows, result=result,
        message=message, form=_form(visit, ""), guide=visit.opened.guide,
        choices=choices_of(visit.opened.spec.label, visit.opened.guide),
    )  # fmt: skip
    return _page(page, status)


def show_turn(
    visit: Visit, turn: Turn, *, status: int = 200, message: Message | None = None, note: str = "", chosen: str = "",
    undone: bool = False,
) -> Response:  # fmt: skip
    """Return the item in front of a person, with what they typed before; it is not there for a batch that is done."""
    if visit.as_json or turn.item is None:
        return JSONResponse(next_of(turn).model_dump(), status)
    page = render(
        "item.html.j2", frame=visit.frame, item=turn.item, message=message, undone=undone,
        form=_form(visit, turn.item.request_id, note, chosen),
        choices=choices_of(visit.opened.spec.label, visit.opened.guide), guide=visit.opened.guide,
    )  # fmt: skip
    return _page(page, status)


def show_unsent(visit: Visit, error: RequestError, given: Mapping[str, Any], action: str) -> Response:
    """Return a page that keeps what was typed and could not be stored, and sends it again; it shows no text."""
    form = _form(visit, given["request_id"], given["note"], given["label"] or given["answer"] or "")
    message = Message(error.problem.message, error.problem.hint)
    page = render(
        "unsent.html.j2", frame=visit.frame, message=message, form=form, action=action, is_label=bool(given["label"])
    )
    return _with_retry(_page(page, error.status), error)


def show_error(request: Request, error: RequestError, person: str = "") -> Response:
    """Return the page of a request error: the login where somebody must log in, else the sentence."""
    if error.status == 401:
        return login_page(request, 401, error=error, to=request.url.path.lstrip("/"))
    message = Message(error.problem.message, error.problem.hint)
    page = render("problem.html.j2", frame=review_frame(request, person), message=message)
    return _with_retry(_page(page, error.status), error)


def facts_of(visit: Visit, request_id: str, shown: int) -> list[str | int]:
    """Return what the token of an answer proves: which request was shown to whom, and when."""
    return ["answer", visit.name, visit.reviewer.key, visit.reviewer.person, request_id, shown]


def next_of(turn: Turn) -> NextItem:
    """Return a turn as JSON."""
    item, result = turn.item, turn.result
    return NextItem(
        item=QueuedItem(
            request_id=item.request_id, batch=item.batch, text=item.text, reasons=list(item.reasons),
            position=item.position, of=item.of,
            conflict=[GivenLabel(label=label, note=note) for label, note in item.conflict],
        )
        if item
        else None,
        result=ReviewedBatch(batch=result.batch, answered=result.answered, checks=result.checks, agreed=result.agreed)
        if result
        else None,
    )  # fmt: skip


def state_of(name: str, opened: OpenQueue, waiting: tuple[WaitingReason, ...]) -> ReviewState:
    """Return what waits as JSON."""
    return ReviewState(
        name=name,
        waiting=[
            WaitingCount(
                reason=each.reason, meaning=MEANINGS[each.reason], items=each.items, oldest=each.oldest.isoformat()
            )
            for each in waiting
        ],
        labels=[
            ReviewLabel(name=each.name, key=each.key, description=each.description, guide=each.guide)
            for each in choices_of(opened.spec.label, opened.guide)
        ],
        guide=opened.guide.whole,
    )


def as_json(body: BaseModel, status: int = 200) -> JSONResponse:
    """Return a body as JSON."""
    return JSONResponse(body.model_dump(), status)


def _form(visit: Visit, request_id: str, note: str = "", chosen: str = "") -> AnswerForm:
    shown = int(time.time() * 1000)
    token = tokens_of(visit.request).sign(facts_of(visit, request_id, shown))
    known = chosen in visit.opened.spec.labels or chosen in ANSWERS
    return AnswerForm(request_id, shown, token, note, chosen if known else "")


def _page(html: str, status: int) -> HTMLResponse:
    return HTMLResponse(html, status, {**PAGE_HEADERS, "Content-Security-Policy": script_policy()})


def _with_retry(response: Response, error: RequestError) -> Response:
    if error.retry_s is not None:
        response.headers["Retry-After"] = str(error.retry_s)
    return response
