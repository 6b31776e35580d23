"""Faults between the queue and Label Studio: down, slow, wrong, killed, restored; nothing is lost or taken twice."""

import os
import random
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ratchet.core.errors import RatchetError
from ratchet.core.failpoints import VARIABLE, FailpointError
from ratchet.testing.label_studio.server import LocalLabelStudio, StudioFault

pytestmark = pytest.mark.slow
POINTS = ("before_import", "after_import", "after_marker", "after_seen", "after_landing")
KINDS = (
    StudioFault(".*", "refuse", 500),
    StudioFault(".*", "refuse", 503),
    StudioFault(".*", "lose", 502),
    StudioFault(".*", "drop"),
    StudioFault(".*", "garble"),
    StudioFault(".*", "redirect"),
    StudioFault(".*", "refuse", 401),
)
SCRIPT = """
import os, sys
from pathlib import Path
from ratchet.storage.home import Home
from ratchet.workflows.review.label_studio_poll import poll
from ratchet.workflows.review.label_studio_push import push
home = Home(Path(sys.argv[1]))
(push if sys.argv[2] == "push" else poll)(home, "small")
"""


@pytest.mark.parametrize("point", POINTS)
def test_a_failure_at_any_step_loses_and_doubles_nothing(
    point: str, studio_desk: Any, studio: LocalLabelStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run goes on from what is durable: each task once, each answer once."""
    studio_desk.put(4)
    sends = point.endswith("import")
    if not sends:
        _answer(studio_desk, studio)
    monkeypatch.setenv(VARIABLE, f"label_studio.{point}:raise")
    with pytest.raises(FailpointError):
        _ = studio_desk.push() if sends else studio_desk.poll()
    monkeypatch.delenv(VARIABLE)
    if sends:
        _answer(studio_desk, studio)
    _check(studio_desk, studio)


@pytest.mark.faults
@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_any_step_loses_and_doubles_nothing(point: str, studio_desk: Any, studio: LocalLabelStudio) -> None:
    """The same with kill -9 of a process of its own."""
    studio_desk.put(4)
    sends = point.endswith("import")
    if not sends:
        _answer(studio_desk, studio)
    environment = {**os.environ, **studio_desk.environment, VARIABLE: f"label_studio.{point}:kill"}
    words = [sys.executable, "-c", SCRIPT, str(studio_desk.home.root), "push" if sends else "poll"]
    result = subprocess.run(words, env=environment, cwd=Path(__file__).parents[4], check=False)
    assert result.returncode == -signal.SIGKILL
    if sends:
        _answer(studio_desk, studio)
    _check(studio_desk, studio)


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(100))
def test_any_week_of_faults_gives_each_persons_newest_answer_once(
    seed: int, studio_desk: Any, studio: LocalLabelStudio
) -> None:
    """Random answers, changes, skips, deletions, faults and one restored backup: the newest answers, none doubled."""
    _play(seed, studio_desk, studio)


def test_a_week_of_faults_gives_each_persons_newest_answer_once(studio_desk: Any, studio: LocalLabelStudio) -> None:
    """A short one."""
    _play(3, studio_desk, studio, rounds=4)


def test_a_server_that_is_down_slow_or_strange_is_a_sentence_and_its_answers_come_later(
    studio_desk: Any, studio: LocalLabelStudio
) -> None:
    """Each kind ends in time with its reason, which status shows until the next poll that works."""
    studio_desk.put(4)
    _answer(studio_desk, studio)
    for kind, reason in {
        "hang": "did not answer within", "garble": "is not JSON", "redirect": "answered HTTP 302", "refuse": "HTTP 401",
    }.items():  # fmt: skip
        studio.faults = [StudioFault("GET /api/projects/.*", kind, 401)] * 4  # type: ignore[arg-type]
        with pytest.raises(RatchetError, match=reason):
            studio_desk.poll(longest_s=0.3)
        assert "not read since" in studio_desk.status()
        assert reason in studio_desk.status()
    studio.faults = []
    assert studio_desk.poll().votes == 4
    assert "not read since" not in studio_desk.status()
    assert "elsewhere" not in " ".join(studio.requests)


def test_a_restored_backup_takes_no_answer_back_and_its_ids_count_anew(
    studio_desk: Any, studio: LocalLabelStudio
) -> None:
    """Annotations and tasks that the backup lacks are kept; an id that is given again is another answer."""
    people = studio.people
    studio_desk.put(2)
    studio_desk.push(size=2)
    ann = people.add_user("ann@corp.example")
    people.annotate(ann, people.task_of("rq0"), "a")
    backup = people.backup()
    first = people.annotate(ann, people.task_of("rq1"), "b")
    assert studio_desk.poll().votes == 2
    studio_desk.put(2, start=2)
    assert studio_desk.push(size=2).sent == 2
    people.annotate(ann, people.task_of("rq2"), "c")
    assert studio_desk.poll().votes == 1
    people.restore(backup)
    bob = people.add_user("bob@corp.example")
    again = people.annotate(bob, people.task_of("rq1"), "c")
    assert again == first
    found = studio_desk.poll()
    assert (found.restored, found.votes, found.withdrawn, found.gone) == (True, 1, 0, 2)
    assert "restored from an older backup" in studio_desk.status()
    assert studio_desk.verdicts() == {
        ("rq0", "ann@corp.example"): "a", ("rq1", "ann@corp.example"): "b",
        ("rq1", "bob@corp.example"): "c", ("rq2", "ann@corp.example"): "c",
    }  # fmt: skip
    assert studio_desk.push(size=2).sent == 1  # rq3, whose task the backup lacks
    assert not studio_desk.poll().restored


def test_a_project_that_is_gone_costs_no_answer(studio_desk: Any, studio: LocalLabelStudio) -> None:
    """Status names it, also where its number is another's by now; the next push makes a new project."""
    people = studio.people
    studio_desk.put(4)
    _answer(studio_desk, studio)
    assert studio_desk.poll().votes == 4
    people.contents.projects[1] = {"id": 1, "title": "others", "description": "theirs"}
    with pytest.raises(RatchetError, match="project 1 of small is gone"):
        studio_desk.poll()
    assert "is gone" in studio_desk.status()
    studio_desk.put(2, start=4)
    sent = studio_desk.push()
    assert (sent.project, sent.sent) == (2, 2)
    assert people.contents.projects[1]["description"] == "theirs"
    assert len(studio_desk.verdicts()) == 4


def _answer(desk: Any, studio: LocalLabelStudio) -> None:
    """Send the queue and answer all of it."""
    desk.push()
    ann = studio.people.add_user("ann@corp.example")
    for task in list(studio.people.contents.tasks):
        studio.people.annotate(ann, task, "a")


def _check(desk: Any, studio: LocalLabelStudio) -> None:
    """Four tasks, four answers, and nothing new in another poll."""
    desk.poll()
    desk.push()
    again = desk.poll()
    assert (again.votes, again.withdrawn) == (0, 0)
    assert sorted(task["data"]["request_id"] for task in studio.people.contents.tasks.values()) == [
        "rq0", "rq1", "rq2", "rq3",
    ]  # fmt: skip
    assert [(row["request_id"], row["label"]) for row in sorted(desk.rows(), key=lambda row: row["request_id"])] == [
        (f"rq{n}", "a") for n in range(4)
    ]


def _play(seed: int, desk: Any, studio: LocalLabelStudio, rounds: int = 12) -> None:
    """Play a week with faults; what people answered last, as far as a poll could see it, is what landed."""
    dice, people = random.Random(seed), studio.people  # noqa: S311 - a reproducible trial
    users = [people.add_user(f"p{n}@corp.example") for n in range(3)]
    desk.put(6)
    _try(lambda: desk.push(size=6), studio, dice)
    desk.push(size=6)
    expected: dict[tuple[str, str], str] = {}
    for _ in range(rounds):
        live = [
            (task, each) for task in people.contents.tasks.values() for each in task["annotations"]
            if task["annotations"]
        ]  # fmt: skip
        task = dice.choice(list(people.contents.tasks.values()))
        user = dice.choice(users)
        key = (task["data"]["request_id"], people.contents.users[user])
        mine = [each for found, each in live if found is task and each["completed_by"] == user]
        label = dice.choice("abc")
        match dice.randrange(4) if mine else 0:
            case 0:
                if not mine:
                    people.annotate(user, task["id"], label)
                    expected[key] = label
            case 1:
                people.change(mine[0]["id"], user, label)
                expected[key] = label
            case 2:
                people.change(mine[0]["id"], user, None)
                expected[key] = "withdrawn"
            case _:
                people.delete(mine[0]["id"])
                expected[key] = "withdrawn"
        if dice.random() < 0.7:
            _try(desk.poll, studio, dice)
    desk.poll()
    backup = people.backup()
    extra = people.annotate(users[0], next(iter(people.contents.tasks)), "c")
    expected[(people.contents.tasks[next(iter(people.contents.tasks))]["data"]["request_id"], "p0@corp.example")] = "c"
    assert extra
    desk.poll()
    people.restore(backup)
    _try(desk.poll, studio, dice)
    desk.poll()
    assert desk.poll().votes == 0
    assert {key: value for key, value in desk.verdicts().items() if value != "withdrawn"} == {
        key: value for key, value in expected.items() if value != "withdrawn"
    }, f"seed {seed}"
    assert len(desk.rows()) == len({(row["request_id"], row["annotator"], row["ts"]) for row in desk.rows()})


def _try(step: Any, studio: LocalLabelStudio, dice: random.Random) -> None:
    """Take a step in which one request meets a fault."""
    kind = dice.choice(KINDS)
    studio.faults = [StudioFault(kind.route, kind.kind, kind.status, skip=dice.randrange(6))]
    with suppress(RatchetError):
        step()
    studio.faults = []


def test_a_damaged_line_of_its_log_gives_the_same_rows_again(studio_desk: Any, studio: LocalLabelStudio) -> None:
    """Each line that tells what was taken or landed, and a torn tail: it is read from the server again, as the same."""
    studio_desk.put(4)
    _answer(studio_desk, studio)
    assert studio_desk.poll().votes == 4
    path = studio_desk.home.review("small") / "label_studio.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    taken = [number for number, line in enumerate(lines) if b'"seen"' in line or b'"landed"' in line]
    assert len(taken) >= 3
    for number in taken:
        damaged = lines[number].replace(b"kind", b"kinf")
        path.write_bytes(b"".join([*lines[:number], damaged, *lines[number + 1 :]]))
        studio_desk.poll()
        assert len(studio_desk.rows()) == 4
    path.write_bytes(b"".join(lines)[:-9])
    assert studio_desk.poll().votes == 0
    _check(studio_desk, studio)
