"""A frontier model is asked within its budget, tried again where that helps, and never trusted: over real HTTP on
loopback."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ratchet.core.errors import RatchetError
from ratchet.models.frontier.client import FrontierClient
from ratchet.testing.frontier_server import FrontierFault, LocalFrontier, serve_locally

pytestmark = pytest.mark.slow

TEXTS = [f"where is my parcel number {number}" for number in range(6)]
KEY = "sk-loopback-0123456789"


def test_answers_come_in_order_and_are_not_paid_twice(make_asker: Callable[..., FrontierClient]) -> None:
    """Each text once, several at a time; the second run asks nothing and gives the same figures at the same price."""
    with serve_locally(LocalFrontier(answer=lambda prompt: "2" if "number 3" in prompt else "1")) as server:
        first = make_asker(server, at_once=4).ask(TEXTS)
        assert [answer and answer.label for answer in first.answers] == [0, 0, 0, 1, 0, 0]
        assert all(
            answer and answer.probabilities and sum(answer.probabilities) == pytest.approx(1)
            for answer in first.answers
        )
        assert len(server.requests) == 6
        assert first.spent == pytest.approx((server.tokens_in * 1.0 + server.tokens_out * 2.0) / 1e6)
        again = make_asker(server, at_once=4).ask(TEXTS)
        assert (again.answers, again.remembered, again.spent) == (first.answers, 6, pytest.approx(first.spent))
        assert len(server.requests) == 6
        make_asker(server, max_answer_tokens=9).ask(TEXTS[:1])
        assert len(server.requests) == 7, "another question is another answer"


def test_personal_data_never_leaves_the_machine(make_asker: Callable[..., FrontierClient]) -> None:
    """What is sent holds placeholders, as the training texts do."""
    with serve_locally(LocalFrontier()) as server:
        make_asker(server).ask(["write to jane.doe@example.com about it"])
    assert "[EMAIL]" in str(server.requests)
    assert "jane" not in str(server.requests)


def test_the_key_is_sent_and_kept_nowhere(make_asker: Callable[..., FrontierClient], tmp_path: Path) -> None:
    """Neither in the memory nor in what is said of an endpoint that repeats it."""
    with serve_locally(LocalFrontier(faults=lambda number: "401" if number else "")) as server:
        found = make_asker(server, KEY).ask(TEXTS[:3])
    assert server.keys == [f"Bearer {KEY}"] * 2
    assert "HTTP 401" in found.sentence
    assert all(KEY not in path.read_text() and KEY not in path.name for path in tmp_path.rglob("*") if path.is_file())
    assert KEY not in repr(found)


def test_without_a_key_nobody_else_is_asked(make_asker: Callable[..., FrontierClient]) -> None:
    """It says which variable is missing; no connection is tried."""
    remote = LocalFrontier(base_url="https://frontier.invalid/v1")
    found = make_asker(remote).ask(TEXTS)
    assert found.sentence == "The frontier model was not asked: the environment has no usable RATCHET_FRONTIER_KEY."
    assert found.answers == (None,) * 6


@pytest.mark.parametrize("fault", ["429", "500", "cut_off", "slow", "drip"])
def test_what_passes_is_tried_again(
    fault: FrontierFault, make_asker: Callable[..., FrontierClient], waits: list[float]
) -> None:
    """The text is answered by the next attempt, after a pause: the one that Retry-After names, else one that grows."""
    with serve_locally(LocalFrontier(faults=lambda number: fault if number < 2 else "", slow_s=0.6)) as server:
        found = make_asker(server, timeout_s=0.3).ask(TEXTS[:1])
    assert [answer and answer.label for answer in found.answers] == [0], found.sentence
    assert len(server.requests) == 3
    if fault == "429":
        assert waits == [0.0, 0.0]
    else:
        assert 0.5 <= waits[0] <= 0.75
        assert 1.0 <= waits[1] <= 1.5


@pytest.mark.parametrize(
    ("fault", "requests", "said"),
    [
        ("500", 6, "the endpoint gave no answer: HTTP 500, 2 times"),
        (
            "400",
            1,
            ': try limit_name = "max_tokens", fixed_temperature = false, log_probabilities = false,'
            " one after the other",
        ),
        (
            "401",
            1,
            ("gave no answer: HTTP 401. Check the key in RATCHET_FRONTIER_KEY, and that it may use model = 'large'."),
        ),
        ("402", 1, "HTTP 402. Check the account of the key in RATCHET_FRONTIER_KEY"),
        ("403", 1, "HTTP 403. Check the key in RATCHET_FRONTIER_KEY"),
        ("404", 1, "HTTP 404. Check model = 'large' and base_url = 'http://127.0.0.1"),
        ("429", 6, "HTTP 429, 2 times. Check the quota of the account"),
        ("slow", 6, "time-out, 2 times. Raise timeout_s, now 0.2"),
        ("redirect", 1, "HTTP 307. Redirects are not followed: set base_url to the address that it redirects to."),
        ("429_for_an_hour", 1, "HTTP 429, with Retry-After 3600 s. Check the quota"),
        ("too_many_tokens", 1, "it wrote 5000 tokens where max_completion_tokens allowed 8"),
        ("too_much_counted", 1, "tokens of a question that can have "),
    ],
)
def test_what_does_not_pass_stops_it(
    fault: FrontierFault, requests: int, said: str, make_asker: Callable[..., FrontierClient]
) -> None:
    """Three texts in a row without an answer, or one refusal that every other would meet: then nothing more is
    asked."""
    with serve_locally(LocalFrontier(faults=lambda number: fault, slow_s=0.3)) as server:
        found = make_asker(server, retries=1, timeout_s=0.2 if fault == "slow" else 5.0).ask(TEXTS)
    assert len(server.requests) == requests
    assert said in found.sentence
    assert found.answers == (None,) * 6


def test_a_model_that_thinks_first_is_not_asked_for_long(make_asker: Callable[..., FrontierClient]) -> None:
    """Five answers in a row without a word end it, also those of an earlier run; one between others only counts as
    unusable."""
    with serve_locally(LocalFrontier(faults=lambda number: "cut_short")) as server:
        found = make_asker(server).ask([*TEXTS, *TEXTS])
        assert len(server.requests) == 5
        assert (
            "stopped early: 5 answers in a row were cut short. Raise frontier.max_answer_tokens, now 8"
            in found.sentence
        )
        again = make_asker(server).ask([*TEXTS, *TEXTS])
        assert (len(server.requests), again.answers.count(None)) == (5, 2)
    with serve_locally(LocalFrontier(faults=lambda number: "cut_short" if number % 5 else "")) as server:
        found = make_asker(server, max_answer_tokens=9).ask([f"{text} again" for text in (*TEXTS, *TEXTS)])
    assert None not in found.answers
    assert "stopped early" not in found.sentence
    assert "Raise frontier.max_answer_tokens, now 9" in found.sentence


@pytest.mark.parametrize(
    ("fault", "settings"),
    [
        ("slow", {"timeout_s": 600, "retries": 10}),
        ("drip", {"timeout_s": 600, "retries": 10}),
        ("drip_headers", {"timeout_s": 600, "retries": 10}),
        ("500", {"retries": 10, "at_once": 4}),
    ],
)
def test_the_time_for_all_questions_holds_for_one(
    fault: FrontierFault, settings: dict[str, float], make_asker: Callable[..., FrontierClient]
) -> None:
    """Neither an attempt nor a pause goes on for longer, whatever one attempt may take."""
    started = time.monotonic()
    with serve_locally(LocalFrontier(faults=lambda number: fault, slow_s=1.6)) as server:
        found = make_asker(server, longest_s=1.0, **settings).ask(TEXTS)
        took_s = time.monotonic() - started
    assert took_s < 2.0
    assert "stopped early: 1 s (frontier.longest_s) have passed" in found.sentence
    assert found.answers == (None,) * 6


@pytest.mark.parametrize(
    "variable", [("ALL_PROXY", "socks5://user:secret@127.0.0.1:9"), ("SSL_CERT_FILE", "/nowhere.pem")]
)
def test_an_environment_that_cannot_be_used_is_one_sentence(
    make_asker: Callable[..., FrontierClient], monkeypatch: pytest.MonkeyPatch, variable: tuple[str, str]
) -> None:
    """With the cure, and without what the variable holds: a proxy's address may hold a password."""
    monkeypatch.setenv(*variable)
    with pytest.raises(RatchetError, match="proxy or the certificates") as caught:
        make_asker(LocalFrontier(base_url="https://frontier.invalid/v1"), KEY).ask(TEXTS)
    assert variable[0] in caught.value.hint
    assert variable[1] not in str(caught.value)


