"""Environment of all pages: templates with everything escaped, and the policy of a page without a script.

Add here what every template may use. Templates of one kind of page lie beside the module that renders it.
"""

from functools import cache
from pathlib import Path

import jinja2

from ratchet.core.pages.visible import make_visible

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors"
    " 'none'"
)
"""Value of the header of a page without a script; browsers read `frame-ancestors` only there."""
_TEMPLATES = Path(__file__).parent / "templates"


@cache
def page_environment(*folders: Path) -> jinja2.Environment:
    """Return the environment of the templates in `folders`, searched in their order before the shared ones.

    Everything is escaped, an unknown name is an error, and `visible` is at hand.
    """
    made = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.FileSystemLoader(folder) for folder in (*folders, _TEMPLATES)]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["visible"] = make_visible
    return made


def policy_with_script(nonce: str) -> str:
    """Return the policy of a page whose scripts carry `nonce`; they may ask this host alone."""
    return f"{POLICY}; script-src 'nonce-{nonce}'; connect-src 'self'"
