"""The page as HTML, hostile words included, and as a browser draws it on a desk and on a phone."""

from dataclasses import replace

import pytest

from ratchet.rollout.evidence.counts import Evidence
from ratchet.rollout.guardrails.guardrail import Guardrail
from ratchet.rollout.page.rendering import Notice, RollbackForm, render_refusal, render_rollout, rollout_environment

FORM = RollbackForm("4:" + "0" * 64, "f" * 64)
PLAIN = "plain words"
STEPPING = (("promote", "a1" * 32, 0), ("shadow", "b2" * 32, 0), ("step", "b2" * 32, 25))


@pytest.fixture(scope="session")
def draw(write_entries, remember, view):
    """The page of a rollout in which every word that people or data choose is `said`."""

    def make(said: str, **options: object) -> str:
        entries = write_entries(STEPPING, actor=said, why=said, ts=said)
        usual = remember(write_entries(STEPPING))
        rail = Guardrail(f"accuracy of {said}", "broken", said, -0.2, -0.3, -0.1, -0.01)
        decision = replace(usual, at=said, sentence=said, state=said, guardrails=(*usual.guardrails, rail))
        assert usual.sequence == len(entries)
        shown = replace(view(entries, decision), pause=said, waiting=said)
        return render_rollout(shown, replace(FORM, why=said), (Notice(said, said),), **options)

    return make


def test_hostile_words_stay_words(draw, payloads, count_elements, find_dangers):
    """T09: reasons, actors, times, labels, sentences and notices add no element, no handler and no address."""
    plain = draw(PLAIN)
    elements, dangers = count_elements(plain), find_dangers(plain)
    for payload in payloads:
        page = draw(payload)
        # what was typed, as text
        found = [danger for danger in find_dangers(page) if not danger.startswith("<input value=")]
        assert (payload, count_elements(page), found) == (payload, elements, dangers)
        assert "\u202e" not in page
        assert "\x00" not in page
    assert set(dangers) == {"<form>", "<form action='small/hold'>"}


def test_a_page_that_escapes_nothing_is_noticed(draw, payloads, count_elements):
    """The planted bug: the same templates without escaping."""
    careless = rollout_environment().overlay(autoescape=False)
    plain = count_elements(draw(PLAIN, environment=careless))
    assert any(count_elements(draw(payload, environment=careless)) != plain for payload in payloads)


def test_a_refusal_is_as_safe(payloads, count_elements, find_dangers):
    """The page that says only no."""
    plain = count_elements(render_refusal(PLAIN, PLAIN))
    for payload in payloads:
        page = render_refusal(payload, payload)
        assert (count_elements(page), find_dangers(page)) == (plain, [])


@pytest.fixture(scope="module")
def pages(tmp_path_factory, write_entries, remember, view, draw):
    """Pages as files: a rollout that fails in six ways, one that was taken back, an empty one, a hostile one."""
    folder = tmp_path_factory.mktemp("pages")
    entries = write_entries((*STEPPING, ("hold", "a1" * 32, 0), ("resume", "a1" * 32, 0)), why="a long reason " * 20)
    failing = Evidence(
        requests=90000, disagreements=52000, labelled=40000, only_incumbent=9000, answered=70, errors=900,
        by_label_counts={"a_label_with_a_rather_long_name_of_its_own": (400, 300, 2)}, compared=40000, losses=9000,
        timed=90000, slower=90000, median_time_ratio=9.0, stalls=9000,
    )  # fmt: skip
    decided = remember(entries, failing)
    back = write_entries((*STEPPING, ("rollback", "a1" * 32, 0)))
    drawn = {
        "failing": render_rollout(
            view(entries, decided), FORM, (Notice("Someone decided meanwhile.", "Nothing was done."),)
        ),
        "back": render_rollout(view(back), None),
        "command": render_rollout(
            view(back[:-1]), None, (Notice("The kill switch is on.", "Everyone gets live.", "open"),)
        ),
        "empty": render_rollout(view([]), FORM),
        "hostile": draw('"><img src=//evil.test/x onerror=alert(1)>' * 12),
        "refused": render_refusal("No such classifier is here.", "There is: small."),
    }
    for name, page in drawn.items():
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
    return {path.stem: path for path in folder.iterdir()}


NAMES = ["failing", "back", "command", "empty", "hostile", "refused"]


@pytest.mark.parametrize("name", NAMES)
def test_the_page_asks_for_nothing_and_complains_of_nothing(name, pages, visit):
    """No request, no console message, no dialog, no script."""
    seen = visit(pages[name])
    assert (seen.requests, seen.problems) == ([], [])
    assert seen.page.locator("script").count() == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_desk_and_a_phone_need_no_sideways_scrolling(name, pages, visit):
    """Nothing is wider than the window, also where a word has no space."""
    for width in (1280, 390, 320):
        page = visit(pages[name], viewport={"width": width, "height": 844}).page
        assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_text_is_readable_in_both_schemes(name, scheme, pages, visit, find_faint):
    """Every text as drawn has a contrast of 4.5 or more."""
    assert find_faint(visit(pages[name], color_scheme=scheme).page) == {}


def test_state_and_sentence_are_read_without_scrolling(pages, visit):
    """On a phone the word, the sentence and the rung that is now are in the first view."""
    page = visit(pages["command"], viewport={"width": 390, "height": 844}).page
    for part in ("#state-word", "#state-title", "[aria-current=step]"):
        box = page.locator(part).bounding_box()
        assert box["y"] + box["height"] < 844


def test_colour_is_never_alone(pages, visit):
    """Each tile and each rung has its word."""
    page = visit(pages["failing"]).page
    words = page.locator(".guard .outcome").all_inner_texts()
    assert {"✕ failing", "▲ over its limit"} <= set(words)
    assert len(words) == page.locator(".guard").count() == 6
    assert page.locator(".ladder .place").all_inner_texts() == ["done", "skipped", "now", "ahead", "ahead", "ahead"]
    for table in page.locator("table").all():
        assert table.locator("caption").count() == 1
        assert table.locator("th:not([scope])").count() == 0
