"""F18 and T21: whatever happens to the flag file, what serves is what a whole, newest file or the ledger said."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from starlette.testclient import TestClient

from gateway.flags import desired_state as asked_module
from gateway.flags import file_provider as flag_provider
from gateway.flags.desired_state import read_desired_state
from gateway.flags.file_provider import FileProvider
from gateway.serving import following as following_module
from gateway.serving import loading
from gateway.serving.slots import Slots
from ratchet.core.errors import RatchetError
from ratchet.core.timeouts import LEDGER_TO_FLAG_S
from ratchet.models.inference.model_pool import ModelPool
from ratchet.rollout.flag import Rollout
from ratchet.rollout.ledger_entry import Head
from ratchet.storage.home import Home
from ratchet.storage.rollout import flag_file as flags_module
from ratchet.storage.rollout.flag_file import Flags
from ratchet.storage.rollout.ledger import Ledger
from ratchet.workflows.rollout.followers import find_followers
from ratchet.workflows.rollout.kill import turn_kill_switch
from ratchet.workflows.rollout.reconcile import kill_switch, reconcile

Made = tuple[Home, list[str]]
Enter = Callable[..., None]
Plant = Callable[..., ModuleType]
Share = Callable[[int], None]
Serve = Callable[..., TestClient]
WRITER = """
import sys
from pathlib import Path
from ratchet.storage.rollout.flag_file import Flags
from ratchet.storage.home import Home
flags = Flags(Home(Path(sys.argv[1])))
found = flags.read()
flags.publish("small", found.rollouts["small"], seen=found.generation)
"""
KEYS = [f"u{n}" for n in range(200)]


def chosen(slots: Slots) -> list[str]:
    """Who answers each of the users."""
    return [slots.choose("small", key).digest for key in KEYS]


@pytest.fixture
def share(made: Made, enter: Enter) -> Share:
    """Let the second adapter climb to a share of users, as the ledger has it; it stands at a quarter, by entry 3."""

    def step(percent: int) -> None:
        enter(made[1][1], "step", percent)

    enter(made[1][1], "shadow")
    step(25)
    return step


@pytest.fixture
def slots(home: Home, share: Share) -> Slots:
    """Slots that serve the candidate to a quarter of the users."""
    found = Slots(home)
    found.follow()
    assert found.problems == {}
    assert len(set(chosen(found))) == 2
    return found


def changed(home: Home, change: Callable[[dict[str, Any]], Any]) -> bytes:
    """The file with its flag changed, in the next generation."""
    document = json.loads(home.flags.read_bytes())
    document["metadata"]["generation"] += 1
    change(document["flags"]["small"])
    return json.dumps(document).encode()


def replaced(home: Home, old: str, new: str) -> bytes:
    """The file with a piece of its text, which must occur, replaced."""
    content = home.flags.read_text()
    assert old in content
    return content.replace(old, new, 1).encode()


def give_thirty(flag: dict[str, Any]) -> None:
    """A step that nobody took."""
    flag["targeting"]["fractional"] = [["live", 70], ["candidate", 30]]


def swap_adapters(flag: dict[str, Any]) -> None:
    """Live and candidate in each other's place: both are in the ledger."""
    flag["variants"] = {"live": flag["variants"]["candidate"], "candidate": flag["variants"]["live"]}