def test_whoever_interrupts_is_not_kept(make_asker: Callable[..., FrontierClient]) -> None:
    """What waits for its turn is not asked any more; what was answered is kept."""

    def watch(done: int) -> None:
        raise KeyboardInterrupt

    with serve_locally(LocalFrontier(slow_s=0.05, faults=lambda number: "slow")) as server:
        with pytest.raises(KeyboardInterrupt):
            make_asker(server).ask(TEXTS, watch)
        assert 1 <= len(server.requests) < len(TEXTS)
        told: list[int] = []
        assert make_asker(server).ask(TEXTS, told.append).remembered >= 1
    assert told[-1] == len(TEXTS)


def test_nobody_there_is_said_and_over_at_once(make_asker: Callable[..., FrontierClient]) -> None:
    """A partition costs a cycle no answer but the frontier's."""
    started = time.monotonic()
    found = make_asker(LocalFrontier(base_url="http://127.0.0.1:9/v1"), retries=1).ask(TEXTS)
    assert "no connection, 2 times" in found.sentence
    assert found.spent == 0
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("fault", "flaw", "kept"),
    [
        ("refusal", "refusal", True),
        ("chatter", "no_code", True),
        ("unknown_code", "no_code", True),
        ("wrong_shape", "no_code", True),
        ("no_json", "bad_json", False),
        ("ten_megabytes", "too_large", False),
    ],
)
def test_unusable_answers_are_counted_and_never_guessed_at(
    fault: FrontierFault, flaw: str, kept: bool, make_asker: Callable[..., FrontierClient]
) -> None:
    """They are not tried again in this run; what the model itself said is remembered, what the way did to it is not."""
    with serve_locally(LocalFrontier(faults=lambda number: fault if number == 0 else "")) as server:
        found = make_asker(server).ask(TEXTS[:3])
        assert [answer and (answer.label, answer.flaw) for answer in found.answers] == [(None, flaw), (0, ""), (0, "")]
        assert f"; 1 could not be used ({flaw} 1)" in found.sentence
        assert make_asker(server).ask(TEXTS[:3]).remembered == (3 if kept else 2)


