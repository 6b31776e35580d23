"""Any OpenFeature provider may decide in the flag file's place; whatever it does, only vouched-for adapters answer."""

import threading
import time
from collections.abc import Callable, Iterator
from types import ModuleType

import pytest
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import FlagEvaluationDetails, FlagResolutionDetails, Reason
from openfeature.provider.in_memory_provider import InMemoryFlag, InMemoryProvider
from starlette.testclient import TestClient

from gateway.flags import bounded_calls as aside
from gateway.flags import evaluation as evaluating
from gateway.flags.evaluation import FlagEvaluation, find_factory, resolve_slot
from gateway.serving.slots import Slots
from ratchet.core.errors import RatchetError
from ratchet.rollout.flag import Rollout
from ratchet.storage.home import Home
from ratchet.workflows.rollout.reconcile import kill_switch
from ratchet.workflows.rollout.rollback import roll_back

pytestmark = pytest.mark.slow

Made = tuple[Home, list[str]]
Enter = Callable[..., None]
Asked = Callable[..., tuple[Slots, list[FlagEvaluation]]]
NAMED: dict[str, str] = {}
"""What `name_adapter` answers, by flag."""


def deciding(answer: object, **said: object) -> InMemoryProvider:
    """OpenFeature's own provider in memory, whose flag `small` has one value for everyone."""
    return InMemoryProvider({"small": InMemoryFlag("only", {"only": answer}, **said)})  # type: ignore[arg-type] # faults too


@pytest.fixture
def asked(home: Home, made: Made, enter: Enter) -> Iterator[Asked]:
    """Slots with the first adapter live and the second one a candidate, by the file of 1 %; and what they heard.

    With a `percent` of 0 it only shadows.
    """
    started: list[Slots] = []
    enter(made[1][1], "shadow")

    def start(
        provider: InMemoryProvider, timeout_s: float = 60, percent: int = 1
    ) -> tuple[Slots, list[FlagEvaluation]]:
        heard: list[FlagEvaluation] = []
        if percent:
            enter(made[1][1], "step", percent)
        started.append(Slots(home, factory=lambda: provider, timeout_s=timeout_s, observers=[heard.append]))
        started[-1].follow()
        assert started[-1].problems == {}
        started[-1].start()
        return started[-1], heard

    yield start
    for slots in started:
        slots.stop()


def test_another_provider_decides_who_gets_the_candidate(asked: Asked, made: Made) -> None:
    """By the targeting key that the gateway gives it, although the file gives either the other one."""
    first, second = made[1]

    def decide(flag: InMemoryFlag[str], context: EvaluationContext) -> FlagResolutionDetails[str]:
        variant = "new" if context.targeting_key == "dan" else "old"
        return FlagResolutionDetails(flag.variants[variant], variant=variant, reason=Reason.TARGETING_MATCH)

    slots, heard = asked(
        InMemoryProvider({"small": InMemoryFlag("old", {"old": first, "new": second}, context_evaluator=decide)}),
        percent=50,
    )
    keys = ("ada", "dan")
    by_file = Slots(slots.home)
    by_file.follow()
    assert [by_file.choose("small", key).slot for key in keys] == ["candidate", "live"]
    assert [(slots.choose("small", key).slot, slots.choose("small", key).digest) for key in keys] == [
        ("live", first),
        ("candidate", second),
    ]
    assert {(each.provider, each.fallback) for each in heard} == {("In-Memory Provider", "")}


def raising(flag: InMemoryFlag[str], context: EvaluationContext) -> FlagResolutionDetails[str]:
    """As a provider with a bug does."""
    raise RuntimeError(f"no rule for {context.targeting_key}")


def failing(flag: InMemoryFlag[str], context: EvaluationContext) -> FlagResolutionDetails[str]:
    """As a provider whose service is away does."""
    return FlagResolutionDetails("x", error_code=ErrorCode.PARSE_ERROR, error_message="bad rules", reason=Reason.ERROR)


