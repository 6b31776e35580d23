"""Bodies of corrections: a label in its one form, or an answer in place of it, and the document says so."""

import json
import unicodedata
from typing import Any, Literal

import pytest
from pydantic import ValidationError

from gateway.answering import choose_action
from gateway.errors import RequestError
from gateway.routes.feedback import check_label
from gateway.schemas import Correction, Feedback
from ratchet.config.spec import Label, Spec
from ratchet.deployment.serving_paths import stands_alone

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
def test_a_classifier_of_before_goes_on_in_either_form_of_its_label(form: Literal["NFC", "NFD"]) -> None:
    """Its policy or adapter may hold a decomposed label: corrections are taken, and the label's action is found."""
    label = unicodedata.normalize(form, "übrig")
    spec = Spec("small", (Label(label, action="refund", stakes="low", threshold=0.0), Label("green")))
    for sent in ("übrig", "u\u0308brig"):
        check_label(spec, sent)
        assert choose_action(spec, sent, 0.9) == "refund"
        assert stands_alone(spec, sent)
    with pytest.raises(RequestError, match="not a label"):
        check_label(spec, "Übrig")


def test_the_document_describes_both() -> None:
    """Clients that are made from it can send them."""
    fields = Correction.model_json_schema()["properties"]
    assert fields["answer"]["anyOf"][0]["enum"] == ["none", "cannot_tell", "withdrawn"]
    for label in (fields["label"], Feedback.model_json_schema()["properties"]["label"]):
        assert all(f'"{kind}"' in json.dumps(label["anyOf"]) for kind in ("string", "integer", "boolean", "null"))
