"""The flag file as an OpenFeature provider: users stay in their bucket, and the file is what flagd's schema asks
for."""

import itertools
import json
import threading
from collections.abc import Callable
from math import sqrt
from types import ModuleType
from typing import Any

import pytest
from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import EventDetails, ProviderEvent
from openfeature.flag_evaluation import Reason

from gateway.flags import file_provider
from gateway.flags.file_provider import FileProvider
from gateway.serving import slots as slots_module
from gateway.serving.slots import Slots
from ratchet.rollout import bucketing
from ratchet.rollout.bucketing import gets_candidate
from ratchet.rollout.flag import Rollout
from ratchet.storage.home import Home
from ratchet.workflows.rollout.reconcile import kill_switch, reconcile

Made = tuple[Home, list[str]]
Publish = Callable[[int], None]
Enter = Callable[..., None]
Plant = Callable[..., ModuleType]
KEYS = [f"user-{n}" for n in range(10_000)]


@pytest.fixture
def publish(made: Made, enter: Enter) -> Publish:
    """Let the second adapter, which shadows, climb to a share of users."""
    enter(made[1][1], "shadow")

    def step(percent: int) -> None:
        enter(made[1][1], "step", percent)

    return step


def test_users_stay_in_their_bucket_while_the_share_grows(home: Home, publish: Publish) -> None:
    """Of 10,000 keys the share is met within four standard errors at each step, and nobody leaves the candidate."""
    slots, steps = Slots(home), []
    for percent in (5, 25, 50):
        publish(percent)
        slots.follow()
        steps.append({key for key in KEYS if slots.choose("small", key).slot == "candidate"})
        share = percent / 100
        assert len(steps[-1]) / len(KEYS) == pytest.approx(share, abs=4 * sqrt(share * (1 - share) / len(KEYS)))
    assert all(before < after for before, after in itertools.pairwise(steps))
    again = Slots(home)
    again.follow()
    assert {key for key in KEYS[:1000] if again.choose("small", key).slot == "candidate"} == steps[-1] & set(
        KEYS[:1000]
    )


def test_a_rollout_that_moves_users_about_is_noticed(home: Home, plant: Plant) -> None:
    """The mutant counts the shares from the other end at the second step, which takes the candidate from users who had
    it."""
    lax = plant(
        bucketing, ">> 32 >= 100 - percent", ">> 32 in (range(100 - percent, 100) if percent < 20 else range(percent))"
    )
    mutant = plant(file_provider, "from ratchet.rollout.bucketing import", f"from {lax.__name__} import")

    def moved(module: ModuleType) -> int:
        provider, had = module.FileProvider(home), set[str]()
        lost = 0
        for percent in (5, 25):
            provider.adopt({"small": (Rollout("a" * 64, "b" * 64, percent), 1)})
            asked = {
                key: provider.resolve_string_details("small", "", EvaluationContext(key)).variant for key in KEYS[:1000]
            }
            has = {key for key, variant in asked.items() if variant == "candidate"}
            lost, had = lost + len(had - has), has
        return lost

    assert (moved(file_provider), moved(mutant) > 0) == (0, True)


