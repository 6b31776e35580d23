"""Rollout page and its buttons, for a person at a browser. Every response here is a page, errors included.

Add here what a person may do with a rollout on the page. Its content is in `ratchet/rollout/page/`, the actions in
`ratchet/workflows/rollout/act_seen.py`, the authentication of browsers in `browser_auth.py`.
"""

import asyncio
import logging
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from gateway.errors import RequestError
from gateway.routes.browser_auth import PAGE_HEADERS, FormTokens, caller_of_page, need_own_page, read_form, tokens_of
from gateway.routes.page_frame import answer_page_error, draw_frame, draw_nonce
from gateway.serving.slots import Slots
from gateway.state import gateway_of
from ratchet.core.errors import RatchetError
from ratchet.core.pages.environment import policy_with_script
from ratchet.core.pages.frame import Frame
from ratchet.rollout.ledger_entry import Head
from ratchet.rollout.page.rendering import WHY_AT_MOST, Notice, RollbackForm, render_rollout
from ratchet.storage.home import Home
from ratchet.storage.rollout.signing_key import can_sign
from ratchet.workflows.adapter_names import AdapterNames
from ratchet.workflows.rollout.act_seen import PAGE_ACTIONS, PageAction, act_seen
from ratchet.workflows.rollout.rollback import CHANGED
from ratchet.workflows.rollout.view import load_view

router = APIRouter()
HEADERS = PAGE_HEADERS
_MEANWHILE = {CHANGED, "bad_move", "no_refuge", "no_flag"}
_NOT_DONE: dict[PageAction, str] = {
    "rollback": "Not rolled back.",
    "hold": "Not held.",
    "resume": "Not resumed.",
    "kill": "The kill switch was not turned on.",
    "unkill": "The kill switch was not turned off.",
}
_COMMANDS: dict[PageAction, str] = {
    "rollback": "rollback", "hold": "hold", "resume": "hold --lift", "kill": "kill", "unkill": "kill --off",
}  # fmt: skip
_DESCRIPTIONS = {
    200: "The page.",
    401: "No valid key and no login; a browser asks for a key.",
    403: "The key lacks the scope, or another site sent the form.",
    404: "No such classifier.",
    409: "There is nothing to return to, or someone decided meanwhile.",
    413: "The form is too large.",
    422: "The form is not as the page sends it.",
    429: "The key asked too often.",
    503: "The ledger or the specification cannot be read, or the ledger cannot be written.",
}
_PAGES: dict[int | str, dict[str, Any]] = {
    status: {"content": {"text/html": {}}, "description": text} for status, text in _DESCRIPTIONS.items()
}
_FORM = {
    "type": "object",
    "required": ["head", "token", "why"],
    "properties": {
        "head": {"type": "string"},
        "token": {"type": "string"},
        "why": {"type": "string", "maxLength": WHY_AT_MOST},
    },
}
_BODY = {"requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": _FORM}}}}


@router.get("/rollout/{name}", response_class=HTMLResponse, responses=_PAGES, summary="The rollout page")
async def show(request: Request, name: str) -> Response:
    """Return state, steps, guardrails, history and the rollback form, to a login or to the password of HTTP Basic."""
    try:
        who = caller_of_page(request, "read")
        return await _page(request, name, who)
    except RequestError as error:
        return _error_page(request, error)


@router.post(
    "/rollout/{name}/{action}", status_code=303, response_class=Response, openapi_extra=_BODY,
    summary="Roll back, hold, resume, or turn the kill switch",
    responses={**_PAGES, 303: {"description": "Done; the page shows it."}},
)  # fmt: skip
async def act(request: Request, name: str, action: str) -> Response:
    """Roll back the candidate, or else live itself (`rollback`); `hold` or `resume` the ladder; turn the kill switch on
    (`kill`) or off (`unkill`). The form must come from a page that shows the current ledger."""
    try:
        who = caller_of_page(request, "admin")
        chosen = next((each for each in PAGE_ACTIONS if each == action), None)
        if chosen is None:
            raise RequestError(404, "no_action", "No such action.", f"Actions: {', '.join(PAGE_ACTIONS)}.")
        need_own_page(request)
        return await _act(request, name, chosen, who, await read_form(request))
    except RequestError as error:
        return _error_page(request, error)