BROKEN: dict[str, tuple[Callable[[Home], bytes | None], str]] = {
    "deleted": (lambda home: None, "flags.json is missing"),
    "empty": (lambda home: b"", "is not strict JSON"),
    "{}": (lambda home: b"{}", "holds no flags"),
    "nothing of us": (lambda home: b'{"flags": {}, "metadata": {"generation": 99}}', "is based on entry 0"),
    "not UTF-8": (lambda home: home.flags.read_bytes() + b"\xff", "is not strict JSON"),
    "nested": (lambda home: b"[" * 100_000, "is not strict JSON"),
    "no digest": (lambda home: changed(home, lambda flag: flag["variants"].update(candidate="x")),
    "is not an adapter digest"),
    "unknown digest": (lambda home: changed(home, lambda flag: flag["variants"].update(candidate="f" * 64)),
    "ffffffffffff answer"),
    "another share": (lambda home: changed(home, give_thirty), "although the ledger asks for another"),
    "no shadow": (lambda home: changed(home, lambda flag: flag["metadata"].pop("shadow")),
    "although the ledger asks for another"),
    "swapped": (lambda home: changed(home, swap_adapters), "although the ledger asks for another"),
    "weight 150": (lambda home: replaced(home, "25\n", "150\n"), "150 % of users is outside"),
    "weights of 125": (lambda home: replaced(home, "75\n", "100\n"), "keys that Ratchet does not write"),
    "weight 0.5": (lambda home: replaced(home, "25\n", "0.5\n"), "not a whole percent"),
    "variant missing": (lambda home: changed(home, lambda flag: flag["variants"].pop("candidate")),
    "but none is named"),
    "live missing": (lambda home: changed(home, lambda flag: flag["variants"].pop("live")), "is not an adapter digest"),
    "state missing": (lambda home: changed(home, lambda flag: flag.pop("state")), "keys that Ratchet does not write"),
    "older entry": (lambda home: changed(home, lambda flag: flag["metadata"].update(ledger_sequence=2)),
    "is based on entry 2"),
    "newer entry": (lambda home: changed(home, lambda flag: flag["metadata"].update(ledger_sequence=4)),
    "is based on entry 4"),
    "other head": (lambda home: changed(home, lambda flag: flag["metadata"].update(ledger_head="0" * 64)),
    "newest is another"),
    "duplicate key": (lambda home: replaced(home, '"state"', '"state": "DISABLED", "state"'), "a key occurs twice"),
    "NaN": (lambda home: replaced(home, '"shadow_share": 1.0', '"shadow_share": NaN'), "a number is not finite"),
    "infinite": (lambda home: replaced(home, '"shadow_share": 1.0', '"shadow_share": 1e999'), "a number is not finite"),
    "no generation": (lambda home: replaced(home, '"generation"', '"generations"'), "its generation is None"),
    "generation true": (lambda home: replaced(home, '"generation": 3', '"generation": true'), "its generation is True"),
}  # fmt: skip


def put(home: Home, content: bytes | None) -> None:
    """What someone leaves in the place of the flag file; None for nothing."""
    home.flags.unlink(missing_ok=True)
    if content is not None:
        home.flags.write_bytes(content)


@pytest.mark.parametrize("fault", BROKEN)
def test_a_file_that_cannot_be_followed_changes_nothing(slots: Slots, home: Home, made: Made, fault: str) -> None:
    """F18: each user keeps their adapter, the reason is said, and the next good file is taken; a start follows the
    ledger."""
    before, good = chosen(slots), home.flags.read_bytes()
    damage, reason = BROKEN[fault]
    put(home, damage(home))
    slots.follow()
    assert chosen(slots) == before
    assert reason in slots.problems["small"]
    started = Slots(home)
    started.follow()
    assert set(chosen(started)) == {made[1][0]}
    assert reason in started.problems["small"]
    put(home, good)
    for each in (slots, started):
        each.follow()
        assert (each.problems, chosen(each)) == ({}, before)


def test_a_file_cut_at_any_byte_changes_nothing(slots: Slots, home: Home) -> None:
    """F18, every length that is not the whole document."""
    before, good = chosen(slots)[:20], home.flags.read_bytes()
    for length in range(len(good.rstrip())):
        home.flags.write_bytes(good[:length])
        slots.follow()
        assert "small" in slots.problems
        assert [slots.choose("small", key).digest for key in KEYS[:20]] == before


def test_a_probe_learns_that_an_older_file_was_put_back(serve: Serve, home: Home, share: Share) -> None:
    """/readyz is 503 with the reason, while requests go on being answered."""
    older = home.flags.read_bytes()
    kill_switch(home, "small", on=True)
    client = serve(poll_s=60)
    home.flags.write_bytes(older)
    client.app.state.gateway.slots.follow()  # type: ignore[attr-defined] # Starlette's client knows no more than ASGI
    ready = client.get("/readyz")
    assert (ready.status_code, "generation 3, but 4 was published" in ready.json()["problems"]["small"]) == (503, True)
    assert client.post("/v1/classifiers/small", json={"text": "money back please"}).status_code == 200


def refuses_older(home: Home, module: ModuleType, older: bytes) -> bool:
    """Whether a provider that has read the file refuses the older one."""
    provider = module.FileProvider(home)
    found = provider.read()
    provider.adopt({name: (rollout, found.generation) for name, rollout in found.rollouts.items()})
    home.flags.write_bytes(older)
    return read_desired_state(provider).fault is not None


@pytest.mark.parametrize("mutant", ["", "result.generation < newest", "[self._newest, *(generation for _, generation"])
def test_an_older_generation_is_refused(home: Home, share: Share, plant: Plant, mutant: str) -> None:
    """T21, of one ledger entry; a provider that does not compare, or does not remember, is noticed."""
    older = home.flags.read_bytes()
    kill_switch(home, "small", on=True)
    (home.root / ".flags.generation").unlink()
    new = "[0, *(0 for _, generation" if mutant.startswith("[") else "False"
    module = plant(flag_provider, mutant, new) if mutant else flag_provider
    assert refuses_older(home, module, older) is not bool(mutant)


