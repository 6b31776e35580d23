"""Output of `ratchet people`: figures of each person, and where two of them differ.

Add here how a figure is printed; figures are made in `ratchet/workflows/review/people.py`.
"""

from collections.abc import Mapping
from typing import Any

from orchestration.cli.output import printable, table


def describe_people(document: Mapping[str, Any]) -> list[str]:
    """Return the lines of the terminal. People stand by name, not by figure."""
    if not document["people"]:
        return ["nobody has labelled yet"]
    lines = [table([_row(each) for each in document["people"]])]
    if document["note"]:
        lines.append(f"note: {printable(document['note'])}")
    lines += [
        f"week {each['week']}: {printable(each['person'])} differs from all others: {each['agreed']:.0f} of"
        f" {each['n']:.0f} labels agree with theirs, who agree on {each['others_agreed']:.0f} of {each['others_n']:.0f}"
        for each in document.get("differing", ())
    ]
    for pair in document["confusions"]:
        first, second = map(printable, pair["people"])
        labels = ", ".join(
            f"{printable(a)} / {printable(b)} {each['requests']}"
            for each in pair["confusions"]
            for a, b in [each["labels"]]
        )
        lines.append(f"{first} and {second} differ on {pair['disagreed']} of {pair['doubles']}: {labels}")
    if document["confusions"]:
        lines.append(f"their texts side by side: /review/{document['classifier']}/people at the gateway, or --json")
    return lines


def _row(person: Mapping[str, Any]) -> dict[str, Any]:
    seconds = person["seconds"]
    return {
        "person": f"{person['person']} (suspended)" if person["suspended"] else person["person"],
        "labels": person["labels"],
        "no label": person["without_label"],
        "agrees with others": describe_agreement(person["with_others"]),
        "with checks": describe_agreement(person["with_checks"]),
        "seconds": f"{seconds:.1f}" if seconds is not None else "not enough to say",
    }


def describe_agreement(found: Mapping[str, Any]) -> str:
    """Return a share with its interval, or that there is not enough to say."""
    n = found["requests"]
    if found["share"] is None:
        return f"not enough to say ({n})"
    low, high = found["interval"]
    return f"{found['share']:.0%} of {n} ({low:.0%} to {high:.0%})"
