"""Speakers: the annotator of a correction and the source of feedback, as the key vouches for them.

Add here another way to say who speaks. Names have one form (`ratchet/core/person_names.py`), keys name their person
(`ratchet/storage/keys/api_keys.py`), and `[people]` of `classifier.toml` lists the people whose corrections count.
"""

from gateway.errors import RequestError
from gateway.routes.auth import Caller
from ratchet.config.people import find_person
from ratchet.config.spec import Spec
from ratchet.core.person_names import BadNameError, normalise_name


def annotator_of(caller: Caller, given: str | None, spec: Spec) -> str:
    """Return the person whose correction this is; raises `RequestError` where the key does not speak for them."""
    name = _normalise("annotator", given) if given is not None else caller.person
    person = find_person(spec.people, name)
    if person is None and caller.speaks_for(name):
        raise RequestError(
            403, "not_listed", "The annotator is not in [people] of this classifier.", "Ask its owner to add them."
        )
    mine = {find_person(spec.people, each) or each for each in (caller.person, *caller.may_speak_for)}
    if person is None or person not in mine:
        raise RequestError(
            403, "other_annotator", "The key does not speak for this annotator.",
            "Leave annotator out, or ask for a key with --may-speak-for.",
        )  # fmt: skip
    return person


def source_of(caller: Caller, given: str) -> str:
    """Return the source of feedback as it is stored: under the name of its key, so that no other key can pose as it."""
    name = _normalise("source", given)
    return f"{caller.name}/{name}" if caller.name else name


def _normalise(field: str, name: str) -> str:
    try:
        return normalise_name(name)
    except BadNameError as error:
        raise RequestError(422, "bad_name", f"{field}: {error}.", "Write the name in letters of one script.") from None