def test_an_older_generation_is_refused_after_a_restart(home: Home, share: Share, made: Made, plant: Plant) -> None:
    """The file with the kill switch off put back while no gateway runs: live alone answers.

    One mutant asks itself only; another one gives back, by the ledger, the candidate that was killed.
    """
    older = home.flags.read_bytes()
    kill_switch(home, "small", on=True)
    home.flags.write_bytes(older)
    slots = Slots(home)
    slots.follow()
    assert set(chosen(slots)) == {made[1][0]}
    assert "generation 3, but 4 was published" in slots.problems["small"]
    mutant = plant(flag_provider, "max(self._newest, Flags(self._home).highest())", "self._newest")
    assert mutant.FileProvider(home).read().generation == 3
    reviving = plant(loading, "entries, killed=True)", "entries)")
    assert reviving.load_served(home, "small", None, ModelPool(), None, set()).rollout.served_percent == 25


@pytest.mark.parametrize("mark", [b"", b"x" * 20, b"7", None])
def test_a_mark_that_is_lost_refuses_nothing(home: Home, mark: bytes | None) -> None:
    """The newest file is followed all the same, and the next publication writes the mark again."""
    path = home.root / ".flags.generation"
    path.unlink()
    if mark is not None:
        path.write_bytes(mark)
    slots = Slots(home)
    slots.follow()
    assert slots.problems == {}
    Flags(home).publish("small", slots["small"].rollout, seen=1)
    assert Flags(home).highest() == 2


def test_a_publication_that_was_killed_leaves_a_file_that_is_followed(home: Home, share: Share) -> None:
    """The mark is written after the file: a promoter that died in between leaves it one behind, never ahead."""
    share(50)
    for failpoint in ("flags.before_write", "flags.after_write"):
        killed = subprocess.run(
            [sys.executable, "-c", WRITER, str(home.root)],
            env={**os.environ, "RATCHET_FAILPOINT": f"{failpoint}:kill"},
            check=False,
        )
        assert killed.returncode == -signal.SIGKILL
        assert Flags(home).highest() <= Flags(home).read().generation
        slots = Slots(home)
        slots.follow()
        assert slots.problems == {}


def test_an_older_adapter_never_comes_back(home: Home, made: Made, enter: Enter) -> None:
    """T21: every file that was ever published, put back under a running gateway and before a start."""
    history = [home.flags.read_bytes()]
    for turn in range(6):
        enter(made[1][(turn + 1) % 2])
        history.append(home.flags.read_bytes())
    newest, slots = history.pop(), Slots(home)
    slots.follow()
    live = Ledger(home).live("small")
    for older in history:
        put(home, older)
        slots.follow()
        started = Slots(home)
        started.follow()
        for each in (slots, started):
            assert set(chosen(each)) == {live}
            assert "small" in each.problems
    put(home, newest)
    slots.follow()
    assert slots.problems == {}


@pytest.mark.parametrize("mutant", ["False", "flagged.sequence > head.sequence"])
def test_a_gateway_that_follows_a_stale_flag_is_noticed(
    home: Home, enter: Enter, made: Made, plant: Plant, mutant: str
) -> None:
    """The mutants never ask the ledger, or only whether it lost its end."""
    enter(made[1][1])
    flags = read_desired_state(FileProvider(home))
    newer = Head(3, "a" * 64)
    with pytest.raises(RatchetError, match="is based on entry 2 of the ledger, whose newest is 3"):
        flags.rollout("small", newer)
    planted = plant(asked_module, "flagged != head", mutant)
    assert planted.DesiredState(flags.flags).rollout("small", newer).live == made[1][1]


def test_newer_content_with_an_older_time_is_taken(slots: Slots, home: Home, share: Share) -> None:
    """As `cp -p`, `rsync -t` and a clock that was set back leave it; of the same size too."""
    share(50)
    os.utime(home.flags, ns=(0, 0))
    slots.follow()
    assert slots["small"].rollout.percent == 50
    assert slots.problems == {}


def grow(path: Path) -> None:
    """Add a line break, which changes nothing but the size."""
    with path.open("ab") as file:
        file.write(b"\n")


def swap(path: Path) -> None:
    """Put a copy in the file's place: another inode."""
    copy = path.with_name("copy")
    copy.write_bytes(path.read_bytes())
    copy.replace(path)


