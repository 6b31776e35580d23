"""The page is complete, true, harmless and small: judged from its HTML, without a browser."""

import re
from copy import deepcopy
from html import unescape

import pytest

from ratchet.evaluation.report.page import POLICY, make_environment, render_report
from ratchet.testing.report_example import make_example

SECTIONS = [
    "verdict",
    "figures",
    "ways",
    "data",
    "reliability",
    "confusion",
    "labels",
    "curves",
    "sweep",
    "errors",
    "checks",
    "reproduce",
]


@pytest.mark.parametrize("name", ["usual", "first", "many"])
def test_every_figure_on_the_page_equals_the_document(name, request, read_figures, find_lies):
    """Key by key, at the rounding that the figure itself states."""
    document = request.getfixturevalue(name)
    figures = read_figures(render_report(document))
    assert len(figures) > 300
    assert find_lies(figures, document) == []


def test_a_changed_figure_is_noticed(usual, read_figures, find_lies):
    """The comparison itself can fail: one digit of one figure is enough."""
    page = render_report(usual)
    shown = f'data-key="metrics.test.macro_f1" data-round="3">{usual["metrics"]["test"]["macro_f1"]:.3f}'
    lie = shown[:-1] + str((int(shown[-1]) + 1) % 10)
    assert page.count(shown) >= 2
    lies = find_lies(read_figures(page.replace(shown, lie, 1)), usual)
    assert len(lies) == 1
    assert "metrics.test.macro_f1" in lies[0]


def test_no_number_stands_on_the_page_without_its_key(usual):
    """What has a digit is a figure with a key, a tick of an axis, or one of a few fixed words."""
    page = re.sub(r"<(style|title)\b.*?</\1>", "", render_report(usual), flags=re.S)
    keyed = re.compile(r"<(\w+)[^>]*(?:data-key|data-axis|data-label|data-file)\b[^>]*>[^<]*</\1>")
    left = (
        unescape(re.sub(r"<[^>]*>", " ", keyed.sub("", page)))
        .replace("SHA-256", "")
        .replace("95 %", "")
        .replace("F1", "")
    )
    assert re.findall(r".{0,30}\d.{0,30}", left) == []


def test_sections_come_in_the_order_of_the_readers_questions(usual, first):
    """The verdict first, how to reproduce it last."""
    for document in (usual, first):
        assert re.findall(r'<section id="([a-z]+)"', render_report(document)) == SECTIONS


