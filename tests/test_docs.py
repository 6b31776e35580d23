"""The pages name files, links, modules and make targets that exist."""

import re
from pathlib import Path

import pytest

from resources.run_locks import CYCLE_TAG

ROOT = Path(__file__).parents[1]
GENERATED = {"support_matrix.md"}
"""Pages with a test of their own, which says how to update them."""
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "data/README.md",
    *(str(page.relative_to(ROOT)) for page in (ROOT / "docs").rglob("*.md") if page.name not in GENERATED),
)
FOLDERS = (
    "assets",
    "benchmarks",
    "checks",
    "docs",
    "gateway",
    "monitoring",
    "orchestration",
    "ratchet",
    "resources",
    "tests",
)
PLACEHOLDERS = re.compile(r"\b(?:NAME|GROUP|ROOM|COMMAND)\b")
"""Words in a path that stand for any name."""
ONE_MACHINE = re.compile(r"(?<![\w>.~*-])/(?:root|tmp|work|Users|home/\w)")
"""A path that only one machine has."""
RUN_TAGS = {CYCLE_TAG}
"""Tags of Dagster's runs that look like paths."""


def faults(page: str, text: str) -> list[str]:
    """Everything that `text`, standing at `page`, names and that is not in the repository."""
    paths = re.findall(rf"(?<![\w/<>.:~-])(?:{'|'.join(FOLDERS)})/[\w./-]*", text)
    paths += re.findall(r"`([\w./-]+\.py)`", text)
    named = sorted({path for path in paths if not PLACEHOLDERS.search(path)} - RUN_TAGS)
    found = [f"{page}: {path} does not exist" for path in named if not (ROOT / path.rstrip(".")).exists()]
    for module in re.findall(r"python -m ((?:benchmarks|orchestration|ratchet|gateway)[\w.]*)", text):
        place = ROOT / module.rstrip(".").replace(".", "/")
        if not place.with_suffix(".py").exists() and not (place / "__main__.py").exists():
            found.append(f"{page}: there is no module {module}")
    found += [f"{page}: a path of one machine: {line[:100]}" for line in text.splitlines() if ONE_MACHINE.search(line)]
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        target, _, anchor = link.partition("#")
        if "://" in link:
            continue
        place = (ROOT / page).parent / target if target else ROOT / page
        if not place.exists():
            found.append(f"{page}: the link {link} leads nowhere")
        elif anchor and anchor not in anchors(place.read_text() if target else text):
            found.append(f"{page}: the link {link} has no heading")
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    named = re.findall(r"(?:`|^)make ([a-z][a-z-]*)", text, re.MULTILINE)
    return found + [f"{page}: make has no target {target}" for target in named if target not in targets]


def anchors(text: str) -> set[str]:
    """Anchors of the headings of a page, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.feature(40)
def test_a_page_names_only_what_exists(page: str) -> None:
    """Paths of the repository, also in code blocks; relative links with their headings; modules; make targets."""
    assert not (found := faults(page, (ROOT / page).read_text())), "\n".join(found)


@pytest.mark.parametrize(
    "text",
    [
        "See `ratchet/stores/warehouse.py`.",
        "    pytest tests/ratchet/test_moved.py",
        "See `test_power_loss.py`.",
        "[here](nowhere.md)",
        "[here](docs/reference/gateway.md#no-such-heading)",
        "`python -m benchmarks.nothing`",
        "`make nothing`",
        "/root/.bin/hooks: line 24: cannot open shared object file",
    ],
)
def test_a_planted_fault_is_found(text: str) -> None:
    """Each kind of fault, planted."""
    assert len(faults("README.md", text)) == 1
