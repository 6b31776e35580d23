"""Screen of the review at a terminal: one request as lines of text, for any width and without control characters.

Add here what a person sees; what their keys do is `review_session.py`.
"""

import shutil
import sys
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from orchestration.cli.output import emit, paint
from orchestration.cli.session import Session
from ratchet.config.spec import Label
from ratchet.core.pages.visible import make_visible
from ratchet.review.guide import Guide
from ratchet.review.item import ReviewItem, ReviewResult

_LEAST_COLUMNS = 16


def show_item(session: Session, item: ReviewItem, keys: Mapping[str, str], actions: Sequence[str]) -> None:
    """Print a request: its place in the batch, why it is asked, its text, and the labels with their keys."""
    width = _columns()
    why = f": {'; '.join(item.reasons)}" if item.reasons else ""
    show("")
    show(*wrap(f"{item.position} of {item.of}{why}", width))
    show("-" * min(width, 60))
    show(*(line for part in _plain(item.text) for line in wrap(part, width)))
    show("-" * min(width, 60))
    for label, note in item.conflict:
        beside = f" (note: {' / '.join(_plain(note))})" if note else ""
        show(*wrap(f"somebody answered: {make_visible(label)}{beside}", width))
    choices = [f"[{key}] {make_visible(label)}" if key else make_visible(label) for label, key in keys.items()]
    show(*(paint(session, line, "green", bold=True) for line in flow(choices, width)))
    show(*flow(actions, width))


def show_help(labels: Sequence[Label], keys: Mapping[str, str], guide: Guide, more: Sequence[str]) -> None:
    """Print each label with its key, its description and its part of the guide, and further keys."""
    width = _columns()
    show("", *(line for part in _plain(guide.whole) if part for line in wrap(part, width)))
    for label in labels:
        show(
            *wrap(f"[{keys.get(label.name, '')}] {make_visible(label.name)}: {make_visible(label.description)}", width)
        )
        show(*(f"    {line}" for part in _plain(guide.by_label.get(label.name, "")) if part
               for line in wrap(part, width - 4)))  # fmt: skip
    show(*flow(more, width))


def show_result(result: ReviewResult) -> None:
    """Print the outcome of a batch; that of its checks is shown only now."""
    checks = (
        f"{result.checks} of them were agreed already: you agree on {result.agreed}"
        if result.checks
        else "none of them was agreed before"
    )
    show("", *wrap(f"batch done: {result.answered} answered; {checks}", _columns()))


def show(*lines: str) -> None:
    """Print lines; what the terminal's encoding lacks stands there as an escape."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    for line in lines:
        emit(line.encode(encoding, "backslashreplace").decode(encoding))


def wrap(text: str, width: int) -> list[str]:
    """Return `text` as lines of at most `width` columns, broken at spaces where there are some."""
    lines, line = list[str](), ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if columns_of(joined) <= width:
            line = joined
            continue
        if line:
            lines.append(line)
        *full, line = _cut(word, width)
        lines += full
    return [*lines, line]


def flow(choices: Sequence[str], width: int) -> list[str]:
    """Return short texts side by side, two spaces between them, as many a line as fit."""
    lines, line = list[str](), ""
    for choice in choices:
        joined = f"{line}  {choice}" if line else choice
        if line and columns_of(joined) > width:
            lines.append(line)
            joined = choice
        *full, line = wrap(joined, width)
        lines += full
    return [*lines, line] if line else lines


def columns_of(text: str) -> int:
    """Return the columns that a terminal needs: two for a wide character, none for a combining mark."""
    return sum(0 if unicodedata.combining(each) else 1 + (unicodedata.east_asian_width(each) in "WF") for each in text)


def _cut(word: str, width: int) -> list[str]:
    parts, part, used = list[str](), "", 0
    for character in word:
        size = columns_of(character)
        if part and used + size > width:
            parts.append(part)
            part, used = "", 0
        part, used = part + character, used + size
    return [*parts, part]


def _plain(text: str) -> Iterator[str]:
    """Return the lines of a text with every character that could control the terminal as an escape."""
    for line in text.replace("\r\n", "\n").replace("\t", "    ").split("\n"):
        yield make_visible(line)


def _columns() -> int:
    return max(_LEAST_COLUMNS, shutil.get_terminal_size().columns)
