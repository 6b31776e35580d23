"""Pages of the review: values in, one HTML document out, in the style of the eval report and with everything escaped.

Add here a page with its template. What waits and who may answer is decided in `ratchet/workflows/review/`; words of
users pass through `make_visible` or `make_lines_visible`, and through the escaping of the templates.
"""

from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from ratchet.core.pages.environment import POLICY, page_environment
from ratchet.core.pages.visible import make_visible

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class LoginForm:
    """Fields of the login: where it is sent, the proof that this gateway made it, the page that follows, and the way
    from the page that shows it to the root."""

    action: str
    token: str
    to: str
    up: str = ""


def render_login(
    form: LoginForm, problem: str = "", *, needed: bool = True, environment: jinja2.Environment | None = None
) -> str:
    """Render the login, with the reason why the last try failed; without `needed` it says that no key is asked for."""
    return render("login.html.j2", environment, form=form, problem=problem, needed=needed)


def render(template: str, environment: jinja2.Environment | None = None, **values: Any) -> str:
    """Render one template of this folder; every template may call `visible` and `lines`."""
    made = (environment or review_environment()).get_template(template)
    return made.render(visible=make_visible, lines=make_lines_visible, script=script_of_page(), **values)


def make_lines_visible(text: str, at_most: int = 0) -> str:
    """Return `text` as `make_visible` does, with its line breaks kept and its tabs as spaces."""
    plain = text.replace("\r\n", "\n").replace("\t", "    ")
    return "\n".join(make_visible(line) for line in (plain[:at_most] if at_most else plain).split("\n"))


def review_environment() -> jinja2.Environment:
    """Return the environment of the templates of these pages."""
    return page_environment(_TEMPLATES)


@cache
def script_of_page() -> Markup:
    """Return the one script of the pages, which holds no word of anyone."""
    return Markup((_TEMPLATES / "review.js").read_text(encoding="utf-8"))  # noqa: S704 - our own file


@cache
def script_policy() -> str:
    """Return the policy of pages with the script: it runs by its digest, and may send forms to this host alone."""
    digest = b64encode(sha256(str(script_of_page()).encode()).digest()).decode()
    return f"{POLICY}; script-src 'sha256-{digest}'; connect-src 'self'"
