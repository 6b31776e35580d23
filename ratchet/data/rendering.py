"""Renderings: what a model reads in place of a text, by the name and version that an adapter's card states.

The text is stored, compared and shown as it came; only what is tokenized is rendered, in training, evaluation and
serving alike. Add a rendering, or a new version of one, with its function; never change what an old one returns.
"""

from collections.abc import Callable

from ratchet.data.form_events import render_events

RENDERINGS: dict[str, Callable[[str], str]] = {"": str, "form_events/1": render_events}
"""Function of each rendering; the empty name leaves a text as it is."""


def render(text: str, rendering: str) -> str:
    """Return the text as a model with this rendering, one of `RENDERINGS`, reads it."""
    return RENDERINGS[rendering](text)