@pytest.mark.parametrize(
    ("provider", "fallback"),
    [
        (deciding("f" * 64), "unknown_adapter"),
        (deciding("candidate"), "unknown_adapter"),
        (deciding("../../etc/passwd"), "unknown_adapter"),
        (deciding(""), "unknown_adapter"),
        (deciding(1), "type_mismatch"),
        (deciding(None), "type_mismatch"),
        (deciding({"digest": "f" * 64}), "type_mismatch"),
        (deciding("", context_evaluator=raising), "general"),
        (deciding("", context_evaluator=failing), "parse_error"),
        (InMemoryProvider({}), "flag_not_found"),
    ],
)
def test_whatever_a_provider_says_only_a_vouched_adapter_answers(
    asked: Asked,
    made: Made,
    caplog: pytest.LogCaptureFixture,
    provider: InMemoryProvider,
    fallback: str,
) -> None:
    """Live does instead, though the file has the candidate answer 99 %; all is heard, and logged once, without the
    user."""
    slots, heard = asked(provider, percent=99)
    chosen = [slots.choose("small", f"secret-user-{n}") for n in range(50)]
    assert {(choice.slot, choice.digest) for choice in chosen} == {("live", made[1][0])}
    assert [each.fallback for each in heard] == [fallback] * 50
    assert sum(f"no usable answer ({fallback})" in message for message in caplog.messages) == 1
    assert len(caplog.records) <= 2
    assert "secret-user" not in caplog.text


def test_a_provider_that_is_not_there_is_live_for_everyone(asked: Asked, home: Home, made: Made, enter: Enter) -> None:
    """A factory that fails, or a provider that never becomes ready, does not bring the file's rules back."""

    class Unready(InMemoryProvider):
        def initialize(self, evaluation_context: EvaluationContext) -> None:
            raise ConnectionError("no service")

    def broken() -> InMemoryProvider:
        raise ConnectionError("no service")

    slots, heard = asked(Unready({}))
    enter(made[1][1], "step", 99)
    slots.follow()
    assert slots["small"].rollout.percent == 99
    assert slots.choose("small", "u1").slot == "live"
    other = Slots(home, factory=broken, observers=[heard.append])
    other.follow()
    other.start()
    assert other.choose("small", "u1").slot == "live"
    other.stop()
    assert [each.fallback for each in heard] == ["flag_not_found", "provider_not_ready"]


def test_a_provider_that_hangs_is_waited_for_once(asked: Asked, made: Made) -> None:
    """The first request waits its moment, the others not at all; and when the provider comes back it decides again."""
    go, done = threading.Event(), threading.Event()

    def decide(flag: InMemoryFlag[str], context: EvaluationContext) -> FlagResolutionDetails[str]:
        if context.targeting_key == "slow":
            assert go.wait(60)
            done.set()
        return FlagResolutionDetails(made[1][1], variant="new")

    slots, heard = asked(deciding("", context_evaluator=decide), timeout_s=1, percent=99)
    end = time.monotonic() + 60
    assert slots.choose("small", "u1").slot == "candidate"
    assert [slots.choose("small", key).slot for key in ("slow", *("u2",) * 1000)] == ["live"] * 1001
    assert {each.fallback for each in heard[1:]} == {"timeout"}
    go.set()
    assert done.wait(60)
    while slots.choose("small", "u3").slot == "live":  # until its late answer has come back
        assert time.monotonic() < end


def test_the_files_kill_switch_wins_over_any_provider(asked: Asked, home: Home, made: Made) -> None:
    """Whoever writes it sends everyone to live at the next look."""
    slots, _ = asked(deciding(made[1][1]))
    assert slots.choose("small", "u1").digest == made[1][1]
    kill_switch(home, "small", on=True)
    slots.follow()
    assert slots.choose("small", "u1").digest == made[1][0]


