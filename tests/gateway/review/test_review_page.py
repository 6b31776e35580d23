"""The review page and its JSON over HTTP: who gets what, what an answer leaves on disk, and what is never shown."""

import json
import re
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from starlette.testclient import TestClient

from ratchet.config.spec import Label
from ratchet.review.guide import Guide
from ratchet.review.item import ReviewItem
from ratchet.review.page.rendering import render, review_environment, script_of_page
from ratchet.review.page.views import AnswerForm, Message, ReviewFrame, choices_of
from ratchet.review.reasons import DISAGREEMENT, USER_FEEDBACK
from ratchet.storage.home import Home
from ratchet.storage.journal.segments import left_behind, read_journal
from ratchet.storage.keys.api_keys import Keys
from ratchet.storage.review.read_log import ReadLog
from ratchet.storage.review.suspensions import Suspensions
from ratchet.workflows.log import read_log

Queue = Callable[..., list[str]]
People = Callable[..., list[Any]]
Serve = Callable[..., TestClient]
JSON, PAGE = {"Accept": "application/json"}, {"Accept": "text/html"}


def stored(home: Home) -> list[dict[str, Any]]:
    """The corrections in the gateway's journal, in their order."""
    journals = left_behind(home.journal("small", "corrections"))
    return [row for path in journals for row in read_journal(path)[0]]


def extend(home: Home, table: str) -> None:
    """Add a table to the specification."""
    spec = home.spec("small")
    spec.write_text(f"{spec.read_text()}\n{table}\n")


def text_on(page: str) -> str:
    """The text of the item on a page."""
    found = re.search(r'<div class="text"[^>]*>(.*?)</div>', page, re.DOTALL)
    return found[1] if found else ""


def test_a_person_answers_a_batch_by_forms_alone(home: Home, queue: Queue, people: People) -> None:
    """Label, none, note, skip, undo: each is a correction on disk before the next item, and the result comes last."""
    queue([f"ticket {n}" for n in range(4)], USER_FEEDBACK, detail="live said violet")
    (ann,) = people("ann")
    waiting = ann.client.get("/review/small").text
    assert "a user says the answer is wrong" in waiting
    assert 'class="num">4<' in waiting
    page = ann.next()
    assert "1 of 4" in page
    first = text_on(page)
    assert "violet" not in page.replace('value="violet"', "").replace("<bdi>violet</bdi>", "")
    found = ann.send(page, label="amber", note="  two\r\nlines  ")
    assert (found.status_code, found.headers["Location"]) == (303, "next")
    (row,) = stored(home)
    assert (row["label"], row["annotator"], row["saw_prediction"], row["note"]) == ("amber", "ann", False, "two\nlines")
    assert row["chosen"] == "value"
    assert row["batch"].startswith("b-")
    assert row["seconds"] >= 0
    assert ann.send(page, "undo").headers["Location"] == "next?undone=1"
    page = ann.client.get("/review/small/next?undone=1").text
    assert text_on(page) == first
    assert "Take my answer back" in page
    ann.send(page, label="green")
    assert [each["label"] for each in stored(home)] == ["amber", "green"]
    ann.send(ann.next(), answer="none")
    ann.send(ann.next(), "skip")
    found = ann.send(ann.next(), answer="cannot_tell")
    assert re.fullmatch(r"\.\./small\?batch=b-[\w-]+", found.headers["Location"])
    done = ann.client.get(f"/review/{found.headers['Location'].removeprefix('../')}").text
    assert "3 answered." in done
    assert "None of them was agreed already." in done
    assert [each["answer"] for each in stored(home)[2:]] == ["none", "cannot_tell"]


