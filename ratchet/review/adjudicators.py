"""Adjudicators: the people whom `[review]` names to decide where labels differ.

Add here another right that only they have; who may answer a request is `votes.py`.
"""

from ratchet.config.people import find_person
from ratchet.config.spec import Spec
from ratchet.core.person_names import BadNameError, normalise_name


def named_adjudicators(spec: Spec) -> frozenset[str]:
    """Return the people whom `adjudicators` names, each by the name that their answers have."""
    found = set()
    for name in spec.review.adjudicators:
        try:
            form = normalise_name(name)
        except BadNameError:
            continue
        found.add(find_person(spec.people, form) or form)
    return frozenset(found)


def is_named_adjudicator(spec: Spec, person: str) -> bool:
    """Return True for a person whom `adjudicators` names, by any of their names; where it names nobody, for nobody."""
    return (find_person(spec.people, person) or person) in named_adjudicators(spec)


def may_decide(spec: Spec, person: str) -> bool:
    """Return True where a person may decide between labels of others: everybody, where `adjudicators` names nobody."""
    return not spec.review.adjudicators or is_named_adjudicator(spec, person)