@pytest.mark.parametrize(
    ("change", "time_ns", "part", "mutant"),
    [
        (lambda path: None, 0, "(stat.st_mtime_ns, ", "(0, "),
        (swap, 10**18, "stat.st_ino, ", "0, "),
        (grow, 10**18, "stat.st_size)", "0)"),
    ],
    ids=["time", "inode", "size"],
)
def test_each_part_of_the_stamp_tells_a_change(
    home: Home, plant: Plant, change: Callable[[Path], None], time_ns: int, part: str, mutant: str
) -> None:
    """A stamp without one of them misses the change that shows in it alone."""

    def sees(module: ModuleType) -> bool:
        os.utime(home.flags, ns=(10**18, 10**18))
        provider = module.FileProvider(home)
        before = provider.stamp()
        change(home.flags)
        os.utime(home.flags, ns=(time_ns, time_ns))
        noticed: bool = provider.stamp() != before
        return noticed

    assert (sees(flag_provider), sees(plant(flag_provider, part, mutant))) == (True, False)


def test_a_kill_is_obeyed_even_from_a_file_that_cannot_be_followed(slots: Slots, home: Home, made: Made) -> None:
    """The ledger is damaged, and a person edits the file: everyone gets live at once, and it stays so."""
    home.flags.write_bytes(replaced(home, "ENABLED", "DISABLED"))
    keep = home.ledger("small").read_bytes()
    home.ledger("small").write_bytes(b"{")
    slots.follow()
    assert set(chosen(slots)) == {made[1][0]}
    assert "line" in slots.problems["small"] or "holds 0 entries" in slots.problems["small"]
    home.ledger("small").write_bytes(keep)
    slots.follow()
    assert (slots.problems, set(chosen(slots))) == ({}, {made[1][0]})


def enter_alone(home: Home, action: str, adapter: str, gone: str) -> None:
    """Append an entry and write no flag, as a promoter that is killed in between."""
    said = {"ts": "2026-01-05T10:00:00+00:00", "actor": "test", "why": "test", "week": "2026-01-05"}
    Ledger(home).append("small", action=action, adapter=adapter, previous_adapter=gone, receipts={}, **said)


@pytest.mark.parametrize("action", ["rollback", "reject", "expire", "kill"])
def test_a_move_that_was_entered_is_followed_though_no_flag_was_written(
    slots: Slots, home: Home, made: Made, action: str
) -> None:
    """The ledger counts at the next look; after two seconds the gateway writes the flag itself."""
    now = [100.0]
    slots.follower.clock = lambda: now[0]
    enter_alone(home, action, made[1][0], made[1][1])
    behind = home.flags.read_bytes()
    slots.follow()
    assert (slots.problems, set(chosen(slots)), home.flags.read_bytes()) == ({}, {made[1][0]}, behind)
    now[0] += LEDGER_TO_FLAG_S
    slots.follow()
    rollout = Flags(home).read().rollouts["small"]
    assert (rollout.head, rollout.killed) == (Ledger(home).head("small"), action == "kill")
    slots.follow()
    assert (slots.problems, set(chosen(slots))) == ({}, {made[1][0]})


@pytest.mark.parametrize("case", [case for case in BROKEN if case != "no digest"])
def test_a_rollback_is_followed_whatever_the_flag_file_holds(slots: Slots, home: Home, made: Made, case: str) -> None:
    """A file that says nothing about the entry keeps nobody at the bad adapter."""
    content = BROKEN[case][0](home)
    if content is None:
        home.flags.unlink()
    else:
        home.flags.write_bytes(content)
    enter_alone(home, "rollback", made[1][0], made[1][1])
    slots.follow()
    assert set(chosen(slots)) == {made[1][0]}


def test_a_kill_that_was_entered_is_not_undone_by_an_edit(slots: Slots, home: Home, made: Made) -> None:
    """Whoever writes the flag file cannot turn it off; by an entry it is."""
    turn_kill_switch(home, "small", "odd answers", on=True)
    slots.follow()
    assert (slots.problems, set(chosen(slots))) == ({}, {made[1][0]})
    home.flags.write_bytes(replaced(home, "DISABLED", "ENABLED"))
    slots.follow()
    assert set(chosen(slots)) == {made[1][0]}
    assert "but entry 4 of the ledger turned it on" in slots.problems["small"]
    turn_kill_switch(home, "small", "fixed", on=False)
    slots.follow()
    assert (slots.problems, set(chosen(slots))) == ({}, set(made[1]))


