"""Form of a Label Studio project: labels as choices with their keys, two answers in place of a label, and a note.

Add here what annotators see there. Everything is escaped: labels, descriptions and the guide are data, never markup.
"""

import html
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import quoteattr

from ratchet.config.spec import Label
from ratchet.core.errors import RatchetError
from ratchet.review.guide import Guide
from ratchet.review.label_keys import CANNOT_TELL, NONE, keys_of

LABEL, NOTE = "label", "note"
"""Names of the two controls, by which results name them."""
IN_PLACE: Mapping[str, tuple[str, str, str]] = {
    "ratchet:none": ("none", "None of these", NONE),
    "ratchet:cannot_tell": ("cannot_tell", "Cannot tell", CANNOT_TELL),
}
"""Answer of a correction, its words and its key, by the alias that stands for it in results."""
_WIDE_DOLLAR = "\uff04"


def make_form(labels: Sequence[Label]) -> str:
    """Return the labelling configuration in XML; raises `RatchetError` for a label that it cannot tell apart."""
    names = [label.name for label in labels]
    if taken := {"None of these", "Cannot tell", *IN_PLACE} & set(names):
        raise RatchetError(
            f"label {sorted(taken)[0]!r} means another answer in Label Studio.", "Answer on the review page instead."
        )
    keys = hotkeys(labels)
    choices = [_label(label, keys.get(label.name, "")) for label in labels]
    choices += [_choice(words, alias, key, "") for alias, (_, words, key) in IN_PLACE.items()]
    listed = "\n".join(choices)
    return f"""<View>
  <Text name="text" value="$text" valueType="text"/>
  <Choices name="{LABEL}" toName="text" choice="single" showInLine="false" required="true">
{listed}
  </Choices>
  <TextArea name="{NOTE}" toName="text" placeholder="Note" rows="2" maxSubmissions="1" required="false"/>
</View>"""


def hotkeys(labels: Sequence[Label]) -> dict[str, str]:
    """Return the key of each label as on the review page; Label Studio tells no capitals from small letters."""
    return {name: key for name, key in keys_of([label.name for label in labels]).items() if not key.isupper()}


def make_instructions(labels: Sequence[Label], description: str, guide: Guide) -> str:
    """Return the instructions as HTML: each label with its key, its description and its part of the guide."""
    keys = hotkeys(labels)
    parts = [_paragraph(description), _paragraph(guide.whole)]
    for label in labels:
        key = f" ({_escape(keys[label.name])})" if label.name in keys else ""
        parts.append(f"<p><b>{_escape(label.name)}</b>{key}: {_escape(label.description)}</p>")
        parts.append(_paragraph(guide.by_label.get(label.name, "")))
    return "\n".join(filter(None, parts))


def _label(label: Label, key: str) -> str:
    """Return the choice of a label. The editor takes `$name` anywhere for a field of the task, so that it would show
    and save something else: a wide dollar is shown, and results hold the alias."""
    shown = label.name.replace("$", _WIDE_DOLLAR)
    alias = label.name if shown != label.name else ""
    return _choice(shown, alias, key, label.description.replace("$", _WIDE_DOLLAR))


def _choice(value: str, alias: str, key: str, hint: str) -> str:
    given = {"value": value, "alias": alias, "hotkey": key, "hint": hint}
    attributes = " ".join(f"{name}={quoteattr(text)}" for name, text in given.items() if text)
    return f"    <Choice {attributes}/>"


def _paragraph(text: str) -> str:
    lines = [_escape(line) for line in text.splitlines() if line.strip()]
    return f"<p>{'<br>'.join(lines)}</p>" if lines else ""


def _escape(text: str) -> str:
    return html.escape(" ".join(text.split()))
