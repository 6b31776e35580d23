"""Writer of docs/llms.txt, the list of the manual's pages for programs that read.

Run `python -m benchmarks.llms_page` (`make reference`). A new page is found automatically.
"""

import sys

from benchmarks.settings_page import ROOT
from ratchet.core.manual_pages import render_llms

PAGE = "docs/llms.txt"


def render() -> str:
    """Return the list, with links that work in the repository."""
    return render_llms(lambda page: f"{page.topic}.md", ROOT / "docs")


def main() -> int:
    """Write the list."""
    (ROOT / PAGE).write_text(render(), encoding="utf-8")
    print(f"{PAGE}: {render().count('- [')} pages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
