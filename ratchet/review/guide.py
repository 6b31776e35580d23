"""Labelling guide of a classifier, `guide.md` in its folder: what each label means, with examples, in the team's words.

A heading `## LABEL` begins the part of a label; what stands before the first one is for all. Lines are plain text, and
one that is a text of the golden set is left out: whoever read it there would label by heart. Add here what a guide may
hold; `ratchet/storage/review/guide_file.py` reads the file.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

_HEADING = re.compile(r"#{1,6}\s+(.*?)\s*#*")
_QUOTES = "\"'`\u201c\u201d\u2018\u2019\u201e"
_MARK = re.compile(rf"^[\s>*+-]*(?:\d+[.)]\s+)?[{_QUOTES}]*|[{_QUOTES}\s]*$")
_LEAST_CHARS = 12
"""Characters from which on a line counts as a text: `yes` may stand in any guide."""


@dataclass(frozen=True)
class Guide:
    """Text of the guide for all labels, and for each."""

    whole: str = ""
    by_label: dict[str, str] = field(default_factory=dict)
    left_out: int = 0
    """Lines that hold a text of the golden set."""


def parse_guide(content: str, labels: Sequence[str], is_golden: Callable[[str], bool]) -> Guide:
    """Return the guide; a heading that names no label, upper or lower case, stays text for all."""
    names = {label.casefold(): label for label in labels}
    parts: dict[str, list[str]] = {"": []}
    at, left_out = "", 0
    for line in content.splitlines():
        heading = _HEADING.fullmatch(line)
        if heading is not None:
            at = names.get(heading[1].strip("`\"'").casefold(), "")
        if heading is not None and at:
            parts.setdefault(at, [])
        elif _holds_golden(line, is_golden):
            left_out += 1
        else:
            parts[at].append(line)
    text = {name: "\n".join(lines).strip("\n") for name, lines in parts.items()}
    return Guide(text.pop(""), {name: part for name, part in text.items() if part.strip()}, left_out)


def _holds_golden(line: str, is_golden: Callable[[str], bool]) -> bool:
    plain = _MARK.sub("", line)
    return len(plain) >= _LEAST_CHARS and is_golden(plain)
