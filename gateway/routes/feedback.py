"""Routes for a user's feedback and an annotator's corrections. Each is acknowledged once it is on disk.

Add here other things that people send to the gateway; its answers are in `classify.py`.
"""

from datetime import UTC
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from gateway.errors import RequestError, unknown_classifier
from gateway.feedback_log import ContradictionError
from gateway.label_meanings import check_label
from gateway.routes.auth import Caller, caller_of, need
from gateway.routes.request_body import CONTRADICTED, REFUSED, body_of, described
from gateway.routes.speakers import annotator_of, source_of
from gateway.row_log import CORRECTIONS, FEEDBACK
from gateway.schemas import Accepted, Correction, Feedback
from gateway.state import Gateway, gateway_of
from gateway.submission_caps import CapError

router = APIRouter()
_FIRST_YEAR = 1970  # far from the first year of the calendar, which has no UTC in every zone
_REFUSED = {**REFUSED, **CONTRADICTED}


@router.post(
    "/v1/feedback", response_model=Accepted, status_code=202, responses=_REFUSED, openapi_extra=described(Feedback),
    dependencies=[Depends(need("feedback"))], summary="A user's feedback on an answer",
)  # fmt: skip
async def take_feedback(request: Request, feedback: Annotated[Feedback, Depends(body_of(Feedback))]) -> Accepted:
    """Store a user's feedback on an answer that this key got. It sends the request to review, never becomes a label."""
    gateway = gateway_of(request)
    _check_serves(gateway, feedback.classifier)
    _check_given(gateway, feedback, caller_of(request))
    check_label(gateway.landing.home, feedback.classifier, gateway.slots[feedback.classifier], feedback.label)
    source = source_of(caller_of(request), feedback.source)
    row = {**feedback.model_dump(exclude={"classifier"}), "source": source, "ts": gateway.settings.now().isoformat()}
    await store_row(gateway, feedback.classifier, FEEDBACK, row)
    gateway.feed.note_feedback(feedback.classifier, gateway.slots[feedback.classifier].spec, row)
    return Accepted(request_id=feedback.request_id)


@router.post(
    "/v1/corrections", response_model=Accepted, status_code=201, responses=_REFUSED,
    openapi_extra=described(Correction),
    dependencies=[Depends(need("annotate"))], summary="An annotator's label",
)  # fmt: skip
async def take_correction(
    request: Request, correction: Annotated[Correction, Depends(body_of(Correction))]
) -> Accepted:
    """Store a trusted annotator's label, or answer in place of one, for any answer of the classifier, or for a log that
    came from elsewhere."""
    gateway = gateway_of(request)
    now = gateway.settings.now()
    _check_serves(gateway, correction.classifier)
    proof = gateway.ids.judge(correction.request_id, correction.classifier, "")
    if proof.ours and not proof.genuine:
        raise _no_answer()
    check_label(gateway.landing.home, correction.classifier, gateway.slots[correction.classifier], correction.label)
    ts = correction.ts or now
    if ts.tzinfo is None or ts.year < _FIRST_YEAR or ts > now:
        message = "ts: must have a time zone and lie between 1970 and now."
        raise RequestError(422, "bad_time", message, "Leave ts out, or send RFC 3339.")
    row = {
        "request_id": correction.request_id,
        "ts": ts.astimezone(UTC).isoformat(),
        "label": correction.label,
        "answer": correction.answer,
        "annotator": annotator_of(caller_of(request), correction.annotator, gateway.slots[correction.classifier].spec),
        # nobody knows what an annotator saw elsewhere: only a key that was made for blind work may say "nothing"
        "saw_prediction": correction.saw_prediction or not caller_of(request).blind,
    }
    await store_row(gateway, correction.classifier, CORRECTIONS, row, timed=correction.ts is not None)
    return Accepted(request_id=correction.request_id)


def _check_serves(gateway: Gateway, classifier: str) -> None:
    if classifier not in gateway.slots:
        raise unknown_classifier(gateway.slots.names())


def _check_given(gateway: Gateway, feedback: Feedback, caller: Caller) -> None:
    """Raise the same error for every id that the caller did not get: of another key or classifier, or invented."""
    proof = gateway.ids.judge(feedback.request_id, feedback.classifier, caller.name)
    if not (proof.own or (caller.admin and proof.genuine)):
        raise _no_answer()


def _no_answer() -> RequestError:
    message = "This classifier gave this key no answer with this request_id."
    return RequestError(404, "no_answer", message, "Send the request_id of the answer, with the key that asked.")


async def store_row(gateway: Gateway, classifier: str, kind: str, row: dict[str, Any], *, timed: bool = True) -> None:
    """Return once the row is on disk; raises `RequestError` if it cannot be, is above a cap or contradicts itself."""
    try:
        await gateway.feedback.store(classifier, kind, row, timed=timed)
    except OSError:
        raise RequestError(
            507, "disk", "The row could not be written to disk.", "Send it again later.", retry_s=5
        ) from None
    except CapError as error:
        hint = "Caps are in the manual: /manual/reference/gateway/."
        raise RequestError(429, "cap", str(error), hint, retry_s=error.retry_s) from None
    except ContradictionError:
        message = "The same source sent something else about this answer earlier. That stays; this is kept as evidence."
        hint = "To change a correction, send it with ts." if kind == CORRECTIONS else ""
        raise RequestError(409, "contradiction", message, hint) from None