@pytest.mark.parametrize("offset", range(0, 170, 30))
def test_no_payload_becomes_markup(offset, many, payloads, rename, find_dangers, count_elements):
    """Each payload is once a label, and in turn every other string and name of the document."""
    hostile = rename(many, lambda i: payloads[(i + offset) % len(payloads)] + " " * (i // len(payloads)))
    harmless = rename(many, lambda i: f"harmless {i}")
    page = render_report(hostile)
    assert find_dangers(page) == []
    assert count_elements(page) == count_elements(render_report(harmless))
    assert len(page.encode()) <= 500_000


def test_a_page_without_escaping_is_noticed(usual, payloads, rename, find_dangers):
    """The search for danger can fail: the same templates without escaping are full of it."""
    careless = make_environment().overlay(autoescape=False)
    hostile = rename(usual, lambda i: payloads[i % len(payloads)])
    dangers = find_dangers(render_report(hostile, environment=careless))
    assert any("<script>" in danger for danger in dangers)
    assert any("onerror" in danger for danger in dangers)


def test_the_usual_page_holds_no_danger_and_states_its_policy(usual, find_dangers):
    """No script, no handler, no address outside the page, and a policy that forbids them."""
    page = render_report(usual)
    assert find_dangers(page) == []
    assert POLICY.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    assert POLICY.replace("'", "&#39;") in page


def test_hidden_characters_are_shown(usual):
    """A text that would reverse the line, or hide, is written out."""
    document = deepcopy(usual)
    document["worst_errors"][0]["text"] = "pay \u202eesrever\u202c me\x00 \u200b\ufeff now"
    page = render_report(document)
    assert r"pay \u202eesrever\u202c me\x00 \u200b\ufeff now" in page
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00\u200b\ufeff]", page)


def test_without_live_it_says_so_and_shows_no_zero(first):
    """A missing adapter is a word, never a figure."""
    page = render_report(first)
    assert "no live adapter yet" in page
    assert 'data-key="live_metrics' not in page
    assert 'data-key="comparison' not in page


def test_a_pass_that_did_not_help_is_said(usual):
    """Beside the candidate, in the table of training and in the sweep."""
    document = deepcopy(usual)
    said = "its first pass kept: calibrated NLL 0.3122, with preferences 0.4011"
    document["candidates"][0]["first_kept"] = said
    document["sweep"]["rows"][0]["note"] = said
    assert render_report(usual).count("first pass kept") == 0
    assert render_report(document).count(said) == 2


def test_any_part_of_the_document_may_be_missing(usual):
    """A cycle that was blocked early still has a page, which says what there is no data of."""
    for key in usual.keys() - {"classifier", "week"}:
        assert "</html>" in render_report({**usual, key: None})
    page = render_report(
        {"classifier": "tickets", "week": "2026-02-23", "verdict": {"word": "blocked", "sentence": "Too few labels."}}
    )
    assert "Too few labels." in page
    assert page.lower().count("no data") >= 6


def test_a_label_without_items_has_no_score(usual):
    """Support 0 gives no precision, not a precision of 0."""
    document = deepcopy(usual)
    document["metrics"]["test"]["per_class"]["other"] = {
        "precision": 0.0,
        "recall": 0.0,
        "f1": 0.0,
        "support": 0,
        "f1_ci": [0.0, 0.0],
    }
    row = re.search(r'<tr id="label-other">.*?</tr>', render_report(document), re.S)[0]
    assert "no data" in row
    assert "0.000" not in row


def test_nothing_that_is_no_number_is_shown(usual):
    """NaN is a bug of whoever computed it, and stops the page."""
    document = deepcopy(usual)
    document["metrics"]["test"]["ece"] = float("nan")
    with pytest.raises(ValueError, match="nan"):
        render_report(document)


def test_the_same_document_gives_the_same_page(usual):
    """No clock, no chance, no order of a set."""
    assert render_report(usual) == render_report(deepcopy(usual))


def test_every_drawing_says_its_content(usual, first, many):
    """role=img and a sentence, for those who cannot see it."""
    for document in (usual, first, many):
        drawings = re.findall(r"<svg [^>]*>", render_report(document))
        assert len(drawings) >= 4
        assert all('role="img"' in d and re.search(r'aria-label="[^"]{30,}\."', d) for d in drawings)


def test_every_table_has_a_caption_and_scopes(usual):
    """A screen reader is told what a table is and to what a cell belongs."""
    page = render_report(usual)
    assert page.count("<table") == page.count("<caption>")
    assert all("scope=" in header for header in re.findall(r"<th\b[^>]*>", page))


def test_a_hundred_labels_stay_within_the_size():
    """The matrix keeps the most confused labels, the table of labels all of them."""
    document = make_example([f"intent_{i:03}" for i in range(100)], n=2000, seed=3)
    page = render_report(document)
    assert len(page.encode()) <= 500_000
    assert page.count('<tr id="label-') == 100
    assert "Only the most confused labels are shown" in page


def test_the_worst_document_still_fits(usual):
    """Long hostile labels, full matrices, endless texts and epochs: fewer rows, and the page says so."""
    names = [f"{i:03}" + "<\u202e" * 48 for i in range(60)]
    document = make_example(names, n=400, texts=["<'\u202e" * 2000], seed=4)
    for metrics in document["metrics"].values():
        metrics["confusion"] = [[1] * len(names)] * len(names)
    document["golden"]["lost"] = [
        {"item": str(i), "text": "<" * 5000, "label": names[i], "predicted": names[0]} for i in range(60)
    ]
    document["candidates"] = [{**document["candidates"][0], "epochs": document["candidates"][0]["epochs"] * 100}] * 3
    document["data"]["dropped"] = {f"reason {i}" + "&" * 300: i for i in range(2000)}
    document["timings_s"] = {f"stage {i}" + "&" * 300: 1.0 for i in range(2000)}
    page = render_report(document)
    assert len(page.encode()) <= 500_000
    assert page.count("the others are in the file") == 2
    assert page.count("the first are shown") == 1


def test_rows_that_were_not_taken_are_shown_with_their_reasons(usual):
    """Each reason with its number, and nothing of it where every row was taken."""
    reason = "text is longer than 8000 characters"
    page = render_report({**usual, "rows": {"rejected": {reason: 3}, "waiting": {"<b>": 4}}})
    assert "Rows that are not in the warehouse" in page
    assert reason in page
    assert "<b>" not in page.split("Rows that are not in the warehouse")[1].split("</table>")[0]
    assert "Rows that are not in the warehouse" not in render_report({**usual, "rows": {}})
    assert "Rows that are not in the warehouse" not in render_report(usual)