def test_an_upgrade_moves_nobody(home: Home, made: Made, enter: Enter) -> None:
    """A rollout that began before rollouts named their hashing goes on as it was, step by step; its flag then names it,
    and the next rollout has the hashing that other languages share."""
    candidate = made[1][1]

    def place(slots: Slots) -> dict[str, str]:
        slots.follow()
        assert slots.problems == {}
        return {key: slots.choose("small", key).slot for key in KEYS[:300]}

    def expected(name: str, percent: int) -> dict[str, str]:
        return {key: "candidate" if gets_candidate(name, "small", key, percent) else "live" for key in KEYS[:300]}

    enter(candidate, "shadow", bucketing="")
    enter(candidate, "step", 25)
    document = json.loads(home.flags.read_bytes())
    for metadata in (document["metadata"], document["flags"]["small"]["metadata"]):
        del metadata["bucketing"]
    home.flags.write_text(json.dumps(document))
    assert "bucketing" not in home.ledger("small").read_text()

    slots = Slots(home)
    assert place(slots) == expected("fractional-v3", 25)
    reconcile(home, "small")
    document = json.loads(home.flags.read_bytes())
    assert document["flags"]["small"]["metadata"]["bucketing"] == "fractional-v3"
    assert place(slots) == expected("fractional-v3", 25)
    enter(candidate, "step", 50)
    assert place(slots) == expected("fractional-v3", 50)
    enter(made[1][0], "expire", gone=candidate)
    enter(candidate, "shadow")
    enter(candidate, "step", 50)
    assert place(slots) == expected("fractional-v2", 50) != expected("fractional-v3", 50)
    document = json.loads(home.flags.read_bytes())
    assert document["metadata"]["bucketing"] == "fractional-v2"
    assert document["flags"]["small"]["metadata"]["bucketing"] == "fractional-v2"
    assert '"bucketing": "fractional-v2"' in home.ledger("small").read_text()


def test_a_flag_that_names_another_hashing_is_ignored(home: Home, publish: Publish) -> None:
    """Whoever edits the file moves nobody: the signed ledger names the hashing of its rollout."""
    publish(25)
    slots = Slots(home)
    slots.follow()
    before = {key: slots.choose("small", key).slot for key in KEYS[:100]}
    document = json.loads(home.flags.read_bytes())
    document["flags"]["small"]["metadata"]["bucketing"] = "fractional-v3"
    home.flags.write_text(json.dumps(document))
    slots.follow()
    assert "small" in slots.problems
    assert {key: slots.choose("small", key).slot for key in KEYS[:100]} == before


def test_it_is_a_provider_for_any_openfeature_client(home: Home, made: Made, publish: Publish) -> None:
    """With variant, reason, flag set and version; changes are told as events; another type and an unknown flag are
    errors."""
    provider, changes, told = FileProvider(home), list[list[str] | None](), threading.Event()
    api.set_provider_and_wait(provider, "test-any-client")
    client = api.get_client("test-any-client")

    def tell(details: EventDetails) -> None:
        changes.append(details.flags_changed)
        told.set()

    client.add_handler(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED, tell)
    publish(99)
    found = provider.read()
    provider.adopt({name: (rollout, found.generation) for name, rollout in found.rollouts.items()})
    assert told.wait(60)
    assert changes == [["small"]]
    said = client.get_string_details("small", "none", EvaluationContext("u1"))
    assert (said.value, said.variant, said.reason) == (made[1][1], "candidate", Reason.TARGETING_MATCH)
    assert (said.flag_metadata["flagSetId"], said.flag_metadata["version"]) == ("ratchet", str(found.generation))
    assert client.get_string_details("other", "none").error_code == "FLAG_NOT_FOUND"
    wrong = [
        client.get_boolean_details("small", True),
        client.get_integer_details("small", 1),
        client.get_float_details("small", 1.0),
        client.get_object_details("small", {}),
    ]
    assert [each.error_code for each in wrong] == ["TYPE_MISMATCH"] * 4


def test_a_disabled_flag_is_a_successful_evaluation_of_the_default(home: Home, publish: Publish) -> None:
    """As flagd has it: so the default that the gateway gives is the live adapter."""
    publish(99)
    kill_switch(home, "small", on=True)
    slots, heard = Slots(home), []
    slots.observers = [heard.append]
    slots.follow()
    assert slots.choose("small", "u1").slot == "live"
    assert [(each.details.reason, each.fallback) for each in heard] == [(Reason.DISABLED, "")]


def test_a_kill_switch_that_gives_another_default_is_noticed(
    home: Home, made: Made, publish: Publish, plant: Plant
) -> None:
    """The mutant's default is no adapter, and only the look at the rollout itself keeps live answering."""
    publish(99)
    kill_switch(home, "small", on=True)
    mutant = plant(
        slots_module, "self._evaluator.ask(name, served.rollout.live, key)", 'self._evaluator.ask(name, "", key)'
    )
    slots, heard = mutant.Slots(home), []
    slots.observers = [heard.append]
    slots.follow()
    assert slots.choose("small", "u1").digest == made[1][0]
    assert heard[0].details.value == ""


