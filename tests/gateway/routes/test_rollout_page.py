"""The rollout page over HTTP: it shows every state of a real ledger, and rolls back only what its reader saw."""

import base64
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import html5lib
import pytest
from fastapi import FastAPI, Request
from starlette.testclient import TestClient

import gateway.routes.browser_auth
import ratchet.workflows.rollout.rollback
from gateway.app import create_app
from gateway.errors import RequestError
from gateway.routes.browser_auth import FormTokens
from gateway.settings import Settings
from ratchet.config.policy import PromotionPolicy
from ratchet.rollout.decision import decide
from ratchet.rollout.evidence.counts import Evidence
from ratchet.rollout.ledger_entry import Head
from ratchet.storage.home import Home
from ratchet.storage.keys.api_keys import Keys
from ratchet.storage.rollout.flag_file import Flags
from ratchet.storage.rollout.ledger import Ledger
from ratchet.workflows.rollout.advance import WeighedRollout, apply_decision, stop_or_resume
from ratchet.workflows.rollout.reconcile import kill_switch
from ratchet.workflows.rollout.rollback import roll_back

pytestmark = pytest.mark.slow

Serve = Callable[..., TestClient]
Enter = Callable[..., None]
GOOD = Evidence(
    requests=1000, disagreements=60, labelled=800, only_incumbent=8, only_challenger=12, answered=100,
    compared=1000, losses=10, wins=30, neither=20, stream_disagreements=60, digests=2, drawn=True,
    incumbent_p95_ms=10.0, challenger_p95_ms=11.0,
)  # fmt: skip
BROKEN = replace(GOOD, errors=50)
URL = "/rollout/small"
POST = f"{URL}/rollback"


@pytest.fixture
def browse(serve: Serve) -> Callable[..., TestClient]:
    """Start the gateway, asked by the name of this machine, redirects left alone."""

    def start(**settings: object) -> TestClient:
        client = serve(**settings)
        client.base_url = "http://127.0.0.1:8008"  # type: ignore[assignment] # httpx makes a URL of it
        client.follow_redirects = False
        return client

    return start


def decide_now(home: Home, evidence: Evidence, policy: PromotionPolicy | None = None) -> None:
    """Let the promoter decide on `evidence` and carry it out, as it does after it has counted pairs."""
    state = Ledger(home).state("small")
    chosen = decide(state, policy or PromotionPolicy(dwell_minutes=0), evidence, evidence, datetime.now(UTC))
    apply_decision(home, "small", WeighedRollout(state, chosen))


def read_state(page: str) -> str:
    """The state word of a page."""
    (found,) = [e for e in html5lib.parse(page, namespaceHTMLElements=False).iter() if e.get("id") == "state-word"]
    return str(found.text)


def read_form(page: str) -> dict[str, str]:
    """The fields of the form of a page, by name."""
    fields = html5lib.parse(page, namespaceHTMLElements=False).iter("input")
    return {field.get("name"): field.get("value") or "" for field in fields}


def wait_for_dwell(home: Home, first: str, second: str, enter: Enter) -> None:
    """At 25 %, with good figures, before the dwell is over."""
    enter(second, "shadow")
    enter(second, "step", 25)
    state = Ledger(home).state("small")
    assert state.moved is not None
    at = datetime.fromisoformat(state.moved.ts)
    chosen = decide(state, PromotionPolicy(), GOOD, GOOD, at)
    apply_decision(home, "small", WeighedRollout(state, chosen))


def shadow(home: Home, first: str, second: str, enter: Enter) -> None:
    """A shadow that nobody has weighed yet."""
    enter(second, "shadow")


def see_nothing(home: Home, first: str, second: str, enter: Enter) -> None:
    """A shadow that no request has come to."""
    enter(second, "shadow")
    decide_now(home, Evidence(), PromotionPolicy(max_weeks=500))