def test_the_same_batch_as_json(home: Home, queue: Queue, serve: Serve) -> None:
    """A program with a key gets and answers the same items; a repeat adds no row, and a session alone is not enough."""
    queue(["ticket a", "ticket b"])
    secret = Keys(home.keys).add("bot", ("review",), person="bob")
    client = serve()
    headers = {**JSON, "Authorization": f"Bearer {secret}"}
    state = client.get("/review", headers=headers).json()["classifiers"][0]
    assert (state["name"], state["waiting"][0]["items"]) == ("small", 2)
    assert [label["key"] for label in state["labels"]] == ["1", "2", "3"]
    assert client.get("/review/small", headers=headers).json()["waiting"] == state["waiting"]
    item = client.get("/review/small/next", headers=headers).json()["item"]
    assert set(item) == {"request_id", "batch", "text", "reasons", "position", "of", "conflict"}
    body = {"request_id": item["request_id"], "label": "green", "seconds": 1.5}
    for _ in range(2):
        found = client.post("/review/small/answer", json=body, headers=headers)
        assert (found.status_code, found.json()["stored"], found.json()["item"]["position"]) == (201, True, 2)
    assert [(row["annotator"], row["seconds"]) for row in stored(home)] == [("bob", 1.5)]
    other = found.json()["item"]["request_id"]
    assert (
        client.post("/review/small/skip", json={"request_id": item["request_id"]}, headers=headers).status_code == 409
    )
    done = client.post("/review/small/skip", json={"request_id": other}, headers=headers).json()
    assert (done["item"], done["result"]["answered"]) == (None, 1)
    back = client.post("/review/small/undo", json={}, headers=headers).json()
    assert back["item"]["request_id"] == item["request_id"]
    taken = client.post("/review/small/answer", json={**body, "label": None, "answer": "withdrawn"}, headers=headers)
    assert taken.status_code == 201
    assert client.post("/review/small/answer", json=body, headers=JSON).status_code == 401


BAD_BODIES: dict[str, tuple[dict[str, Any], int]] = {
    "an unknown label": ({"label": "purple"}, 422),
    "label and answer": ({"label": "green", "answer": "none"}, 422),
    "neither": ({}, 422),
    "another answer": ({"answer": "maybe"}, 422),
    "an unknown key": ({"label": "green", "annotator": "bob"}, 422),
    "a long note": ({"label": "green", "note": "a" * 2001}, 422),
    "a control character": ({"label": "green", "note": "a\x1b[31m"}, 422),
    "an endless time": ({"label": "green", "seconds": 1e9}, 422),
    "a request that is not queued": ({"label": "green", "request_id": "rq_other"}, 409),
}


def test_a_bad_answer_stores_nothing(home: Home, queue: Queue, serve: Serve) -> None:
    """Each is one sentence that repeats nothing of what was sent."""
    (request_id,) = queue(["ticket"])
    client = serve()
    for case, (body, status) in BAD_BODIES.items():
        found = client.post("/review/small/answer", json={"request_id": request_id, **body})
        assert (case, found.status_code) == (case, status)
        assert "purple" not in found.text
        assert "rq_other" not in found.text
    assert stored(home) == []


def test_a_bad_parameter_is_an_error_like_all_others(serve: Serve) -> None:
    """It names the parameter, and repeats nothing of it."""
    found = serve().get("/review/small/next?undone=secret")
    assert (found.status_code, found.json()["error"]["code"], "secret" in found.text) == (422, "bad_parameter", False)


def test_each_form_is_for_its_person_item_and_page(home: Home, queue: Queue, people: People) -> None:
    """Another's token, another item, another site: nothing is stored, and what was typed for the item is kept."""
    queue(["ticket a", "ticket b"])
    ann, bob = people("ann", "bob")
    page, theirs = ann.next(), bob.next()
    found = ann.send(page, label="green", note="mine", token="0" * 64)
    assert found.status_code == 409
    assert "mine</textarea>" in found.text
    assert 'class="chosen"' in found.text
    for change in ({"shown": "1"}, {"request_id": "low_confidence-9"}, {"token": "\u00e9"}, {"shown": "\u0663"}):
        assert ann.send(page, label="green", **change).status_code == 409
    assert ann.send(theirs, label="green").status_code == 409
    form = {**{"label": "green"}, "token": "x"}
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.test"}):
        assert ann.client.post("/review/small/answer", data=form, headers=headers).status_code == 403
    assert ann.client.post("/review/small/answer", json={"request_id": "x", "label": "green"}).status_code == 401
    assert stored(home) == []


