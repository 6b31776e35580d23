"""Table `[people]` of `classifier.toml`: the people whose corrections count, each with names and mail addresses.

Add here rules about people that a specification names. One name in one form is `ratchet/core/person_names.py`; this
table never enters a digest: it decides whose votes count, not how a model is trained.
"""

from collections.abc import Mapping

from ratchet.config.validation import bad_spec
from ratchet.core.person_names import BadNameError, normalise_name

People = Mapping[str, tuple[str, ...]]
"""Person to further names and mail addresses; empty where every annotator is a person of their own."""


def persons_by_name(people: People) -> dict[str, str]:
    """Return the person by each name in its one form, the person's own included; raises `RatchetError` for a double."""
    result: dict[str, str] = {}
    for person, names in people.items():
        own = _normalise(person, person)
        for name in (person, *names):
            form = _normalise(name, person)
            if result.setdefault(form, own) != own:
                raise bad_spec(
                    f"people.{person} holds {name[:60]!r}, which belongs to {result[form][:60]!r} too.",
                    "Give each name and mail address to one person.",
                )
    return result


def find_person(people: People, name: str) -> str | None:
    """Return the person whom `name`, in its one form, stands for; None where `[people]` does not list it."""
    return persons_by_name(people).get(name) if people else name


def _normalise(name: str, person: str) -> str:
    try:
        return normalise_name(name)
    except BadNameError as error:
        raise bad_spec(
            f"people.{person[:60]} holds {name[:60]!r}, which {error}.", "Write the name as it is spoken."
        ) from None