def see_little(home: Home, first: str, second: str, enter: Enter) -> None:
    """A shadow with too few labels."""
    enter(second, "shadow")
    decide_now(home, replace(GOOD, neither=0, waiting=20, wins=18, losses=22), PromotionPolicy(max_weeks=500))


def differ(home: Home, first: str, second: str, enter: Enter) -> None:
    """A shadow that answers otherwise more often than a machine may let pass."""
    enter(second, "shadow")
    decide_now(home, replace(GOOD, disagreements=400), PromotionPolicy(max_weeks=500))


def stop(home: Home, first: str, second: str, enter: Enter) -> None:
    """A person stops the ladder."""
    wait_for_dwell(home, first, second, enter)
    stop_or_resume(home, "small", "the weekend")


def promote(home: Home, first: str, second: str, enter: Enter) -> None:
    """The former live adapter watches."""
    enter(second)


def release(home: Home, first: str, second: str, enter: Enter) -> None:
    """The watch is over."""
    enter(second)
    enter(second, "release")


def reject(home: Home, first: str, second: str, enter: Enter) -> None:
    """The promoter takes a failing shadow away."""
    enter(second, "shadow")
    decide_now(home, BROKEN)


def give_up(home: Home, first: str, second: str, enter: Enter) -> None:
    """The promoter takes a failing candidate back."""
    enter(second, "shadow")
    enter(second, "step", 25)
    decide_now(home, BROKEN)


def lose_the_ledger(home: Home, first: str, second: str, enter: Enter) -> None:
    """Nothing was promoted yet."""
    for path in (home.ledger("small"), home.checkpoint("small"), home.flags):
        path.unlink()


STATES: list[tuple[Callable[[Home, str, str, Enter], None], str, str, str]] = [
    (shadow, "Shadowing", "Shadow", "Evaluated again within a minute; no figures yet."),
    (wait_for_dwell, "Step 25 %", "25 %", "Held: 0 of 60 minutes at this step"),
    (see_little, "Held: not enough evidence", "Shadow", "Held: 40 of about "),
    (differ, "Guardrail failing", "Shadow", "Held: labels differ on 40.0 % of requests, limit 25 %"),
    (stop, "Held", "25 %", "the weekend"),
    (promote, "Step 100 %", "100 %", "Promoted by test: test"),
    (release, "Released", "Released", "Nothing is compared now."),
    (reject, "Rolled back", "Shadow", "Rejected: 50 of 1000 requests failed, limit 1 %"),
    (give_up, "Rolled back", "25 %", "Rolled back: 50 of 1000 requests failed, limit 1 %"),
    (see_nothing, "No data", "Shadow", "Held: 0 of 500 compared requests"),
    (lose_the_ledger, "No data", "", "No adapter was promoted yet."),
]


@pytest.mark.parametrize(("arrange", "word", "rung", "said"), STATES, ids=[case[0].__name__ for case in STATES])
def test_each_state_of_a_real_ledger_has_its_word(
    arrange: Callable[..., None], word: str, rung: str, said: str, browse: Serve, home: Home, made: Any, enter: Enter
) -> None:
    """State word, rung and sentence, of a ledger that was written by real moves and decisions."""
    arrange(home, *made[1], enter)
    found = browse().get(URL)
    assert (found.status_code, read_state(found.text)) == (200, word)
    assert said in found.text.replace("&#39;", "'")
    marked = re.findall(r'<li class="(?:now|rolled-back)".*?<span class="rung">(.*?)</span>', found.text)
    assert marked == ([rung] if rung else [])