def test_two_people_at_once_never_have_the_same_item(home: Home, queue: Queue, people: People) -> None:
    """Twenty requests that need one vote each: two people take turns, and no text comes to both."""
    extend(home, "[review]\ndouble_share = 0.0")
    queue([f"ticket {n}" for n in range(20)])
    ann, bob = people("ann", "bob")
    seen: dict[str, set[str]] = {"ann": set(), "bob": set()}
    for _ in range(20):
        for name, person in (("ann", ann), ("bob", bob)):
            if text := text_on(page := person.next()):
                seen[name].add(text)
                person.send(page, label="green")
    assert seen["ann"].isdisjoint(seen["bob"])
    assert len(seen["ann"] | seen["bob"]) == 20
    assert len(stored(home)) == 20


def test_every_reading_is_logged_by_key_without_the_text(home: Home, queue: Queue, people: People) -> None:
    """T23: a line for each text that was shown, `ratchet log` counts them; nothing under `review/` but the queue has
    it."""
    extend(home, "[review]\ndouble_share = 0.0")  # else one request in ten is for both
    queue(["secret words of a person"])
    ann, bob = people("ann", "bob")
    ann.client.get("/review/small")
    assert ReadLog(home, "small").read() == []
    ann.next()
    bob.next()
    (reading,) = ReadLog(home, "small").read()
    assert (reading.key, reading.person, reading.request_ids) == ("ann", "ann", ("low_confidence-0",))
    (entry,) = read_log(home, "small", ("reads",)).entries
    assert (entry.actor, entry.what.startswith("1 text on ")) == ("key ann", True)
    (path,) = home.review("small").glob("reads-*.jsonl")
    assert "secret words" not in path.read_text()


def test_an_adjudicator_sees_labels_and_notes_and_never_the_model(home: Home, queue: Queue, people: People) -> None:
    """Two people differ: the third one reads what they gave, and their answer decides."""
    queue(["ticket"], DISAGREEMENT, detail="live said amber, the candidate violet", slot="live")
    extend(home, '[review]\ndouble_share = 1.0\n[people]\n"ann" = []\n"bob" = []\n"eve" = []')
    ann, bob, eve = people("ann", "bob", "eve")
    ann.send(ann.next(), label="amber", note="says <b>refund</b>")
    bob.send(bob.next(), label="green")
    page = eve.next()
    assert "Two people differ" in page
    assert "says &lt;b&gt;refund&lt;/b&gt;" in page
    assert "candidate violet" not in page
    assert "ann" not in page.split("<main>")[1].split("<form")[0]
    eve.send(page, label="green")
    assert stored(home)[-1]["chosen"] == "adjudication"
    assert text_on(eve.next()) == ""


def test_a_full_disk_keeps_what_was_typed(home: Home, queue: Queue, people: People) -> None:
    """507: nothing is stored, and one press sends label and note again when there is room."""
    queue(["ticket a", "ticket b"])
    (ann,) = people("ann")
    page, row_log = ann.next(), ann.client.app.state.gateway.landing
    journal = row_log.journal("small", "corrections")
    row_log._journals["small", "corrections"] = full = Full()
    found = ann.send(page, label="green", note="refund & more")
    assert found.status_code == 507
    assert found.headers["Retry-After"] == "5"
    assert "refund &amp; more</textarea>" in found.text
    assert 'name="label" value="green"' in found.text
    assert full.asked == 1
    row_log._journals["small", "corrections"] = journal
    assert ann.send(found.text, label="green", note="refund & more").status_code == 303
    assert [(row["label"], row["note"]) for row in stored(home)] == [("green", "refund & more")]


class Full:
    """Journal on a disk that has no room."""

    asked, stopped = 0, False

    def append(self, row: object) -> None:
        """Refuse the row as the operating system does."""
        self.asked += 1
        raise OSError(28, "No space left on device")

    def close(self) -> None:
        """Do nothing."""


def test_the_guide_is_shown_and_never_a_golden_text(home: Home, queue: Queue, people: People) -> None:
    """Descriptions, the team's words for each label, and no line that is a text of the golden set."""
    golden = json.loads(home.golden("small").read_text().splitlines()[0])["text"]
    amber = f"## Amber\nMoney, such as:\n- where is my refund\n- \u201c{golden.upper()}\u201d"
    home.guide("small").write_text(f"For all of us.\n\n{amber}\n# Other\nthe end <b>")
    queue(["ticket"])
    (ann,) = people("ann")
    page = ann.next()
    assert "For all of us." in page
    assert "where is my refund" in page
    assert "the end &lt;b&gt;" in page
    assert golden.lower() not in page.lower()
    assert "1 line of the guide is left out" in page