def test_a_shadow_never_answers(asked: Asked, made: Made, enter: Enter) -> None:
    """An adapter that is only to be compared, before its first step or after it was live, is none that a provider may
    choose."""
    first, second = made[1]
    slots, heard = asked(deciding(second), percent=0)
    assert (slots.choose("small", "u1").digest, heard[-1].fallback) == (first, "unknown_adapter")
    slots, heard = asked(deciding(first), percent=0)
    enter(second)
    slots.follow()
    assert slots["small"].rollout.adapters == {"live": second, "shadow": first}
    assert (slots.choose("small", "u1").digest, heard[-1].fallback) == (second, "unknown_adapter")


def test_a_gateway_that_believes_any_digest_is_noticed(plant: Callable[..., ModuleType]) -> None:
    """The mutant gives the candidate's traffic to whatever was named; another one forgets the kill switch."""
    a, b, c = ("a" * 64, "b" * 64, "c" * 64)
    rollout, killed = Rollout(a, b, 50), Rollout(a, b, 50, killed=True)
    asked = [(rollout, a), (rollout, b), (rollout, c), (killed, b), (rollout, "")]
    slots = [resolve_slot(FlagEvaluationDetails("small", answer), each)[0] for each, answer in asked]
    assert slots == ["live", "candidate", "live", "live", "live"]
    trusting = plant(
        evaluating, "if details.value == rollout.candidate else (LIVE, UNKNOWN)", "if True else (LIVE, UNKNOWN)"
    )
    assert trusting.resolve_slot(FlagEvaluationDetails("small", c), rollout)[0] == "candidate"
    forgetful = plant(evaluating, "rollout.killed or ")
    assert forgetful.resolve_slot(FlagEvaluationDetails("small", b), killed)[0] == "candidate"


def test_a_caller_that_waits_for_a_hanging_call_every_time_is_noticed(plant: Callable[..., ModuleType]) -> None:
    """The mutant lines its calls up behind the one that hangs."""

    def waits(module: ModuleType) -> int:
        caller, go, made = module.BoundedCaller(), threading.Event(), []
        with pytest.raises(TimeoutError):
            caller.run(lambda: go.wait(60), 0.01)
        for n in range(3):
            with pytest.raises(TimeoutError):
                caller.run(lambda n=n: made.append(n), 0.01)
        go.set()
        caller.close()
        caller.thread.join()
        return len(made)

    assert (waits(aside), waits(plant(aside, "self._late is not None and not self._late.done()", "False"))) == (0, 3)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no_such_package.flags:make", "No module named"),
        ("gateway.flags.evaluation:make_tea", "has no attribute"),
        ("gateway.flags.evaluation:TIMEOUT", "TIMEOUT is str"),
        (".:make", "cannot be used"),
    ],
)
def test_a_provider_that_cannot_be_found_is_one_sentence(name: str, said: str) -> None:
    """At the start, with the setting to change."""
    with pytest.raises(RatchetError, match=said) as found:
        find_factory(name)
    assert "RATCHET_GATEWAY_FLAG_PROVIDER" in found.value.hint


def name_adapter() -> InMemoryProvider:
    """A provider as an operator's module makes it: named in a setting, called without arguments."""
    return deciding(NAMED["small"])


def test_the_provider_of_the_setting_decides(
    serve: Callable[..., TestClient], home: Home, made: Made, enter: Enter
) -> None:
    """Over HTTP, from the setting's name to the answer; an answer that cannot hold is counted."""
    enter(made[1][1], "shadow")
    enter(made[1][1], "step", 1)
    NAMED["small"] = made[1][1]
    client = serve(flag_provider=f"{__name__}:name_adapter", flag_timeout_s=5)
    answer = client.post("/v1/classifiers/small", json={"text": "money back please"}).json()
    assert (answer["slot"], answer["adapter"]) == ("candidate", made[1][1])
    roll_back(home, "small", "test")
    client.app.state.gateway.slots.follow()  # type: ignore[attr-defined] # Starlette's client knows no more than ASGI
    answer = client.post("/v1/classifiers/small", json={"text": "money back please"}).json()
    assert (answer["slot"], answer["adapter"]) == ("live", made[1][0])
    counted = 'ratchet_flag_fallbacks_total{cause="unknown_adapter",classifier="small"} 1.0'
    assert counted in client.get("/metrics").text
