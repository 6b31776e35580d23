"""Answers of people who review: a label, a skip, an undo; by the form of the page or as JSON with a key.

An answer goes through the door of every correction (`gateway/feedback_log.py`): it is on disk before the next item is
shown. Add here another thing that people do with an item; what they see is `review_page.py`.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from gateway.errors import RequestError
from gateway.review.pages import Visit, as_json, facts_of, next_of, show_turn, show_unsent
from gateway.review.schemas import (
    SECONDS_AT_MOST,
    Answered,
    NextItem,
    ReviewAnswer,
    ReviewSkip,
    ReviewUndo,
)
from gateway.review.steps import Turn, go_on, make_row, skip, take_next, undo
from gateway.review.visits import answers_of, respond_to
from gateway.routes.browser_auth import FORM_TYPE, PAGE_HEADERS, need_own_page, read_form, tokens_of
from gateway.routes.feedback import store_row
from gateway.routes.request_body import body_of, schema_of
from gateway.routes.review_page import show_what_follows
from gateway.row_log import CORRECTIONS
from gateway.state import gateway_of
from ratchet.core.request_source import media_type
from ratchet.review.notes import clean_note
from ratchet.review.page.views import Message

router = APIRouter()
Given = dict[str, Any]
_FORM_AT_MOST = 64 * 1024
_FIELDS = ("request_id", "shown", "token", "note", "label", "answer", "partial")
_FORM = {
    "type": "object",
    "required": ["request_id", "shown", "token"],
    "properties": {name: {"type": "string"} for name in _FIELDS},
}
_STALE = Message(
    "Nothing was stored.", "This gateway did not make the form for you, or it was started anew. Answer here."
)


def _body(model: type[Any]) -> dict[str, Any]:
    content = {
        "application/json": {"schema": schema_of(model)},
        "application/x-www-form-urlencoded": {"schema": _FORM},
    }
    return {"requestBody": {"required": True, "content": content}}


_RESPONSES = {**answers_of(NextItem, 409, 413, 415, 422), 303: {"description": "Done; a page follows."}}
_STORED = {**answers_of(Answered, 409, 413, 415, 422), 303: _RESPONSES[303]}
_STORED[201] = {"description": "Stored.", "content": {"application/json": {"schema": schema_of(Answered)}}}


@router.post(
    "/review/{name}/answer", status_code=201, response_class=Response, responses=_STORED,
    openapi_extra=_body(ReviewAnswer), summary="A person's answer",
)  # fmt: skip
async def take_answer(request: Request, name: str) -> Response:
    """Store an answer; the response comes once it is on disk, with the next item or the result of the batch."""
    return await respond_to(request, name, partial(_act, model=ReviewAnswer, action="answer", work=_store))


@router.post(
    "/review/{name}/skip", status_code=200, response_class=Response, responses=_RESPONSES,
    openapi_extra=_body(ReviewSkip), summary="Leave an item to another person",
)  # fmt: skip
async def take_skip(request: Request, name: str) -> Response:
    """Leave the item to another person; after two people it goes to adjudication."""
    return await respond_to(request, name, partial(_act, model=ReviewSkip, action="skip", work=_leave))


@router.post(
    "/review/{name}/undo", status_code=200, response_class=Response, responses=_RESPONSES,
    openapi_extra=_body(ReviewUndo), summary="Bring the last answered item back",
)  # fmt: skip
async def take_undo(request: Request, name: str) -> Response:
    """Bring the last answered item back. Its answer stands until a newer one comes, which may be `withdrawn`."""
    return await respond_to(request, name, partial(_act, model=ReviewUndo, action="undo", work=_go_back))


async def _store(visit: Visit, given: Given) -> Turn:
    row = await asyncio.to_thread(make_row, visit.opened, visit.reviewer, given)
    await store_row(gateway_of(visit.request), visit.name, CORRECTIONS, row)
    return await asyncio.to_thread(partial(go_on, visit.opened, visit.reviewer, row, shows=given["shows"]))


async def _leave(visit: Visit, given: Given) -> Turn:
    leave = partial(skip, visit.opened, visit.reviewer, given["request_id"], shows=given["shows"])
    return await asyncio.to_thread(leave)


async def _go_back(visit: Visit, given: Given) -> Turn:
    return await asyncio.to_thread(partial(undo, visit.opened, visit.reviewer, shows=given["shows"]))


async def _act(
    visit: Visit, *, model: type[Any], action: str, work: Callable[[Visit, Given], Awaitable[Turn]]
) -> Response:
    if visit.as_json:
        body = (await body_of(model)(visit.request)).model_dump()
        turn = await work(visit, {"label": None, "answer": None, **body, "shows": True})
        if action == "answer":
            return as_json(Answered(request_id=body["request_id"], **next_of(turn).model_dump()), 201)
        return as_json(next_of(turn))
    need_own_page(visit.request)
    if media_type({"content-type": visit.request.headers.getlist("content-type")}) != FORM_TYPE:
        raise RequestError(415, "not_json", "The body is neither JSON nor the form of the page.", "Send it as JSON.")
    given = _read(await read_form(visit.request, _FORM_AT_MOST))
    if not tokens_of(visit.request).is_signed(given["token"], facts_of(visit, given["request_id"], given["shown"])):
        return await _show_again(visit, given, _STALE)
    try:
        turn = await work(visit, given)
    except RequestError as error:
        if error.status == 409:
            return await _show_again(visit, given, Message(error.problem.message, error.problem.hint))
        return show_unsent(visit, error, given, action)
    if given["shows"]:
        return await show_what_follows(visit, turn, undone=action == "undo")
    if turn.result is not None:
        return RedirectResponse(f"../{visit.name}?batch={turn.result.batch}", 303, PAGE_HEADERS)
    return RedirectResponse("next?undone=1" if action == "undo" else "next", 303, PAGE_HEADERS)


async def _show_again(visit: Visit, given: Given, message: Message) -> Response:
    """Return the item that is in front of the person, with the note that they typed if it is the same one."""
    compared = gateway_of(visit.request).queues.is_compared(visit.name)
    turn = await asyncio.to_thread(partial(take_next, visit.opened, visit.reviewer, compared=compared))
    if turn.item is None:
        return await show_what_follows(visit, turn, message=message, status=409)
    same = turn.item.request_id == given["request_id"]
    typed = {"note": given["note"], "chosen": given["label"] or given["answer"] or ""} if same else {}
    return await asyncio.to_thread(partial(show_turn, visit, turn, status=409, message=message, **typed))


def _read(form: dict[str, str]) -> Given:
    """Return the fields of the form; raises `RequestError` for a note that cannot be kept."""
    digits = form.get("shown", "")
    shown = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 16 else 0
    try:
        note = clean_note(form.get("note", ""))
    except ValueError as error:
        raise RequestError(422, "bad_note", f"note: {error}.", "Shorten it, or write it anew.") from None
    return {
        "request_id": form.get("request_id", ""), "shown": shown, "token": form.get("token", ""), "note": note,
        "label": form.get("label") or None, "answer": form.get("answer") or None,
        "seconds": min(max(0.0, round(time.time() - shown / 1000, 1)), SECONDS_AT_MOST),
        "shows": form.get("partial") == "1",
    }  # fmt: skip
