"""Form of a Label Studio project: labels as choices with their keys, two answers in place of a label, and a note.

Add here what annotators see there. Everything is escaped: labels, descriptions and the guide are data, never markup.
"""

import html
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import quoteattr

from ratchet.config.spec import Label
from ratchet.core.errors import RatchetError

LABEL, NOTE = "label", "note"
"""Names of the two controls, by which results name them."""
IN_PLACE: Mapping[str, tuple[str, str]] = {
    "ratchet:none": ("none", "None of these"),
    "ratchet:cannot_tell": ("cannot_tell", "Cannot tell"),
}
"""Answer of a correction and its words, by the alias that stands for it in results."""
_KEYS = "1234567890abcdefghijklmopqrstvwxyz"
"""Digits, then letters, without u (undo) and n (note), which the review page uses."""


def hotkeys(number: int) -> list[str]:
    """Return a key for each of `number` answers, digits first; an answer beyond the last key has none: ``."""
    return [*_KEYS[:number], *([""] * (number - len(_KEYS)))]


def make_form(labels: Sequence[Label]) -> str:
    """Return the labelling configuration in XML; raises `RatchetError` for a label that it cannot tell apart."""
    names = [label.name for label in labels]
    if taken := {"None of these", "Cannot tell", *IN_PLACE} & set(names):
        raise RatchetError(
            f"label {sorted(taken)[0]!r} means another answer in Label Studio.", "Answer on the review page instead."
        )
    keys = hotkeys(len(labels) + len(IN_PLACE))
    choices = [
        _choice(label.name, "", key, label.description) for label, key in zip(labels, keys[: len(labels)], strict=True)
    ]
    choices += [
        _choice(words, alias, key, "")
        for (alias, (_, words)), key in zip(IN_PLACE.items(), keys[len(labels) :], strict=True)
    ]
    listed = "\n".join(choices)
    return f"""<View>
  <Text name="text" value="$text" valueType="text"/>
  <Choices name="{LABEL}" toName="text" choice="single" showInLine="false" required="true">
{listed}
  </Choices>
  <TextArea name="{NOTE}" toName="text" placeholder="Note" rows="2" maxSubmissions="1" required="false"/>
</View>"""


def make_instructions(labels: Sequence[Label], description: str, guide: Mapping[str, Sequence[str]]) -> str:
    """Return the instructions as HTML: each label with its description, its key and its examples from `guide`."""
    parts = [f"<p>{_escape(description)}</p>"] if description else []
    for label, key in zip(labels, hotkeys(len(labels)), strict=True):
        shown = f" ({key})" if key else ""
        examples = "".join(f"<li>{_escape(text)}</li>" for text in guide.get(label.name, ()))
        parts.append(f"<p><b>{_escape(label.name)}</b>{shown}: {_escape(label.description)}</p>")
        parts += [f"<ul>{examples}</ul>"] if examples else []
    return "\n".join(parts)


def _choice(value: str, alias: str, key: str, hint: str) -> str:
    given = {"value": value, "alias": alias, "hotkey": key, "hint": hint}
    attributes = " ".join(f"{name}={quoteattr(text)}" for name, text in given.items() if text)
    return f"    <Choice {attributes}/>"


def _escape(text: str) -> str:
    return html.escape(" ".join(text.split()))