def test_a_rollback_that_cannot_be_followed_is_a_problem(home: Home, made: Made, enter: Enter, serve: Serve) -> None:
    """The adapter that must answer was damaged: probe, metrics, status and lease say what really answers."""
    first, second = made[1]
    enter(second)
    enter(second, "release")
    client = serve(poll_s=60)
    shutil.rmtree(home.adapters("small") / first)
    enter_alone(home, "rollback", first, second)
    client.app.state.gateway.slots.follow()  # type: ignore[attr-defined] # Starlette's client knows only ASGI
    ready = client.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["problems"]["small"].startswith(
        f"rollback entered, not followed: entry 4 lets {first[:12]} answer."
    )
    metrics = client.get("/metrics").text
    assert 'ratchet_ledger_followed{classifier="small"} 0.0' in metrics
    assert 'ratchet_rollout_status{classifier="small"} 1.0' in metrics
    assert "rollback entered, not followed" in client.get("/v1/status").json()["classifiers"]["small"]["problem"]
    assert "rollback entered, not followed" in client.get("/rollout/small").text
    found = find_followers(home, "small", Ledger(home).head("small"))
    assert (found.following, [each.pid for each in found.late]) == ((), [os.getpid()])
    assert f"gateway {os.getpid()} does not follow entry 4, it answers by entry 3" in found.sentence


@pytest.mark.parametrize(
    ("old", "new", "content"),
    [
        (
            "and desired.kills(name)",
            "and False",
            (b'"ledger_sequence": 3', b'"ledger_sequence": 2'),
        ),
        (
            "if before is None and None not in wanted",
            "if None not in wanted",
            (b'"state"', b'"state": "ENABLED", "state"'),
        ),
    ],
    ids=["ignores the kill", "drops the candidate"],
)
def test_a_gateway_that_handles_a_refused_file_otherwise_is_noticed(
    home: Home, share: Share, made: Made, plant: Plant, old: str, new: str, content: tuple[bytes, bytes]
) -> None:
    """The mutants look away from the kill switch of a stale flag, or fall back to the ledger while the last good file
    serves."""

    def answers(module: ModuleType) -> set[str]:
        good = home.flags.read_bytes()
        slots = Slots(home)
        slots.follower = module.Follower(slots.home, slots.bases)
        slots.follow()
        bad = good.replace(b"ENABLED", b"DISABLED") if "kills" in old else good
        home.flags.write_bytes(bad.replace(*content))
        slots.follow()
        assert "small" in slots.problems
        home.flags.write_bytes(good)
        return set(chosen(slots))

    right = {made[1][0]} if "kills" in old else set(made[1])
    assert answers(following_module) == right
    assert answers(plant(following_module, old, new)) == set(made[1]) ^ (set() if "kills" in old else {made[1][1]})


@pytest.mark.parametrize("value", ['{"a": 1, "a": 2}', "NaN", "1e999"])
def test_a_reader_that_is_not_strict_is_noticed(home: Home, plant: Plant, value: str) -> None:
    """The mutant decodes as Python's own reader does, and takes what no other reader of the file may take."""
    home.flags.write_bytes(replaced(home, '"flags": {', f'"flags": {{"another-team": {value}, '))
    with pytest.raises(RatchetError, match="is not strict JSON"):
        Flags(home).read()
    lax = plant(flags_module, "parse_strictly(content)", '__import__("json").loads(content)')
    assert lax.Flags(home).read().generation == 1


def test_a_file_made_anew_is_newer_than_the_one_it_follows(slots: Slots, home: Home, share: Share) -> None:
    """Deleted and settled from the ledger, or an older one put back and published upon: the running gateway takes
    it."""
    older = home.flags.read_bytes()
    share(50)
    slots.follow()
    home.flags.unlink()
    reconcile(home, "small")
    slots.follow()
    assert (slots.problems, slots["small"].rollout.percent) == ({}, 50)
    home.flags.write_bytes(older)
    slots.follow()
    assert "this is an older file" in slots.problems["small"]
    share(60)
    slots.follow()
    assert (slots.problems, slots["small"].rollout.percent) == ({}, 60)


def test_a_writer_that_begins_again_at_one_is_noticed(home: Home, enter: Enter, made: Made, plant: Plant) -> None:
    """The mutant does not remember what was published before the file was lost."""
    enter(made[1][1])
    rollout = Rollout(made[1][1], head=Ledger(home).head("small"))
    home.flags.unlink()
    mutant = plant(flags_module, "max(seen, self.highest()) + 1", "seen + 1")
    assert mutant.Flags(home).publish("small", rollout, seen=0).generation == 1
    home.flags.unlink()
    (home.root / ".flags.generation").write_bytes(b"2".zfill(20))
    assert Flags(home).publish("small", rollout, seen=0).generation == 3
