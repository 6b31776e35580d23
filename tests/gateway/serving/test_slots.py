"""What serves follows the flag file, and only what the ledger promoted and the disk still holds ever answers."""

import shutil
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from gateway.serving.slots import Slots
from ratchet.rollout.flag import Rollout
from ratchet.rollout.sealed_policy import policy_of
from ratchet.storage.home import Home
from ratchet.storage.rollout.flag_file import Flags
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.specs import Specs
from ratchet.testing.homes import keep_receipts
from ratchet.workflows.rollout.reconcile import kill_switch, record

Serve = Callable[..., TestClient]
Enter = Callable[..., None]
SAID = {"ts": "2026-01-05T10:00:00+00:00", "actor": "test", "why": "test", "week": "2026-01-05"}


@pytest.fixture
def slots(home: Home) -> Slots:
    """The slots of the home, as they are after a first look."""
    found = Slots(home)
    found.follow()
    assert found.problems == {}
    return found


def publish(home: Home, rollout: Rollout) -> None:
    """Write a flag as a promoter does: it follows from the newest entry of the ledger."""
    Flags(home).publish("small", replace(rollout, head=Ledger(home).head("small")), seen=Flags(home).read().generation)


def test_a_promotion_is_taken_over(slots: Slots, home: Home, made: tuple[Home, list[str]], enter: Enter) -> None:
    """The next look serves the new digest."""
    enter(made[1][1])
    slots.follow()
    assert slots.choose("small", "u1").digest == made[1][1]


def test_a_share_of_users_gets_the_candidate(
    slots: Slots, home: Home, made: tuple[Home, list[str]], enter: Enter
) -> None:
    """About the share, always the same ones, by their own adapter; the kill switch takes it from all of them."""
    first, second = made[1]
    enter(second, "shadow")
    enter(second, "step", 25)
    slots.follow()
    chosen = [slots.choose("small", f"u{n}") for n in range(1000)]
    assert sum(choice.slot == "candidate" for choice in chosen) / 1000 == pytest.approx(0.25, abs=0.05)
    assert {(choice.slot, choice.digest) for choice in chosen} == {("live", first), ("candidate", second)}
    kill_switch(home, "small", on=True)
    slots.follow()
    assert {slots.choose("small", f"u{n}").digest for n in range(1000)} == {first}


def test_an_adapter_that_changed_on_disk_never_serves(
    slots: Slots, home: Home, made: tuple[Home, list[str]], enter: Enter
) -> None:
    """F11: the slot keeps what it had, and says why."""
    first, second = made[1]
    path = next((home.adapters("small") / second).glob("*.safetensors"))
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    enter(second)
    slots.follow()
    assert slots.choose("small", "u1").digest == first
    assert "adapter files differ from their manifest" in slots.problems["small"]


def test_a_disk_that_fails_for_one_classifier_stops_no_other(
    slots: Slots, home: Home, made: tuple[Home, list[str]], enter: Enter
) -> None:
    """It keeps what it serves and says why; the other one, which is looked at later, follows."""
    shutil.copytree(home.classifier("small"), home.classifier("a_first"))
    path = home.spec("a_first")
    path.unlink()
    path.mkdir()  # IsADirectoryError where a file is read
    enter(made[1][1])
    slots.follow()
    assert slots.choose("small", "u1").digest == made[1][1]
    assert "a_first" in slots.problems


def swap_the_live_digest(home: Home, first: str, second: str) -> None:
    """Edit the flag file."""
    publish(home, Rollout(second, head=Ledger(home).head("small")))


def give_everyone_a_candidate(home: Home, first: str, second: str) -> None:
    """Edit the flag file."""
    publish(home, Rollout(first, second, 99, head=Ledger(home).head("small")))


def append_an_entry_without_the_key(home: Home, first: str, second: str) -> None:
    """A line of the right form and chain, signed by another key, and its flag."""
    other = Home(home.root.parent / "other")
    shutil.copytree(home.root, other.root)
    for path in (other.signing_key, other.public_key, other.ledger("small"), other.checkpoint("small"), other.flags):
        path.unlink()
    for adapter in (first, second):
        record(
            other,
            "small",
            action="promote",
            adapter=adapter,
            receipts=keep_receipts(home, "small", "2026-01-05", adapter),
            **SAID,
        )
    for path in (other.ledger("small"), other.checkpoint("small"), other.flags):
        (home.root / path.relative_to(other.root)).write_bytes(path.read_bytes())


