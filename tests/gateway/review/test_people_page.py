"""Page of the people who label: who may read it, that the reading is logged, and that every word is shown as text."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from ratchet.review.page.people import render_people
from ratchet.review.page.views import ReviewFrame
from ratchet.storage.home import Home
from ratchet.storage.keys.api_keys import Keys
from ratchet.storage.review.people_file import people_path, write_people
from ratchet.storage.review.read_log import ReadLog

Serve = Callable[..., TestClient]
HTML, JSON = {"Accept": "text/html"}, {"Accept": "application/json"}
NOW = datetime(2026, 1, 20, tzinfo=UTC)


def share(n: int, agreed: int, *interval: float) -> dict[str, Any]:
    """An agreement as `people.json` holds it."""
    found = list(interval) or None
    return {"requests": n, "agreed": agreed, "share": agreed / n if found else None, "interval": found}


def document(word: str = "ann", text: str = "where is it") -> dict[str, Any]:
    """Figures of two people who differ on one request."""
    row = {
        "labels": 1200, "without_label": 3, "suspended": False, "timed": 0, "seconds": None, "week": None,
        "with_others": share(40, 38, 0.83, 0.99), "with_checks": share(4, 4),
    }  # fmt: skip
    people = [
        {**row, "person": each, "weeks": [{**row, "person": each, "week": "2026-01-05", "seconds": 4.25}]}
        for each in (word, "bob")
    ]
    shown = {"request_id": "r1", "week": "2026-01-05", "text": text, "notes": [word, ""]}
    pair = {
        "people": [word, "bob"], "doubles": 40, "disagreed": 1,
        "confusions": [{"labels": ["amber", word], "requests": 1, "sides": [[shown], []]}],
    }  # fmt: skip
    return {
        "classifier": "small", "generated_at": "2026-01-19T22:00:00+00:00", "least": 10, "note": "", "people": people,
        "confusions": [pair],
    }  # fmt: skip


def bearer(home: Home, name: str, *scopes: str) -> dict[str, str]:
    """The header of a new key."""
    return {"Authorization": f"Bearer {Keys(home.keys).add(name, scopes)}"}


def test_admins_and_adjudicators_read_it_and_every_reading_of_texts_is_logged(serve: Serve, home: Home) -> None:
    """T16: a review key of somebody else is 403, as page and as JSON; an unknown classifier is 404 for admins only."""
    spec = home.spec("small")
    spec.write_text(
        spec.read_text() + '\n[review]\nadjudicators = ["Ann Smith"]\n\n[people]\nann = ["Ann Smith"]\nbob = []\n'
    )
    write_people(home, "small", document())
    keys = {name: bearer(home, name, "admin" if name == "boss" else "review") for name in ("boss", "ann", "bob")}
    client = serve()
    found = {
        who: [client.get("/review/small/people", headers={**key, **form}).status_code for form in (HTML, JSON)]
        for who, key in {**keys, "nobody": {}}.items()
    }
    assert found == {"boss": [200, 200], "ann": [200, 200], "bob": [403, 403], "nobody": [401, 401]}
    assert [(each.key, each.page, each.request_ids) for each in ReadLog(home, "small").read()] == [
        (who, "people", ("r1",)) for who in ("boss", "boss", "ann", "ann")
    ]
    links = {
        who: 'href="small/people"' in client.get("/review/small", headers={**keys[who], **HTML}).text for who in keys
    }
    assert links == {"boss": False, "ann": True, "bob": False}  # the boss's key is of nobody in [people]
    statuses = [client.get("/review/none/people", headers={**key, **JSON}).status_code for key in keys.values()]
    assert statuses[0] == 404
    page = client.get("/review/small/people", headers={**keys["boss"], **HTML})
    (log,) = home.review("small").glob("reads-*.jsonl")
    log.unlink()
    log.mkdir()  # no line can be written
    refused = client.get("/review/small/people", headers={**keys["boss"], **HTML})
    assert (refused.status_code, "where is it" in refused.text) == (507, False)
    assert "script-src" not in page.headers["Content-Security-Policy"]
    for words in ("95% of 40 (83% to 99%)", "not enough to say (4)", "1,200", "4.2", "where is it", "days old"):
        assert words in page.text
    assert page.text.index(">ann<") < page.text.index(">bob<")


@pytest.mark.parametrize(
    ("content", "status", "says"),
    [
        (None, 200, "No figures were written yet."),
        (b"{", 503, "The figures cannot be read."),
        (b'{"schema": 1, "confusions": [3]}', 503, "The figures cannot be read."),
        (b'{"schema": 2}', 503, "The figures cannot be read."),
    ],
)
def test_without_figures_or_with_broken_ones_it_says_how_to_make_them(
    serve: Serve, home: Home, content: bytes | None, status: int, says: str
) -> None:
    """The file is expendable."""
    key = bearer(home, "boss", "admin")
    if content is not None:
        home.review("small").mkdir(exist_ok=True)
        people_path(home, "small").write_bytes(content)
    found = serve().get("/review/small/people", headers={**key, **HTML})
    assert (found.status_code, says in found.text, "ratchet people small" in found.text) == (status, True, True)


def test_no_word_of_anyone_becomes_markup(payloads: list[str], find_dangers: Callable[[str], list[str]]) -> None:
    """T09: person, label, text and note; also what draws over its neighbours."""
    plain = find_dangers(
        render_people(ReviewFrame("../../", "small", "review", "ann"), document(), NOW)
    )  # links of ours
    parts = [document(payload, payload) for payload in payloads]
    whole = {**parts[0], **{key: [each for part in parts for each in part[key]] for key in ("people", "confusions")}}
    assert find_dangers(render_people(ReviewFrame("../../", "small", "review", payloads[0]), whole, NOW)) == plain
    assert "\\u202e" in render_people(ReviewFrame("", "small"), document("a\u202eb"), NOW)


def test_old_figures_are_marked() -> None:
    """A cycle a week writes them; nine days without one are worth a word."""
    fresh, old = (render_people(ReviewFrame("", "small"), document(), NOW.replace(day=day)) for day in (20, 29))
    assert ("The figures are 2 hours old." in fresh, "notice open" in fresh) == (True, False)
    assert ("The figures are 9 days old." in old, "notice open" in old) == (True, True)