def faults_of_flagd_file(document: Any) -> list[str]:
    """What flagd's documented schema (v0, draft-07) would refuse: required keys, and the types that it allows."""
    faults = [] if document.get("$schema") == "https://flagd.dev/schema/v0/flags.json" else ["$schema"]
    metadata = [("metadata", document.get("metadata", {}))]
    if not isinstance(document.get("flags"), dict):
        return [*faults, "flags"]
    for key, flag in document["flags"].items():
        faults += [f"{key}: name"] if not key else []
        faults += [f"{key}: state"] if flag.get("state") not in ("ENABLED", "DISABLED") else []
        faults += (
            [f"{key}: variants"]
            if not flag.get("variants") or {str} != {type(each) for each in flag["variants"].values()}
            else []
        )
        faults += [f"{key}: defaultVariant"] if flag.get("defaultVariant") not in flag.get("variants", {}) else []
        faults += [f"{key}: targeting"] if not isinstance(flag.get("targeting", {}), dict) else []
        shares = flag.get("targeting", {}).get("fractional", [])
        faults += [
            f"{key}: {share}" for share in shares if share[0] not in flag["variants"] or type(share[1]) is not int
        ]
        faults += [
            f"{key}: {name}" for name in flag.keys() - {"state", "variants", "defaultVariant", "targeting", "metadata"}
        ]
        metadata.append((f"{key}: metadata", flag.get("metadata", {})))
    for where, said in metadata:
        faults += [f"{where}.{name}" for name, value in said.items() if not isinstance(value, str | int | float)]
        faults += [f"{where}.{name}" for name in ("flagSetId", "version") if not isinstance(said.get(name, ""), str)]
    return faults


@pytest.mark.parametrize(
    ("moves", "killed", "shadow"),
    [
        ([], False, None),
        ([("shadow", 0)], False, 1),
        ([("shadow", 0), ("step", 25)], False, 1),
        ([("shadow", 0), ("step", 50)], True, 1),
        ([("promote", 0)], False, 0),
    ],
    ids=["live alone", "shadowed", "a quarter", "killed", "watched by the former live"],
)
@pytest.mark.feature(35)
def test_the_file_is_what_flagds_schema_asks_for(
    home: Home, made: Made, enter: Enter, moves: list[tuple[str, int]], killed: bool, shadow: int | None
) -> None:
    """So that flagd itself, or any editor that knows the schema, can read it, wherever a rollout stands."""
    for action, percent in moves:
        enter(made[1][1], action, percent)
    if killed:
        kill_switch(home, "small", on=True)
    document = json.loads(home.flags.read_bytes())
    assert faults_of_flagd_file(document) == []
    generation = 1 + len(moves) + killed
    assert document["metadata"] == {
        "flagSetId": "ratchet", "version": str(generation), "generation": generation, "bucketing": "fractional-v2",
    }  # fmt: skip
    flag = document["flags"]["small"]
    assert flag["metadata"].get("shadow") == (None if shadow is None else made[1][shadow])
    assert ("targeting" in flag, flag["state"]) == (("step" in dict(moves)), "DISABLED" if killed else "ENABLED")


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        (("$schema",), None, "$schema"),
        (("metadata", "version"), 3, "metadata.version"),
        (("metadata", "nested"), {}, "metadata.nested"),
        (("flags", "small", "state"), "ON", "small: state"),
        (("flags", "small", "variants"), {}, "small: variants"),
        (("flags", "small", "percent"), 5, "small: percent"),
    ],
)
def test_a_file_that_flagds_schema_refuses_is_noticed(
    home: Home, path: tuple[str, ...], value: Any, fault: str
) -> None:
    """The check above has teeth."""
    document = json.loads(home.flags.read_bytes())
    place = document
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    assert fault in faults_of_flagd_file(document)
