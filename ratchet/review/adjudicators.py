"""Adjudicators: the people whom `[review]` names to decide where labels differ.

Add here another right that only they have; who may answer a request is `votes.py`.
"""

from ratchet.config.people import find_person
from ratchet.config.spec import Spec
from ratchet.core.person_names import BadNameError, normalise_name


def is_named_adjudicator(spec: Spec, person: str) -> bool:
    """Return True for a person whom `adjudicators` names, by any of their names; where it names nobody, for nobody."""
    mine = find_person(spec.people, person) or person
    for name in spec.review.adjudicators:
        try:
            form = normalise_name(name)
        except BadNameError:
            continue
        if (find_person(spec.people, form) or form) == mine:
            return True
    return False