def test_pages_are_left_alone_by_caches_frames_and_others(home: Home, queue: Queue, people: People) -> None:
    """Headers of every page, errors included; the one script runs by its digest, and forms go to this host alone."""
    queue(["a text of somebody"])
    (ann,) = people("ann")
    stranger = TestClient(ann.client.app, base_url="http://127.0.0.1:8008", follow_redirects=False)
    stranger.portal = ann.client.portal
    paths = ("/review", "/review/small", "/review/small/next", "/review/none", "/login")
    shown, refused = ([client.get(path, headers=PAGE) for path in paths] for client in (ann.client, stranger))
    for reply in [*shown, *refused]:
        policy = reply.headers["Content-Security-Policy"]
        parts = ("default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'")
        assert all(part in policy for part in parts)
        scripts = re.findall("<script[^>]*>(.*?)</script>", reply.text, re.DOTALL)
        allowed = re.findall(r"script-src ([^;]*)", policy)
        assert len(scripts) == (1 if reply is shown[2] else 0)
        assert allowed in ([], [f"'sha256-{b64encode(sha256(script_of_page().encode()).digest()).decode()}'"])
        assert [each for each in scripts if each != script_of_page()] == []
        assert reply.headers["Cache-Control"] == "no-store"
        assert reply.headers["Content-Type"].startswith("text/html")
    assert ["a text of somebody" in reply.text for reply in shown] == [False, False, True, False, False]
    assert not [reply for reply in refused if "a text of somebody" in reply.text]
    assert [stranger.get(path).status_code for path in paths] == [401, 401, 401, 401, 200]
    assert ann.client.get("/review/none").status_code == 404
    assert 'name="to" value="review/small/next"' in stranger.get("/review/small/next").text


def test_a_key_of_somebody_who_is_not_listed_reads_nothing(home: Home, queue: Queue, people: People) -> None:
    """T15: with `[people]` only those who stand there review this classifier."""
    extend(home, '[people]\n"bob" = []')
    queue(["secret"])
    ann, bob = people("ann", "bob")
    assert ann.client.get("/review/small/next").status_code == 403
    assert "no classifier for which" in ann.client.get("/review").text
    assert "small" in bob.client.get("/review").text
    assert text_on(bob.next()) == "secret"


def test_who_is_suspended_reads_and_answers_nothing(home: Home, queue: Queue, people: People) -> None:
    """403 from the next request on, also for the item that was in front of them."""
    queue(["ticket"])
    (ann,) = people("ann")
    page = ann.next()
    Suspensions(home, "small").suspend("ann", "guesses", "owner", {}, 0, [])
    assert ann.client.get("/review/small/next").status_code == 403
    assert ann.send(page, label="green").status_code == 403
    assert stored(home) == []


def test_hostile_words_stay_words(payloads: list[str], count_elements: Any, find_dangers: Any) -> None:
    """T09: text, reason, description, guide, annotator, label and note add no element, no handler and no address."""

    def draw(word: str) -> str:
        guide = Guide(word, {"x": word}, 1)
        frame, message = ReviewFrame("../", "small", "review", word, "t", base="small/"), Message(word, word)
        values = {"frame": frame, "message": message, "form": AnswerForm("r", 1, "t", word, "x")}
        item = ReviewItem("r", "b", word, (word,), 1, 2, ((word, word),))
        choices = choices_of([Label("x", word), Label("y")], guide)
        pages = [
            render("item.html.j2", item=item, undone=True, choices=choices, guide=guide, **values),
            render("unsent.html.j2", action="answer", is_label=True, **values),
        ]
        # style and script hold no word of anyone, and take ten times as long to parse as the rest
        return "".join(page[page.index("<main>") : page.index("</main>")] for page in pages)

    plain = draw("plain words")
    elements, dangers = count_elements(plain), find_dangers(plain)
    for payload in payloads:
        page = draw(payload)
        assert (payload, count_elements(page), find_dangers(page)) == (payload, elements, dangers)
        assert "\u202e" not in page
        assert "\x00" not in page
    careless = review_environment().overlay(autoescape=False)
    mutant = render("problem.html.j2", careless, frame=ReviewFrame(""), message=Message("<b>", "<i>"))
    assert "<b>" in mutant  # the planted bug: the same templates without escaping