@pytest.mark.parametrize(
    "faults", [lambda number: "", lambda number: "500" if number % 2 else "", lambda number: "no_usage"]
)
def test_the_budget_is_never_exceeded(
    faults: Callable[[int], FrontierFault], make_asker: Callable[..., FrontierClient]
) -> None:
    """Whatever fails, what is spent and set aside stays under the cap, over several runs; what could cost more is not
    asked."""
    budget = 0.0011
    for _ in range(3):
        with serve_locally(LocalFrontier(faults=faults)) as server:
            found = make_asker(server, at_once=4, budget=budget).ask([f"{text} {'again' * 20}" for text in TEXTS])
        assert found.spent <= budget
        assert (server.tokens_in + 2 * server.tokens_out) / 1e6 <= budget
        assert None in found.answers
        assert "the next question could have exceeded the budget of 0.0011" in found.sentence


def test_money_that_a_kill_left_set_aside_stays_spent(make_asker: Callable[..., FrontierClient]) -> None:
    """Nobody knows whether the endpoint counted that attempt, so the cap counts it."""
    with serve_locally(LocalFrontier()) as server:
        asker = make_asker(server, budget=0.001)
        asker.log.write("an attempt that was never settled", 0.00099)
        found = asker.ask(TEXTS)
    assert server.requests == []
    assert found.spent == pytest.approx(0.00099)


def test_log_probabilities_that_lie_or_lack_leave_no_confidence(make_asker: Callable[..., FrontierClient]) -> None:
    """The label stands."""
    with serve_locally(LocalFrontier(faults=lambda number: "no_logprobs" if number else "false_logprobs")) as server:
        found = make_asker(server).ask(TEXTS[:2])
    assert [answer and (answer.label, answer.probabilities) for answer in found.answers] == [(0, None), (0, None)]
