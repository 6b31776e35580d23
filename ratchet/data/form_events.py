"""Rendering of form events as words: durations and key strokes as buckets, names without underscores.

The language of the events is in `data/form_abandonment/form_events.md`; people and shops send it as it is, and a model
reads this. Never change what an existing version returns: adapters that name it were trained on that. Add a version
here, and its name in `rendering.py`.
"""

import re
from bisect import bisect_right

_EVENT = re.compile(
    r"focus:(?P<focus>\w+)|input:(?P<input>\w+)(?:\(x(?P<keys>\d{1,9})\))?|blur:(?P<blur>\w+)(?:\((?P<reason>\w+)\))?"
    r"|scroll:page\((?P<ms>\d{1,9})ms\)"
)
_PAUSES_MS = (2_000, 8_000, 30_000, 90_000)
_PAUSES = ("brief pause", "short pause", "pause", "long gap", "very long gap")
_KEYS = (2, 6, 26, 80)
_AMOUNTS = ("one key", "few keys", "keys", "many keys", "impossibly many keys")
_SEPARATOR = re.compile(r"\s*,\s*")


def render_events(text: str) -> str:
    """Return the events of a line as words; whatever is not an event stays as it is.

    `focus:card_number, input:card_number(x16), blur:card_number(invalid_luhn), scroll:page(41000ms), exit` becomes
    `enter card number, type keys, fails invalid luhn, long gap, exit`. The name stands where a field is entered, and
    elsewhere only where it is not the entered field; a field that was entered before is entered `again`.
    """
    entered, seen, words = "", set[str](), []
    for event in _SEPARATOR.split(text.strip()):
        found = _EVENT.fullmatch(event)
        if not found:
            words.append(event)
        elif found["ms"]:
            words.append(_PAUSES[bisect_right(_PAUSES_MS, int(found["ms"]))])
        else:
            name = found["focus"] or found["input"] or found["blur"]
            spoken = name.replace("_", " ")
            if found["focus"]:
                words.append(f"enter {spoken} again" if name in seen else f"enter {spoken}")
                entered = name
                seen.add(name)
            elif found["input"]:
                keys = _AMOUNTS[bisect_right(_KEYS, int(found["keys"] or 1))]
                words.append(f"type {keys}" if name == entered else f"write {spoken} {keys}")
            else:
                what = f"fails {found['reason'].replace('_', ' ')}" if found["reason"] else "leave"
                words.append(what if name == entered else f"{what} {spoken}")
    return ", ".join(words)