def test_the_page_is_left_alone_by_caches_frames_and_scripts(browse: Serve) -> None:
    """Every answer, also a refusal, carries the same headers; the one script is ours, by a nonce of each response."""
    client = browse()
    for found in (client.get(URL), client.get("/rollout/none"), client.post(POST)):
        policy = found.headers["Content-Security-Policy"]
        assert all(part in policy for part in ("default-src 'none'", "form-action 'self'", "frame-ancestors 'none'"))
        assert found.headers["Cache-Control"] == "no-store"
        assert found.headers["Referrer-Policy"] == "no-referrer"
        assert found.headers["X-Content-Type-Options"] == "nosniff"
        scripts = re.findall(r"<script([^>]*)>", found.text)
        nonce = re.search(r"script-src 'nonce-([\w-]+)'", policy)
        assert scripts == ([f' nonce="{nonce[1]}"'] if nonce else [])
    assert client.get(URL).headers["Content-Security-Policy"] != client.get(URL).headers["Content-Security-Policy"]


def test_hold_resume_and_kill_are_one_press_each(browse: Serve, home: Home, made: Any, enter: Enter) -> None:
    """Each with its reason and its caller in the ledger, each undone by its other button; an unknown one is none."""
    enter(made[1][1], "shadow")
    enter(made[1][1], "step", 25)
    client = browse()
    for action, kind, button in (
        ("hold", "hold", "small/resume"), ("resume", "resume", "small/hold"), ("kill", "kill", "small/unkill"),
        ("unkill", "unkill", "small/kill"),
    ):  # fmt: skip
        form = {**read_form(client.get(URL).text), "why": f"because of {action}"}
        found = client.post(f"{URL}/{action}", data=form)
        newest = Ledger(home).entries("small")[-1]
        assert (found.status_code, newest.action, newest.why) == (303, kind, f"because of {action}")
        assert f'formaction="{button}"' in client.get(URL).text
        again = client.post(f"{URL}/{action}", data=form)  # the kill switch goes on whatever came first
        assert again.status_code == (303 if action == "kill" else 409)
    form = {**read_form(client.get(URL).text), "why": "promote it"}
    assert client.post(f"{URL}/promote", data=form).status_code == 404
    assert client.post(f"{URL}/hold", data={**form, "why": " "}).status_code == 422


def test_a_key_that_reads_gets_no_button(serve: Serve, home: Home, made: Any, enter: Enter) -> None:
    """It sees the page with the command, and what it sends all the same is refused."""
    enter(made[1][1], "shadow")
    headers = {"Authorization": f"Bearer {Keys(home.keys).add('sup', ('read',))}"}
    client = serve()
    page = client.get(URL, headers=headers)
    assert (page.status_code, "<form" in page.text) == (200, False)
    assert "ratchet rollback small" in page.text
    assert client.post(f"{URL}/hold", headers=headers, data={"why": "a"}).status_code == 403
    assert len(Ledger(home).entries("small")) == 2


def test_a_rollback_moves_ledger_flag_and_page(browse: Serve, home: Home, made: Any, enter: Enter) -> None:
    """The reason and the caller are in the signed ledger, live answers everyone, and the page says so."""
    first, second = made[1]
    enter(second, "shadow")
    enter(second, "step", 25)
    client = browse()
    form = {**read_form(client.get(URL).text), "why": "wrong on refunds"}
    found = client.post(POST, data=form)
    assert (found.status_code, found.headers["Location"]) == (303, "../small")
    newest = Ledger(home).entries("small")[-1]
    assert (newest.action, newest.why, newest.adapter) == ("rollback", "Rolled back: wrong on refunds", first)
    assert newest.previous_adapter == second
    assert Flags(home).read().rollouts["small"].adapters == {"live": first}
    assert read_state(client.get(URL).text) == "Rolled back"
    assert not home.warehouse("small").exists()


def test_a_page_that_is_out_of_date_rolls_nothing_back(browse: Serve, home: Home, made: Any, enter: Enter) -> None:
    """Another decision came in between: 409 says so, and the page shows the state as it is now."""
    enter(made[1][1])
    client = browse()
    form = {**read_form(client.get(URL).text), "why": "worse"}
    enter(made[1][1], "release")
    before = Ledger(home).entries("small")
    found = client.post(POST, data=form)
    assert (found.status_code, read_state(found.text)) == (409, "Released")
    assert "Someone decided meanwhile." in found.text
    assert 'value="worse"' in found.text
    assert Ledger(home).entries("small") == before