def replace_the_key_pair(home: Home, first: str, second: str) -> None:
    """T17: as above, and the key pair of the home is now the other one, so that everything there fits together."""
    append_an_entry_without_the_key(home, first, second)
    for path in ("signing_key.pem", "signing_key.pub"):
        (home.root / path).write_bytes((home.root.parent / "other" / path).read_bytes())


def promote_without_receipts(home: Home, first: str, second: str) -> None:
    """By the right key, but no gate ever judged the adapter."""
    record(home, "small", action="promote", adapter=second, receipts={}, **SAID)


def promote_on_the_receipts_of_another(home: Home, first: str, second: str) -> None:
    """T18: replayed receipts."""
    receipts = keep_receipts(home, "small", "2026-01-05", first)
    record(home, "small", action="promote", adapter=second, receipts=receipts, **SAID)


def edit_a_kept_receipt(home: Home, first: str, second: str) -> None:
    """T18: one field of a receipt, after the promotion; the digest in its name no longer fits."""
    receipts = keep_receipts(home, "small", "2026-01-05", second)
    record(home, "small", action="promote", adapter=second, receipts=receipts, **SAID)
    path = home.kept_receipts("small") / f"{receipts['leakage']}.json"
    path.write_text(path.read_text().replace("for tests", "for me"))


def set_the_ledger_back(home: Home, first: str, second: str) -> None:
    """T20: cut the ledger with its checkpoint after another was promoted; the flag has seen more."""
    kept = [home.ledger("small").read_bytes(), home.checkpoint("small").read_bytes()]
    record(
        home,
        "small",
        action="promote",
        adapter=second,
        receipts=keep_receipts(home, "small", "2026-01-05", second),
        **SAID,
    )
    home.ledger("small").write_bytes(kept[0])
    home.checkpoint("small").write_bytes(kept[1])


ATTEMPTS: dict[str, tuple[Callable[[Home, str, str], None], str]] = {
    "the live digest swapped": (swap_the_live_digest, "answer although the ledger asks for another"),
    "a candidate for everyone": (give_everyone_a_candidate, "answer although the ledger asks for another"),
    "an entry of another key": (append_an_entry_without_the_key, "not signed with this home's key"),
    "another key pair": (replace_the_key_pair, "not signed with this home's key"),
    "no receipts": (promote_without_receipts, "no entry of the ledger lets adapter"),
    "another's receipts": (promote_on_the_receipts_of_another, "judged another adapter"),
    "an edited receipt": (edit_a_kept_receipt, "does not match its digest"),
    "a ledger set back": (set_the_ledger_back, "is based on entry 2 of the ledger, whose newest is 1"),
}


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_an_adapter_that_was_not_promoted_never_serves(
    slots: Slots, home: Home, made: tuple[Home, list[str]], attempt: str
) -> None:
    """T17: whoever writes files cannot make another adapter answer; the slot keeps what it had, and says why."""
    first, second = made[1]
    act, said = ATTEMPTS[attempt]
    act(home, first, second)
    slots.follow()
    assert {slots.choose("small", f"u{n}").digest for n in range(50)} == {first}
    assert said in slots.problems["small"]


