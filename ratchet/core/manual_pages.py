"""Pages of the manual as Markdown: where they lie, and by which topic each is asked for.

Add here another way to name a page; the site at /manual is built from the same files by `make manual`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ratchet.core.errors import RatchetError, UsageError
from ratchet.core.names import nearest

PARTS = {"tutorial": "Tutorial", "how-to": "How to", "reference": "Reference", "explanation": "Explanation"}
"""Folders of the manual and their headings, in the order in which they are read."""


@dataclass(frozen=True)
class ManualPage:
    """One page: its part, its name and its file."""

    part: str
    name: str
    path: Path

    @property
    def topic(self) -> str:
        """Name with the part, such as `how-to/alerts`; never that of another page."""
        return f"{self.part}/{self.name}"

    def read(self) -> str:
        """Return the page as Markdown."""
        return self.path.read_text(encoding="utf-8")

    @property
    def title(self) -> str:
        """First heading of the page."""
        found = re.search(r"^# (.+)$", self.read(), re.MULTILINE)
        return found.group(1) if found else self.name

    @property
    def summary(self) -> str:
        """First sentence below the heading, as plain text."""
        blocks = self.read().partition("\n")[2].strip().split("\n\n")
        prose = next((" ".join(block.split()) for block in blocks if re.match(r"(?!```)[\w`*\[]", block)), "")
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", prose)
        return re.split(r"(?<=[.:])\s", plain)[0].rstrip(":")


def manual_folder() -> Path:
    """Return the folder of the pages: inside the package where it was installed from a wheel, else of the checkout.

    Raises `RatchetError` where neither is there.
    """
    package = Path(__file__).parents[1]
    for folder in (package / "docs", package.parent / "docs"):
        if (folder / "tutorial").is_dir():
            return folder
    raise RatchetError("the pages of the manual are not installed.", "Install Ratchet again.", code="no_manual")


def list_pages(folder: Path | None = None) -> list[ManualPage]:
    """Return the pages of all parts, in the order of the parts and then by name."""
    root = folder or manual_folder()
    return [ManualPage(part, path.stem, path) for part in PARTS for path in sorted((root / part).glob("*.md"))]


def find_page(topic: str, folder: Path | None = None) -> ManualPage:
    """Return the page of a topic, `alerts` or `how-to/alerts`; raises `UsageError` with the nearest for another one."""
    pages = list_pages(folder)
    wanted = topic.strip("/").removesuffix(".md").lower()
    by_topic, found = {page.topic: page for page in pages}, [page for page in pages if page.name == wanted]
    if wanted in by_topic:
        return by_topic[wanted]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(
            f"there are {len(found)} pages {wanted[:40]!r}.",
            f"Name one: {', '.join(page.topic for page in found)}.",
            code="bad_topic",
        )
    hint = f"{nearest(wanted, [*by_topic, *(page.name for page in pages)])} 'ratchet docs' lists the topics.".strip()
    raise UsageError(f"the manual has no page {topic[:40]!r}.", hint, code="bad_topic")


def render_llms(link: Callable[[ManualPage], str], folder: Path | None = None) -> str:
    """Return llms.txt, the list of pages for programs that read: a sentence each, at the address that `link` gives."""
    lines = [
        "# Ratchet",
        "",
        "> Retrains a narrow text classifier every week from its own feedback, and promotes a model only on evidence.",
        "",
        "`ratchet docs TOPIC` prints each page as Markdown; `ratchet COMMAND --help` and `--json` need no page at all.",
    ]
    pages = list_pages(folder)
    for part, heading in PARTS.items():
        lines += ["", f"## {heading}", ""]
        lines += [f"- [{page.title}]({link(page)}): {page.summary}" for page in pages if page.part == part]
    return "\n".join(lines) + "\n"