def test_a_promoter_that_ignores_the_head_is_noticed(
    home: Home, made: Any, enter: Enter, plant: Callable[..., ModuleType]
) -> None:
    """The planted bug: the head that the reader saw is not passed on, and something else is rolled back."""
    first, second = made[1]
    enter(second)
    seen = Ledger(home).head("small")
    enter(second, "release")
    mutant = plant(ratchet.workflows.rollout.rollback, "or actor()}, after, now", "or actor()}, None, now")
    with pytest.raises(Exception, match="someone decided meanwhile"):
        roll_back(home, "small", "worse", after=seen)
    assert mutant.roll_back(home, "small", "worse", after=seen).adapter == first


def test_with_nothing_to_return_to_there_is_no_button(browse: Serve, home: Home) -> None:
    """The first adapter alone: the page says why, and a form that is sent all the same gets 409."""
    client = browse()
    page = client.get(URL).text
    assert "There is nothing to return to" in page
    assert "Roll back now" not in page
    head = Ledger(home).head("small")
    token = client.app.state.form_tokens.make("small", "", head)  # type: ignore[attr-defined] # Starlette knows only ASGI
    found = client.post(POST, data={"head": f"{head.sequence}:{head.digest}", "token": token, "why": "worse"})
    assert found.status_code == 409
    assert "has no earlier adapter to return to" in found.text
    assert len(Ledger(home).entries("small")) == 1


BAD_FORMS: dict[str, tuple[Callable[[dict[str, str]], dict[str, str] | bytes], int]] = {
    "no reason": (lambda form: {**form, "why": "  "}, 422),
    "a long reason": (lambda form: {**form, "why": "a" * 301}, 422),
    "a reason of two lines": (lambda form: {**form, "why": "a\nb"}, 422),
    "a reason that turns the text": (lambda form: {**form, "why": "a\u202eb"}, 422),
    "a control character": (lambda form: {**form, "why": "a\x1b[31m"}, 422),
    "no token": (lambda form: {**form, "token": ""}, 409),
    "another's token": (lambda form: {**form, "token": FormTokens(b"other").make("small", "", Head())}, 409),
    "a token that is no ASCII": (lambda form: {**form, "token": "é"}, 409),
    "another head": (lambda form: {**form, "head": f"1:{'0' * 64}"}, 409),
    "no head": (lambda form: {**form, "head": "x"}, 409),
    "digits of another script": (lambda form: {**form, "head": "\u0663:" + form["head"].partition(":")[2]}, 409),
    "no form": (lambda form: b"{}", 409),
    "broken UTF-8": (lambda form: b"why=%ff&token=a", 422),
    "raw bytes": (lambda form: b"why=\xff", 422),
    "many fields": (lambda form: b"&".join(b"a=1" for _ in range(50)), 422),
    "a large form": (lambda form: {**form, "why": "a" * 9000}, 413),
}


def test_a_bad_form_moves_nothing(browse: Serve, home: Home, made: Any, enter: Enter) -> None:
    """Each is answered by a page, and the ledger stays as it was."""
    enter(made[1][1], "shadow")
    client = browse()
    good = {**read_form(client.get(URL).text), "why": "worse"}
    encoded = {"Content-Type": "application/x-www-form-urlencoded"}
    for case, (change, status) in BAD_FORMS.items():
        form = change(good)
        found = (
            client.post(POST, content=form, headers=encoded)
            if isinstance(form, bytes)
            else client.post(POST, data=form)
        )
        assert (case, found.status_code, found.headers["Content-Type"]) == (case, status, "text/html; charset=utf-8")
    assert client.post(POST, json=good).status_code == 422
    assert client.post(POST, files={"why": b"worse"}).status_code == 422
    assert len(Ledger(home).entries("small")) == 2


FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1:8008"},
    {"Origin": "https://evil.test"},
    {"Origin": "http://127.0.0.1:9999"},
    {"Host": "evil.test:8008", "Origin": "http://evil.test:8008", "Sec-Fetch-Site": "same-origin"},
    {"Host": "["},
    {"Host": ""},
]
OWN = [{"Sec-Fetch-Site": "same-origin", "Origin": "null"}, {"Origin": "http://127.0.0.1:8008"}, {"Origin": "null"}, {}]


def test_another_site_cannot_send_the_form(browse: Serve, home: Home, made: Any, enter: Enter) -> None:
    """Even with a good token; a name that another site points at this machine is none of ours. Our own page can."""
    enter(made[1][1], "shadow")
    client = browse()
    form = {**read_form(client.get(URL).text), "why": "worse"}
    assert [client.post(POST, data=form, headers=headers).status_code for headers in FOREIGN] == [403] * len(FOREIGN)
    assert client.get(URL, headers={"Host": "evil.test"}).status_code == 403
    assert len(Ledger(home).entries("small")) == 2
    found = [client.post(POST, data=form, headers=headers).status_code for headers in OWN]
    assert found == [303, 409, 409, 409]  # the first was taken, and the others saw an older ledger


def basic(password: str, user: str = "ann") -> dict[str, str]:
    """The header that a browser sends after it has asked for a password."""
    return {"Authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}


def test_with_keys_a_browser_is_asked_for_one(browse: Serve, home: Home, made: Any, enter: Enter) -> None:
    """The admin key is the password; the ledger names the key. Another's form, or another scope, is refused."""
    enter(made[1][1], "shadow")
    keys = Keys(home.keys)
    ops, other, reader = keys.add("ops", ("admin",)), keys.add("other", ("admin",)), keys.add("reader", ("classify",))
    client = browse()
    for headers in (
        {},
        basic("rk_wrong"),
        {"Authorization": "Basic %%%"},
        {"Authorization": "Basic"},
        basic(""),
        basic("é"),
    ):
        found = client.get(URL, headers=headers)
        assert (found.status_code, found.headers["WWW-Authenticate"]) == (401, 'Bearer realm="ratchet"')
        assert client.post(POST, headers=headers, data={}).status_code == 401
    assert client.get(URL, headers=basic(reader)).status_code == 403
    assert client.get(URL, headers={"Authorization": f"Bearer {ops}"}).status_code == 200
    form = {**read_form(client.get(URL, headers=basic(ops)).text), "why": "worse"}
    assert client.post(POST, data=form, headers=basic(other)).status_code == 409
    assert client.post(POST, data=form, headers=basic(ops)).status_code == 303
    assert Ledger(home).entries("small")[-1].actor == "key ops"
    assert "key ops" in client.get(URL, headers=basic(ops)).text


def test_an_unknown_name_is_404(browse: Serve) -> None:
    """T13: whatever comes in the path, there is none of that name."""
    client = browse()
    for name in ("..", "%2e%2e", "a/b", "small%00", "Small", "x" * 300, "none", "%0d%0aX: y", "%ff"):
        # the client itself makes "/" of two dots: the home page
        expected = {"..": 200, "a/b": 405}.get(name, 404)
        assert (name, client.get(f"/rollout/{name}").status_code) == (name, expected)
        assert client.post(f"/rollout/{name}/rollback", data={"why": "a"}).status_code in (404, 405)


def test_a_gateway_that_cannot_sign_shows_the_command(browse: Serve, home: Home, made: Any, enter: Enter) -> None:
    """Without the private key there is no button, and a form that was made before is answered with 503."""
    enter(made[1][1], "shadow")
    client = browse()
    form = {**read_form(client.get(URL).text), "why": "worse"}
    home.signing_key.rename(home.root / "elsewhere.pem")
    page = client.get(URL).text
    assert "<form" not in page
    assert 'ratchet rollback small --why "what went wrong"' in page.replace("&#34;", '"')
    found = client.post(POST, data=form)
    assert found.status_code == 503
    assert str(home.root) not in found.text
    assert len(Ledger(home).entries("small")) == 2


def test_a_ledger_that_cannot_be_written_is_said(browse: Serve, home: Home, made: Any, enter: Enter) -> None:
    """503 with the command for the machine itself, and the reason is not lost."""
    enter(made[1][1], "shadow")
    client = browse()
    form = {**read_form(client.get(URL).text), "why": "worse"}
    lock = home.classifier("small") / ".ledger.lock"
    lock.unlink()
    lock.mkdir()
    found = client.post(POST, data=form)
    assert found.status_code == 503
    assert "The ledger cannot be written here (Is a directory)" in found.text
    assert 'value="worse"' in found.text


def test_a_broken_ledger_is_said_and_never_500(browse: Serve, home: Home, made: Any, enter: Enter) -> None:
    """503 with the sentence, without the path of the home."""
    enter(made[1][1], "shadow")
    client = browse()
    form = {**read_form(client.get(URL).text), "why": "worse"}
    home.ledger("small").write_text('{"sequence": 1}\n')
    for found in (client.get(URL), client.post(POST, data=form)):
        assert found.status_code == 503
        assert "cannot be read" in found.text
        assert str(home.root) not in found.text


def test_a_broken_note_of_the_decision_costs_no_page(browse: Serve, home: Home, made: Any, enter: Enter) -> None:
    """`rollout.json` is expendable: without it the page shows what the ledger says."""
    enter(made[1][1], "shadow")
    client = browse()
    for content in ("[]", "{", '{"sequence": "x"}', "[" * 50_000, '{"sequence": 2, "at": 1}', "\x00"):
        home.rollout("small").write_text(content)
        found = client.get(URL)
        assert (found.status_code, read_state(found.text)) == (200, "Shadowing")


def test_what_the_gateway_does_otherwise_is_said(browse: Serve, home: Home, made: Any, enter: Enter) -> None:
    """The kill switch and a problem of the slot stand above the state."""
    enter(made[1][1], "shadow")
    kill_switch(home, "small", on=True)
    client = browse()
    assert "The kill switch is on." in client.get(URL).text
    home.flags.write_text("{")
    client.app.state.gateway.slots.follow()  # type: ignore[attr-defined] # as above
    page = client.get(URL).text
    assert "This gateway keeps what it serves." in page
    assert str(home.root) not in page


MUTANTS = {
    "any token": ("return hmac.compare_digest(token.encode(),", "return True or hmac.compare_digest(token.encode(),"),
    "any origin": ('if foreign if site is None else site != "same-origin":', "if origin is None:"),
}


@pytest.mark.parametrize("bug", MUTANTS)
def test_each_guard_of_the_form_is_needed(bug: str, home: Home, plant: Callable[..., ModuleType]) -> None:
    """Planted bugs: a guard that lets everything pass is told from the real one."""
    app = create_app(Settings(home=home.root, open=True))
    assert list_holes(gateway.routes.browser_auth, app) == []
    assert list_holes(plant(gateway.routes.browser_auth, *MUTANTS[bug]), app) == [bug]


def list_holes(module: Any, app: FastAPI) -> list[str]:
    """Which of `MUTANTS` the guards of `module` would let pass."""

    def ask(**headers: str) -> Request:
        listed = [(name.encode(), value.encode()) for name, value in headers.items()]
        return Request({"type": "http", "app": app, "headers": listed})

    def lets_pass(guard: Callable[..., object], *asked: object) -> bool:
        try:
            guard(*asked)
        except RequestError:
            return False
        return True

    found = {
        "any token": module.FormTokens(b"a").is_ours(FormTokens(b"b").make("small", "", Head()), "small", "", Head()),
        "any origin": lets_pass(module.need_own_page, ask(origin="https://evil.test", host="127.0.0.1")),
    }
    return [name for name, open_ in found.items() if open_]