def test_a_home_that_was_set_back_as_a_whole_is_not_followed(
    slots: Slots, home: Home, made: tuple[Home, list[str]], enter: Enter
) -> None:
    """T20: ledger, checkpoint and flag of an entry ago fit together; a gateway that has seen the next one keeps it."""
    files = home.ledger("small"), home.checkpoint("small"), home.flags
    before = [path.read_bytes() for path in files]
    enter(made[1][1])
    slots.follow()
    for path, content in zip(files, before, strict=True):
        path.write_bytes(content)
    slots.follow()
    assert slots.choose("small", "u1").digest == made[1][1]
    assert "holds 1 entries, but this running process vouches for 2" in slots.problems["small"]


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"flags": {"small": 1}, "metadata": {"generation": 9}}'])
def test_a_broken_flag_file_changes_nothing(
    slots: Slots, home: Home, made: tuple[Home, list[str]], content: bytes
) -> None:
    """F18: the last good one serves on, the problem is said, and the next good file is taken over."""
    good = home.flags.read_bytes()
    home.flags.write_bytes(content)
    slots.follow()
    assert slots.choose("small", "u1").digest == made[1][0]
    assert "small" in slots.problems
    home.flags.write_bytes(good)
    slots.follow()
    assert slots.problems == {}


def test_without_a_flag_file_the_ledger_decides(home: Home, made: tuple[Home, list[str]]) -> None:
    """F16, F18: a gateway that starts without flags serves what was promoted last."""
    home.flags.unlink()
    slots = Slots(home)
    slots.follow()
    assert slots.choose("small", "u1").digest == made[1][0]


def test_a_gateway_that_starts_on_a_broken_flag_file_serves_what_the_ledger_says(
    home: Home, made: tuple[Home, list[str]]
) -> None:
    """F18 at start-up: it answers, and says that something is amiss."""
    home.flags.write_bytes(b"{")
    slots = Slots(home)
    slots.follow()
    assert slots.choose("small", "u1").digest == made[1][0]
    assert "is not strict JSON" in slots.problems["small"]


def test_a_label_that_is_new_counts_once_it_is_sealed(serve: Serve, home: Home, made: tuple[Home, list[str]]) -> None:
    """An edit of classifier.toml alone changes no answer; sealed, its probability is 0, and the rest still sums to
    1."""
    path = home.spec("small")
    path.write_text('[[label]]\nname = "newest"\n\n' + path.read_text())
    client = serve()
    ask = {"text": "money back please"}
    assert "newest" not in client.post("/v1/classifiers/small", json=ask).json()["probabilities"]
    policy = policy_of(Specs(home)["small"]).as_json()
    record(home, "small", action="policy", adapter=made[1][0], receipts={}, policy=policy, **SAID)
    client.app.state.gateway.slots.follow()  # type: ignore[attr-defined] # Starlette's client knows only ASGI
    found = client.post("/v1/classifiers/small", json=ask).json()["probabilities"]
    assert found["newest"] == 0
    assert sum(found.values()) == pytest.approx(1)


@pytest.mark.parametrize("content", ["", "[", '[[label]]\nname = "x"\n[[label]]\nname = "y"\n', None])
def test_what_became_of_the_file_changes_no_answer(
    serve: Serve, home: Home, made: tuple[Home, list[str]], content: str | None
) -> None:
    """Emptied, broken, other labels, gone: labels and actions are those that the promotion sealed."""
    ask = {"text": "money back please number 1"}
    before = serve().post("/v1/classifiers/small", json=ask).json()
    if content is None:
        home.spec("small").unlink()
    else:
        home.spec("small").write_text(content)
    again = serve().post("/v1/classifiers/small", json=ask).json()
    assert {key: again[key] for key in ("label", "action", "adapter", "probabilities")} == {
        key: before[key] for key in ("label", "action", "adapter", "probabilities")
    }


def test_swaps_under_load_fail_no_request(serve: Serve, home: Home, made: tuple[Home, list[str]], enter: Enter) -> None:
    """F14: while adapters take turns, every answer is a whole one of either."""
    client = serve(poll_s=0.01)
    found: list[tuple[int, str]] = []
    done, answered = threading.Event(), threading.Semaphore(0)

    def ask() -> None:
        while not done.is_set():
            answer = client.post("/v1/classifiers/small", json={"text": "money back please"})
            found.append((answer.status_code, answer.json().get("adapter", "")))
            answered.release()

    asking = threading.Thread(target=ask)
    asking.start()
    for turn in range(10):
        enter(made[1][1 - turn % 2])
        for _ in range(20):
            assert answered.acquire(timeout=30)
    done.set()
    asking.join()
    assert {status for status, _ in found} == {200}
    assert {adapter for _, adapter in found} == set(made[1])
