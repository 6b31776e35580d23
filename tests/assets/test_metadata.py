"""Sentences as Dagster shows them: nothing that people or labels say becomes Markdown that a browser fetches."""

import pytest

from assets.metadata import without_markup

HARMLESS = (
    "Moves to 25 %: +0.012 [-0.003, 0.027] on 1,200 requests.",
    "Holds: 12 < 40 labels; x <= y -> z; 3 < 4",
    "Held by ann: the weekend (see the calendar)!",
    "golden_agreement: `a` against `b` [2 of 34]",
)
HOSTILE = (
    "![](https://evil.test/a.png)",
    "![x](//evil.test 'title')",
    "![x][a]\n\n[a]: https://evil.test",
    "![a]\n\n[a]: https://evil.test",
    "[click](javascript:alert(1))",
    "\\![](https://evil.test/a.png)",
    r"\\![](https://evil.test/a.png)",
    r"[click\](javascript:alert(1))",
    r"\<img src=x>",
    r"\\<img src=x>",
    "<img src=http://127.0.0.1:3000/graphql?query=x>",
    "</p><script>alert(1)</script>",
    "<https://evil.test>",
    "<!-- hidden -->",
    "<?php ?>",
)


@pytest.mark.parametrize("sentence", HARMLESS)
def test_a_plain_sentence_stays_as_it_is(sentence: str) -> None:
    """Intervals, comparisons and names in backticks are no markup."""
    assert without_markup(sentence) == sentence


@pytest.mark.parametrize("sentence", HOSTILE)
def test_images_links_and_tags_lose_their_meaning(sentence: str) -> None:
    """A Markdown reader that takes HTML, too, finds no element in any of them."""
    markdown = pytest.importorskip("markdown_it")
    html = markdown.MarkdownIt("commonmark", {"html": True}).render(f"Held: {without_markup(sentence)}")
    assert html.replace("<p>", "").replace("</p>", "").count("<") == 0, html
