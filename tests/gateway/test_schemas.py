"""Bodies of corrections: a label in its one form, or an answer in place of it, and the document says so."""

import json
import unicodedata
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ValidationError

from gateway.answering import choose_action
from gateway.errors import RequestError, explain
from gateway.label_meanings import check_label
from gateway.routes.tei_schemas import Predict
from gateway.routes.vllm_schemas import Classify
from gateway.schemas import Correction, Feedback, Question
from gateway.serving.loading import Served
from ratchet.config.spec import Label, Spec
from ratchet.deployment.serving_paths import stands_alone
from ratchet.rollout.flag import Rollout
from ratchet.storage.home import Home

BODY = {"classifier": "small", "request_id": "r1", "saw_prediction": False}

TAKEN: dict[str, tuple[dict[str, Any], str | None]] = {
    "a label": ({"label": "green"}, "green"),
    "an integer": ({"label": 7}, "7"),
    "a truth value": ({"label": True}, "true"),
    "decomposed": ({"label": "u\u0308brig"}, "übrig"),
    "an answer without a label": ({"answer": "withdrawn"}, None),
    "an answer with null": ({"label": None, "answer": "cannot_tell"}, None),
}
REFUSED: dict[str, dict[str, Any]] = {
    "neither": {},
    "null alone": {"label": None},
    "both": {"label": "green", "answer": "none"},
    "another answer": {"answer": "maybe"},
    "a fraction": {"label": 1.5},
    "an empty label": {"label": ""},
    "a control character": {"label": "a\nb"},
}


@pytest.mark.parametrize("case", TAKEN)
def test_a_correction_has_a_label_or_an_answer(case: str) -> None:
    """Integers and other forms of Unicode are the labels that intake takes."""
    more, label = TAKEN[case]
    found = Correction.model_validate_json(json.dumps({**BODY, **more}))
    assert (found.label, found.answer) == (label, more.get("answer"))


@pytest.mark.parametrize("case", REFUSED)
def test_any_other_correction_is_refused(case: str) -> None:
    """Two words at once, or none."""
    with pytest.raises(ValidationError):
        Correction.model_validate_json(json.dumps({**BODY, **REFUSED[case]}))


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_classifier_of_before_goes_on_in_either_form_of_its_label(
    form: Literal["NFC", "NFD"], tmp_path: Path
) -> None:
    """Its policy or adapter may hold a decomposed label: corrections are taken, and the label's action is found."""
    label = unicodedata.normalize(form, "übrig")
    spec = Spec("small", (Label(label, action="refund", stakes="low", threshold=0.0), Label("green")))
    home, served = Home(tmp_path), Served(spec, Rollout("a" * 64), {})
    for sent in ("übrig", "u\u0308brig"):
        check_label(home, "small", served, sent)
        assert choose_action(spec, sent, 0.9) == "refund"
        assert stands_alone(spec, sent)
    with pytest.raises(RequestError, match="not a label"):
        check_label(home, "small", served, "Übrig")


LARGE: dict[str, tuple[type[BaseModel], Any, int, str]] = {
    "fractions as token ids": (Classify, {"input": [1.5] * 65_000}, 400, "input: token ids cannot be classified here."),
    "lists of fractions": (Classify, {"input": [[1.5] * 60] * 1024}, 400, "input: token ids cannot"),
    "empty lists": (Classify, {"input": [[]] * 90_000}, 400, "input: token ids cannot be classified here."),
    "token ids": (Classify, {"input": [1] * 130_000}, 400, "input: token ids cannot be classified here."),
    "nothings": (Classify, {"input": [None] * 50_000}, 422, "input."),
    "fractions after a text": (Classify, {"input": ["a", *[1.5] * 65_000]}, 422, "input."),
    "lists after a text": (Classify, {"input": ["a", *[[1.5] * 60] * 1000]}, 422, "input."),
    "objects": (Classify, {"input": [{}] * 80_000}, 422, "input."),
    "numbers in a pair's place": (Predict, {"inputs": [1.5] * 65_000}, 422, "inputs."),
    "pairs of numbers": (Predict, {"inputs": [[1, 2]] * 1024}, 422, "inputs."),
    "empty pairs": (Predict, {"inputs": [[]] * 1024}, 422, "inputs."),
    "empty texts": (Question, {"texts": [""] * 1024}, 422, "texts.0: String should have at least 1 character."),
    "unknown fields": (Question, {str(n): 1 for n in range(27_000)}, 422, "body: Extra inputs are not permitted."),
    "unknown fields of feedback": (Feedback, {str(n): 1 for n in range(27_000)}, 422, "body: Extra inputs are not"),
}


@pytest.mark.parametrize("case", LARGE)
def test_a_body_with_thousands_of_faults_is_refused_at_the_first(case: str) -> None:
    """Listing each would stop the event loop, and with it every other request."""
    model, body, status, message = LARGE[case]
    with pytest.raises((RequestError, ValidationError)) as refused:
        model.model_validate_json(json.dumps(body))
    if isinstance(refused.value, ValidationError):
        assert refused.value.error_count() <= 4 or "fields" in case
    error = refused.value if isinstance(refused.value, RequestError) else explain(refused.value, ["text"])
    assert error.status == status
    assert error.problem.message.startswith(message)


def test_the_document_describes_both() -> None:
    """Clients that are made from it can send them."""
    fields = Correction.model_json_schema()["properties"]
    assert fields["answer"]["anyOf"][0]["enum"] == ["none", "cannot_tell", "withdrawn"]
    for label in (fields["label"], Feedback.model_json_schema()["properties"]["label"]):
        assert all(f'"{kind}"' in json.dumps(label["anyOf"]) for kind in ("string", "integer", "boolean", "null"))
