"""The page itself: a view in, one HTML document out, in the style of the eval report and with everything escaped.

Add here what the templates may call. The content of the page is `view.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup

from ratchet.core.adapter_name import AdapterName
from ratchet.core.pages.environment import page_environment
from ratchet.core.pages.frame import Frame
from ratchet.rollout.page.view import View

_TEMPLATES = Path(__file__).parent / "templates"
WHY_AT_MOST = 300


@dataclass(frozen=True)
class RollbackForm:
    """Fields of the rollback form: the head that its reader saw, and the proof that this gateway made the page."""

    head: str
    token: str
    why: str = ""
    """Reason that was typed before, when the form is shown again."""


@dataclass(frozen=True)
class Notice:
    """A message above the state: the outcome of the request that led here, or another fact to know."""

    title: str
    text: str
    tone: str = "blocked"


def render_rollout(
    view: View,
    form: RollbackForm | None,
    notices: tuple[Notice, ...] = (),
    *,
    frame: Frame | None = None,
    killed: bool = False,
    nonce: str = "",
    names: Callable[[str], AdapterName] = AdapterName,
    environment: jinja2.Environment | None = None,
) -> str:
    """Render the page. Without `form`, for a process that cannot write the ledger, it shows the commands instead.

    `names` gives the name of an adapter by the beginning of its digest; with `nonce` the page refreshes itself.
    """
    template = (environment or rollout_environment()).get_template("rollout.html.j2")
    return template.render(
        view=view, frame=frame, form=form, notices=notices, why_at_most=WHY_AT_MOST, killed=killed, nonce=nonce,
        names=names, script=script_of_page(),
    )  # fmt: skip


@cache
def script_of_page() -> Markup:
    """Return the script that refreshes the page; it holds no word of anyone."""
    return Markup((_TEMPLATES / "rollout.js").read_text(encoding="utf-8"))  # noqa: S704 - our own file


def render_refusal(title: str, text: str) -> str:
    """Render a page that holds only the reason why there is nothing to see."""
    return page_environment().get_template("problem.html.j2").render(title=title, text=text, where="rollout", home="")


def rollout_environment() -> jinja2.Environment:
    """Return the environment of the templates of this page."""
    return page_environment(_TEMPLATES)