async def _act(request: Request, name: str, action: PageAction, who: str, form: dict[str, str]) -> Response:
    home, why = gateway_of(request).slots.home, form.get("why", "").strip()
    if name not in home.served():
        raise _unknown(home)
    # The token binds the form to this head: a decision on a ledger that has changed since is never carried out.
    head = _read_head(form.get("head", ""))
    if head is None or not tokens_of(request).is_ours(form.get("token", ""), name, who, head):
        notice = Notice(
            "Nothing was done.", "This gateway did not make the form for you. Decide again on the current page."
        )
        return await _page(request, name, who, notice, 409, why)
    if not why or len(why) > WHY_AT_MOST or not why.isprintable():
        notice = Notice("Nothing was done.", f"Give a reason of one line, at most {WHY_AT_MOST} printable characters.")
        return await _page(request, name, who, notice, 422, why)
    try:
        await asyncio.to_thread(act_seen, home, name, action, why, head, who=f"key {who}" if who else "")
    except RatchetError as error:
        title = "Someone decided meanwhile." if error.code == CHANGED else _NOT_DONE[action]
        status = 409 if error.code in _MEANWHILE else 503
        return await _page(request, name, who, Notice(title, _without(home, error.message)), status, why)
    except OSError as error:
        message = (
            f"The ledger cannot be written here ({error.strerror or type(error).__name__}). Run"
            f" 'ratchet {_COMMANDS[action]}' on the machine."
        )
        return await _page(request, name, who, Notice(_NOT_DONE[action], message), 503, why)
    # the page that follows shows what answers: this gateway looks now, not at its next turn
    await asyncio.to_thread(gateway_of(request).slots.follow)
    return RedirectResponse(f"../{name}", 303, HEADERS)


async def _page(
    request: Request, name: str, who: str, notice: Notice | None = None, status: int = 200, why: str = ""
) -> HTMLResponse:
    gateway = gateway_of(request)
    home = gateway.slots.home
    if name not in home.served():
        raise _unknown(home)
    frame = draw_frame(request, "rollout", name, who)
    return await asyncio.to_thread(
        _draw, home, gateway.slots, tokens_of(request), frame, name, who, notice, status, why
    )


def _draw(
    home: Home, slots: Slots, tokens: FormTokens, frame: Frame, name: str, who: str, notice: Notice | None,
    status: int, why: str,
) -> HTMLResponse:  # fmt: skip
    notices = [notice] if notice else []
    try:
        view = load_view(home, name, datetime.now(UTC))
    except RatchetError as error:
        logging.getLogger("ratchet.gateway").error("%s: %s", error.code, error)
        raise RequestError(503, error.code, _without(home, error.message), _without(home, error.hint)) from None
    except OSError as error:
        message = f"The ledger cannot be read ({error.strerror or type(error).__name__})."
        raise RequestError(503, "unreadable", message, "Check the permissions of the home's files.") from None
    if problem := slots.problems.get(name):
        notices.append(Notice("This gateway keeps what it serves.", _without(home, problem), "open"))
    killed = name in slots and slots[name].rollout.killed
    if killed:
        notices.append(Notice("The kill switch is on.", "All traffic goes to live, and nothing shadows.", "open"))
    form = None
    if frame.may_act and can_sign(home):
        token = tokens.make(name, who, view.head)
        form = RollbackForm(
            f"{view.head.sequence}:{view.head.digest}", token, why[:WHY_AT_MOST] if why.isprintable() else ""
        )
    nonce, names = draw_nonce(), AdapterNames(home, name)
    html = render_rollout(
        view, form, tuple(notices), frame=frame, killed=killed, nonce=nonce, names=lambda digest: names.of(digest)
    )
    return HTMLResponse(html, status, {**HEADERS, "Content-Security-Policy": policy_with_script(nonce)})


def _error_page(request: Request, error: RequestError) -> HTMLResponse:
    return answer_page_error(request, error, "rollout")


def _unknown(home: Home) -> RequestError:
    return RequestError(
        404, "no_classifier", "Unknown classifier.", f"Classifiers: {', '.join(home.served()) or 'none'}."
    )


def _read_head(field: str) -> Head | None:
    sequence, _, digest = field.partition(":")
    return Head(int(sequence), digest) if sequence.isdecimal() and sequence.isascii() and len(sequence) < 10 else None


def _without(home: Home, message: str) -> str:
    return message.replace(f"{home.root}/", "")
