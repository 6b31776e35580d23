"""A rollout from shadow to live and back, on a real home: two cycles, real receipts, pairs as a gateway lands them."""

import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from orchestration.cli.app import main
from orchestration.job_resources import configure
from orchestration.promotion import promotion, promotion_sensor
from orchestration.shadow_deployment import ShadowConfig, shadow_deployment, shadow_deployment_sensor
from ratchet.core.cycle import Cycle
from ratchet.core.errors import BlockedError, RatchetError
from ratchet.core.verdict import Verdict
from ratchet.ingest.rebuild import open_warehouse
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.storage.rollout.flag_file import Flags
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.rollout.quarantine import Quarantine
from ratchet.testing.homes import WORDS, SmallClassifier, write_pairs
from ratchet.workflows.gates.stored_answers import compare_with, read_stored_answers
from ratchet.workflows.rollout.advance import WeighedRollout, apply_decision, load_decision, stop_or_resume, weigh
from ratchet.workflows.rollout.nominate import nominate, promote, shadow
from ratchet.workflows.rollout.rollback import roll_back
from ratchet.workflows.rollout.shadow import find_entrant, shadow_by_hand

WEEKS = (date(2026, 1, 5), date(2026, 1, 12))
pytestmark = [
    pytest.mark.xdist_group("rollouts"),
    pytest.mark.slow,
]


@pytest.fixture
def home(passed: Home, tmp_path: Path) -> Home:
    """A home of one's own."""
    return Home(Path(shutil.copytree(passed.root, tmp_path / "home", symlinks=True)))


def fill_slot(home: Home, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    """The job that the sensor asks for after a cycle's success."""
    adapter = Receipts(home).noted(Cycle("small", WEEKS[1]))["adapter"]
    config = configure(home, fill_slot=ShadowConfig(classifier="small", week=str(WEEKS[1]), adapter=adapter))
    return shadow_deployment.execute_in_process(instance=instance, run_config=config)


@pytest.fixture
def shadowing(home: Home) -> Home:
    """The candidate of week two shadows."""
    with dg.DagsterInstance.ephemeral() as instance:
        assert fill_slot(home, instance).success
    return home


def show(
    home: Home, *, wrong: int = 0, served: int = 0, requests: int = 80, error: str | None = None, week: date = WEEKS[1]
) -> None:
    """Pairs on the requests of week two: the incumbent is wrong on the last two, the challenger on `wrong`."""
    state = Ledger(home).state("small")
    assert state.compared is not None
    rows = []
    for number in range(requests):
        label, other = list(WORDS)[number % 3], list(WORDS)[(number + 1) % 3]
        first = other if number >= requests - 2 else label
        rows.append((f"{week}-{number:04d}", first, other if number < wrong else label))
    write_pairs(home, "small", state.compared, state.head.sequence, rows, served=served, error=error)


def go(home: Home, minutes: float = 31) -> WeighedRollout:
    """Weigh and carry out so long after the newest entry."""
    moved = Ledger(home).state("small").moved
    assert moved is not None
    now = datetime.fromisoformat(moved.ts) + timedelta(minutes=minutes)
    found = weigh(home, "small", now=now)
    apply_decision(home, "small", found, now=now)
    return found


def rollout(home: Home) -> tuple[str | None, str | None, int, str | None]:
    """What the flag says now: live, candidate, percent, shadow."""
    found = Flags(home).read().rollouts["small"]
    assert found.head == Ledger(home).head("small")
    return found.live, found.candidate, found.percent, found.shadow


def test_a_cycle_leaves_no_text_that_others_may_read(passed: Home) -> None:
    """Two real cycles wrote reports, tables, trainings, warehouse and logs: others have no right on any of them."""
    folder = passed.classifier("small")
    places = ("reports", "tables", "training", "logs", "adapters", "receipts/2026-01-12")
    found = [path for place in places for path in (folder / place).rglob("*")] + [passed.warehouse("small")]
    assert len(found) > 30
    assert {str(path): oct(path.lstat().st_mode) for path in found if path.lstat().st_mode & 0o007} == {}


def test_a_cycle_that_succeeded_fills_the_shadow_slot_once(home: Home) -> None:
    """The job twice: one entry, the flag follows, nobody's answer changes, and Dagster holds the observation."""
    live = Ledger(home).live("small")
    with dg.DagsterInstance.ephemeral() as instance:
        assert fill_slot(home, instance).success
        assert fill_slot(home, instance).success
        observed = instance.fetch_observations(dg.AssetKey("adapter"), limit=5).records
    newest = Ledger(home).entries("small")[-1]
    assert (len(Ledger(home).entries("small")), newest.action) == (2, "shadow")
    assert rollout(home) == (live, None, 0, newest.adapter)
    assert [record.asset_observation.description for record in observed if record.asset_observation] == [newest.why]


def test_a_candidate_climbs_step_by_step_and_its_predecessor_watches_it(shadowing: Home) -> None:
    """5, 25, 50 and all; each step needs its own evidence and its dwell; after the watch nothing is compared any
    more."""
    live, _, _, new = rollout(shadowing)
    assert go(shadowing).decision.sentence.startswith("Held: 0 of 60 compared requests")
    show(shadowing)
    assert go(shadowing, minutes=10).decision.sentence.startswith("Held: 10 of 30 minutes at this step")
    for percent in (5, 25, 50):
        claim = f"Step {percent} %: not worse than 15 points, shown (evidence "
        assert go(shadowing).decision.sentence.startswith(claim)
        assert rollout(shadowing) == (live, new, percent, new)
        assert go(shadowing).decision.sentence.startswith("Held: 0 of 20 compared requests since the last move")
        show(shadowing, served=1)
    assert go(shadowing).decision.action == "promote"
    assert rollout(shadowing) == (new, None, 0, live)
    show(shadowing, served=1)
    assert go(shadowing).decision.sentence.startswith("Released: not worse than 15 points, shown")
    assert rollout(shadowing) == (new, None, 0, None)
    assert go(shadowing).decision.sentence == "Held: nothing is compared with live."
    actions = [entry.action for entry in Ledger(shadowing).entries("small")]
    assert actions == ["promote", "shadow", "step", "step", "step", "promote", "release"]


def test_a_worse_candidate_is_rolled_back_at_its_step_and_stays_out(shadowing: Home) -> None:
    """No dwell is waited for; the digest is barred, also for a person who promotes by hand, and for the cycle's job."""
    live, _, _, new = rollout(shadowing)
    show(shadowing)
    go(shadowing)
    show(shadowing, wrong=60, served=1, week=WEEKS[0])
    found = go(shadowing, minutes=0)
    assert found.decision.sentence.startswith("Rolled back: more than 15 points worse, shown (evidence ")
    assert rollout(shadowing) == (live, None, 0, None)
    assert (
        load_decision(shadowing, "small")["sentence"]
        == Ledger(shadowing).entries("small")[-1].why
        == found.decision.sentence
    )
    assert Ledger(shadowing).entries("small")[-1].evidence["step"]["losses"] == 60
    with pytest.raises(RatchetError, match="rejected or rolled back"):
        nominate(shadowing, "small", new)
    with dg.DagsterInstance.ephemeral() as instance:
        assert fill_slot(shadowing, instance).success
    assert rollout(shadowing)[3] is None


def test_a_worse_live_adapter_is_replaced_by_its_predecessor(home: Home) -> None:
    """Promoted by hand, past every step; the watch takes over again."""
    live = Ledger(home).live("small")
    entry = promote(home, nominate(home, "small"), "by hand")
    assert rollout(home) == (entry.adapter, None, 0, live)
    show(home, wrong=60, served=1)
    assert go(home, minutes=1).decision.action == "rollback"
    assert rollout(home) == (live, None, 0, None)


EVIDENCE_GONE: dict[str, Callable[[Home], None]] = {
    "a changed adapter": lambda home: damage(next(home.root.glob("small/adapters/*/ratchet.json"), Path()), home),
    "a lost receipt": lambda home: next(home.root.glob(f"small/receipts/{WEEKS[1]}/leakage.json")).unlink(),
    "an edited receipt": lambda home: damage(next(home.root.glob(f"small/receipts/{WEEKS[1]}/leakage.json")), home),
    "another golden set": lambda home: home.golden("small").write_text('{"text": "new", "label": "amber"}\n'),
}


def damage(path: Path, home: Home) -> None:
    """Change a byte; of an adapter the candidate's."""
    if "adapters" in str(path):
        challenger = Ledger(home).state("small").challenger or ""
        path = home.adapters("small") / challenger / "ratchet.json"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)


def edit_outcome(path: Path) -> None:
    """Call what passed a warning."""
    path.write_text(path.read_text().replace('"outcome": "passed"', '"outcome": "warned"'))


@pytest.mark.parametrize("gone", EVIDENCE_GONE)
def test_no_step_is_taken_on_evidence_that_does_not_hold_any_more(shadowing: Home, gone: str) -> None:
    """F25: the promoter looks at bytes, receipts and golden set itself; it never asks what passed."""
    show(shadowing)
    EVIDENCE_GONE[gone](shadowing)
    found = go(shadowing)
    assert found.decision.action == "hold"
    assert found.decision.sentence.startswith("Held: checked again, the candidate may not advance: ")
    assert rollout(shadowing)[2] == 0


def run_week_again(home: Home) -> None:
    """What a second run of week two leaves, as on the Monday after an early cycle: another candidate's evidence."""
    cycle, receipts = Cycle("small", WEEKS[1]), Receipts(home)
    receipts.clear(cycle)
    receipts.note(cycle, adapter="f" * 64)
    with open_warehouse(home, "small").connect() as connection:
        connection.execute("DELETE FROM predictions WHERE week = ?", [WEEKS[1]])


AFTER_RERUN: dict[str, tuple[Callable[[Home], None], str]] = {
    "nothing": (lambda home: None, ""),
    "a changed adapter": (EVIDENCE_GONE["a changed adapter"], "adapter"),
    "another golden set": (EVIDENCE_GONE["another golden set"], "golden.jsonl changed since its cycle ran"),
    "a kept receipt that was edited": (
        lambda home: [edit_outcome(path) for path in home.kept_receipts("small").glob("*.json")] and None,
        "does not match its digest",
    ),
    "a week that it learned from is quarantined": (
        lambda home: Quarantine(home).take(
            "small", str(WEEKS[0]), "label_agreement", Verdict("failed", "Fails: late votes."), "r", "test"
        ) and None,
        f"it learned from the week of {WEEKS[0]}, which is quarantined",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", AFTER_RERUN)
def test_a_candidate_whose_week_ran_again_climbs_on_its_kept_receipts(shadowing: Home, case: str) -> None:
    """A rerun takes nothing from the candidate that is being compared; what its entry names is examined instead."""
    live, _, _, new = rollout(shadowing)
    show(shadowing)
    run_week_again(shadowing)
    change, says = AFTER_RERUN[case]
    change(shadowing)
    found = go(shadowing)
    if says:
        assert found.decision.action == "hold"
        assert says in found.decision.sentence
    else:
        assert rollout(shadowing) == (live, new, 5, new)


def test_votes_of_a_quarantined_week_leave_the_evidence_which_then_holds(shadowing: Home) -> None:
    """Until a person says so; then the same pairs carry the step."""
    show(shadowing)
    week, quarantine = str(WEEKS[1]), Quarantine(shadowing)
    quarantine.take("small", week, "golden_agreement", Verdict("failed", "Fails: swapped."), "r", "test")
    assert go(shadowing).decision.sentence.startswith("Held: 80 labelled requests are of a quarantined week")
    assert rollout(shadowing)[2] == 0
    quarantine.unquarantine("small", week, "reviewed", "ann")
    assert go(shadowing).decision.percent == 5


def test_a_candidate_that_waited_is_compared_with_the_live_of_now(home: Home) -> None:
    """It was judged against week one; by then week two has answered the same golden items in its own cycle."""
    answers = read_stored_answers(
        home, Cycle("small", WEEKS[1]), Receipts(home).noted(Cycle("small", WEEKS[1]))["adapter"]
    )
    cycle, adapter = Cycle("small", WEEKS[0]), Receipts(home).noted(Cycle("small", WEEKS[0]))["adapter"]
    other = str(Receipts(home).noted(Cycle("small", WEEKS[1]))["adapter"])
    now = compare_with(home, read_stored_answers(home, cycle, adapter), cycle, adapter, other)
    assert now is not None
    assert now.compared_with == other
    assert sorted(now.golden["live"]) == sorted(answers.golden["candidate"])
    assert now.distance is not None
    assert now.distance > 0
    assert compare_with(home, answers, cycle, adapter, "f" * 64) is None


def test_two_promoters_that_decide_at_once_move_once(shadowing: Home) -> None:
    """F22: both weigh, both carry out: the same move under one key, and one of another mind is told."""
    show(shadowing)
    now = datetime.now(UTC) + timedelta(hours=1)
    first, second = weigh(shadowing, "small", now=now), weigh(shadowing, "small", now=now)
    entry = apply_decision(shadowing, "small", first, now=now)
    assert apply_decision(shadowing, "small", second, now=now) == entry
    stale = weigh(shadowing, "small", now=now)
    roll_back(shadowing, "small", "complaints")
    late = WeighedRollout(stale.state, first.decision)
    with pytest.raises(RatchetError, match=r"cannot follow|someone decided meanwhile"):
        apply_decision(shadowing, "small", late, now=now + timedelta(hours=1))
    assert rollout(shadowing)[1] is None


def test_a_person_stops_lifts_and_rolls_back(shadowing: Home) -> None:
    """Each is one entry; a stop holds what would have moved, a rollback needs no evidence at all."""
    live, _, _, new = rollout(shadowing)
    show(shadowing)
    stop_or_resume(shadowing, "small", "holidays")
    assert go(shadowing).decision.sentence.startswith("Held: a person stopped the ladder")
    with pytest.raises(RatchetError, match="is stopped already"):
        stop_or_resume(shadowing, "small", "again")
    stop_or_resume(shadowing, "small", "back", lift=True)
    assert go(shadowing).decision.percent == 5
    shadowing.warehouse("small").unlink()
    entry = roll_back(shadowing, "small", "complaints")
    assert (entry.why, entry.previous_adapter, rollout(shadowing)) == (
        "Rolled back: complaints",
        new,
        (live, None, 0, None),
    )
    with pytest.raises(RatchetError, match="no earlier adapter"):
        roll_back(shadowing, "small", "again")


def test_the_sensor_asks_once_for_each_move_and_says_why_it_holds(shadowing: Home) -> None:
    """F23: the run key names head and move; ticks without news ask for nothing; the run carries out and observes."""
    with dg.DagsterInstance.ephemeral() as instance:
        first = tick(shadowing, instance)
        assert first.run_requests is not None
        (asked,) = first.run_requests
        assert str(asked.run_key).endswith(":hold:No data:attempt-1")
        assert promotion.execute_in_process(instance=instance, run_config=asked.run_config).success
        assert "small: Held: 0 of 60 compared requests" in str(tick(shadowing, instance).skip_reason)
        show(shadowing)
        assert tick(shadowing, instance).run_requests != []
        (observed, *_) = instance.fetch_observations(dg.AssetKey("adapter"), limit=1).records
    assert observed.asset_observation is not None
    assert observed.asset_observation.description == load_decision(shadowing, "small")["sentence"]
    assert {"decision", "guardrails", "evidence"} <= set(observed.asset_observation.metadata)


def tick(home: Home, instance: dg.DagsterInstance) -> dg.SensorResult:
    """One tick."""
    with dg.build_sensor_context(instance=instance) as context:
        found = promotion_sensor(context, home=home)
    assert isinstance(found, dg.SensorResult)
    return found


def test_a_lost_dagster_home_changes_nothing(shadowing: Home) -> None:
    """F36: ledger and flags hold the rollout; an empty instance goes on where the old one was."""
    show(shadowing)
    go(shadowing)
    with dg.DagsterInstance.ephemeral() as instance:
        found = tick(shadowing, instance)
    assert "small: Held: 0 of 20 compared requests since the last move" in str(found.skip_reason) or found.run_requests
    assert rollout(shadowing)[2] == 5


def test_a_sensor_rebuilds_no_warehouse_and_a_rollback_does_not_wait_for_one(shadowing: Home) -> None:
    """An old home, or a lost file: a run rebuilds it, once; a candidate that fails its requests goes meanwhile."""
    live = Ledger(shadowing).live("small")
    show(shadowing)
    go(shadowing)
    shadowing.warehouse("small").unlink()
    with dg.DagsterInstance.ephemeral() as instance:
        (request,) = tick(shadowing, instance).run_requests or ()
        assert str(request.run_key) == "small:rebuild:1"
        assert not shadowing.warehouse("small").exists()
        show(shadowing, error="out of memory")
        (request,) = tick(shadowing, instance).run_requests or ()
        assert ":rollback:" in str(request.run_key)
        done = promotion.execute_in_process(instance=instance, run_config=request.run_config)
    assert done.success
    assert not shadowing.warehouse("small").exists()
    assert rollout(shadowing) == (live, None, 0, None)


def test_the_run_that_was_asked_to_rebuild_does_so_and_then_decides(shadowing: Home) -> None:
    """Corrections count again, and the step follows."""
    show(shadowing)
    shadowing.warehouse("small").unlink()
    with dg.DagsterInstance.ephemeral() as instance:
        (request,) = tick(shadowing, instance).run_requests or ()
        done = promotion.execute_in_process(instance=instance, run_config=request.run_config, tags=request.tags)
        assert done.success
        assert shadowing.warehouse("small").exists()
        following = tick(shadowing, instance)
    assert not [each for each in following.run_requests or () if ":rebuild:" in str(each.run_key)]


def command(home: Home, *words: str) -> int:
    """Exit code of the command, in this process."""
    return main(["--home", str(home.root), "--yes", *words])


def actions(home: Home) -> list[str]:
    """What the ledger holds, what seals a policy aside."""
    return [entry.action for entry in Ledger(home).entries("small") if entry.action != "policy"]


def test_promoting_over_a_live_adapter_asks_to_skip_its_shadow(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is entered before; the sentence names both ways. It is counted as an override, under a name."""
    assert command(home, "promote", "small", "--why", "better") == 64
    refused = capsys.readouterr().err
    assert "ratchet shadow small" in refused
    assert "--skip-shadow" in refused
    assert actions(home) == ["promote"]
    capsys.readouterr()
    assert command(home, "promote", "small", "--skip-shadow", "--by", "Ann  Example", "--why", "urgent") == 0
    assert "counted as an override, since no evidence proves it: this year 0.1 of 5 % spent" in capsys.readouterr().out
    assert actions(home) == ["promote", "promote"]
    assert Ledger(home).entries("small")[-1].actor.startswith("Ann Example (account ")


def test_a_nominee_is_not_promoted_once_somebody_decided(home: Home) -> None:
    """While its user is asked to confirm: what it was compared with may not be live any more."""
    nominee = nominate(home, "small")
    shadow(home, nominee)
    with pytest.raises(RatchetError, match="someone decided meanwhile"):
        promote(home, nominee, "asked before")
    assert actions(home) == ["promote", "shadow"]


def test_a_candidate_that_a_quarantined_week_kept_out_enters_once_it_is_released(home: Home) -> None:
    """Its first run ended without an entry, and no key runs twice: the next one has another."""
    Quarantine(home).take("small", str(WEEKS[0]), "row_quality", Verdict("failed", "Fails: why."), "rows", "test")
    keys = []
    with dg.DagsterInstance.ephemeral() as instance:
        for _ in range(2):
            with dg.build_sensor_context(instance=instance) as context:
                result = shadow_deployment_sensor(context, home=home)
            assert isinstance(result, dg.SensorResult)
            (request,) = result.run_requests or ()
            keys.append(request.run_key)
            done = shadow_deployment.execute_in_process(
                instance=instance, run_config=request.run_config, tags=request.tags
            )
            assert done.success
            if len(keys) == 1:
                assert actions(home) == ["promote"]
                Quarantine(home).unquarantine("small", str(WEEKS[0]), "looked at", "test")
    assert len(set(keys)) == 2
    assert actions(home) == ["promote", "shadow"]


def test_the_command_shadows_once_and_again_only_after_the_shadow_has_ended(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    """While one is compared it is refused; what expired enters by a new entry, by hand alone."""
    assert command(home, "shadow", "small") == 0
    assert "users see only live" in capsys.readouterr().out
    assert command(home, "shadow", "small") == 1
    assert "is being compared with live" in capsys.readouterr().err
    assert go(home, minutes=60 * 24 * 15).decision.action == "expire"
    assert find_entrant(home, "small").cycle is None
    assert command(home, "shadow", "small") == 0
    assert actions(home) == ["promote", "shadow", "expire", "shadow"]


def test_the_command_lets_a_quarantined_week_be_used(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """It says what had blocked it; a week that is not held, and an empty reason, are errors."""
    week, failed = str(WEEKS[0]), Verdict("failed", "Fails: late votes.")
    Quarantine(home).take("small", week, "label_agreement", failed, "r", "test")
    assert command(home, "shadow", "small") == 2
    assert "it learned from the week of 2026-01-05, which is quarantined" in capsys.readouterr().err
    assert command(home, "unquarantine", "small", "--week", week, "--why", " ") == 64
    assert command(home, "unquarantine", "small", "--week", str(WEEKS[1]), "--why", "reviewed") == 1
    assert "quarantined: 2026-01-05" in capsys.readouterr().err
    assert command(home, "unquarantine", "small", "--week", "2026-W02", "--why", "reviewed") == 0
    assert "though label_agreement blocked it" in capsys.readouterr().out
    assert command(home, "shadow", "small") == 0


COPY_SQL = """
UPDATE predictions AS c SET probabilities = l.probabilities FROM predictions AS l
WHERE c.model = 'candidate' AND l.model = 'live' AND c.week = $week AND l.week = c.week AND l.split = c.split
AND l.item = c.item AND (c.item <> $spared OR c.split <> 'golden')
"""


@pytest.mark.parametrize("spared", ["", "golden-1"])
def test_a_copy_of_live_is_refused_by_the_probabilities_of_its_answers(home: Home, spared: str) -> None:
    """An A/A copy of another digest: each stored probability is that of live. One text that differs is enough."""
    cycle = Cycle("small", WEEKS[1])
    adapter, live = str(Receipts(home).noted(cycle)["adapter"]), str(Ledger(home).live("small"))
    with open_warehouse(home, "small").connect() as connection:
        items = [row[0] for row in connection.execute("SELECT item FROM predictions WHERE split = 'golden'").fetchall()]
        connection.execute(COPY_SQL, {"week": WEEKS[1], "spared": items[0] if spared else ""})
    distance = read_stored_answers(home, cycle, adapter).distance
    assert distance is not None
    if spared:
        assert distance > 0
        assert nominate(home, "small").adapter == adapter
        return
    assert distance == 0
    for choice in (None, adapter):
        with pytest.raises(BlockedError, match=f"as live {live[:12]} does: a copy is not promoted"):
            nominate(home, "small", choice)
    with dg.DagsterInstance.ephemeral() as instance:
        fill_slot(home, instance)
    assert [entry.action for entry in Ledger(home).entries("small")] == ["promote"]


def enter_next(home: Home, instance: dg.DagsterInstance) -> str:
    """Tick the sensor of shadows once, and run what it asks for; its reason where it asks for nothing."""
    data = shadow_deployment_sensor.evaluate_tick(dg.build_sensor_context(instance=instance, resources={"home": home}))
    for request in data.run_requests or []:
        assert shadow_deployment.execute_in_process(instance=instance, run_config=request.run_config).success
    return data.skip_message or ""


def climb(home: Home) -> None:
    """Show evidence at each step until nothing is compared any more: 5, 25, 50, all, and the watch."""
    for served in (0, 1, 1, 1, 1):
        show(home, served=served)
        go(home)


@pytest.mark.faults
def test_of_two_candidates_that_wait_the_newest_enters_once_the_rollout_has_ended(
    home: Home, run_here: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """Week two climbs to its end while weeks three and four pass their real cycles: week four enters next by itself
    and climbs, too; week three never does, and nothing enters twice, whenever the sensor looks."""
    made, small = [str(Receipts(home).noted(Cycle("small", week))["adapter"]) for week in WEEKS], SmallClassifier(home)
    with dg.DagsterInstance.ephemeral() as instance:
        assert enter_next(home, instance) == ""
        for number in (2, 3):
            week = WEEKS[0] + timedelta(days=7 * number)
            small.write_week(week)
            done = run_here("--home", home.root, "cycle", "small", "--week", week)
            assert done.returncode == 0, done.stderr
            made.append(str(Receipts(home).noted(Cycle("small", week))["adapter"]))
            assert f"is being compared; {made[-1][:12]} of {week} waits" in enter_next(home, instance)
        climb(home)
        assert rollout(home) == (made[1], None, 0, None)
        assert enter_next(home, instance) == ""
        assert rollout(home) == (made[1], None, 0, made[3])
        assert f"{made[3][:12]} is being compared" in enter_next(home, instance)
        climb(home)
        assert rollout(home) == (made[3], None, 0, None)
        assert "no cycle has passed since" in enter_next(home, instance)
    entries = [(entry.action, entry.adapter) for entry in Ledger(home).entries("small")]
    assert len(set(made)) == 4
    assert [adapter for action, adapter in entries if action == "shadow"] == [made[1], made[3]]
    assert [adapter for action, adapter in entries if action == "promote"] == [made[0], made[1], made[3]]


def test_a_candidate_that_examples_alone_judged_enters_by_a_person_only(home: Home) -> None:
    """No sensor and no `ratchet shadow` takes it; a promotion by hand does, and says what judged it."""
    cycle, receipts = Cycle("small", WEEKS[1]), Receipts(home)
    assert find_entrant(home, "small").cycle is not None
    of_examples = receipts.read(cycle)["label_distribution"]
    receipts.write(cycle, of_examples.gate, of_examples.verdict, {**of_examples.binds, "split_by": "text"})
    entrance = find_entrant(home, "small")
    assert entrance.cycle is None
    assert "promote it by hand: ratchet promote small --skip-shadow" in entrance.reason
    with pytest.raises(BlockedError, match="nothing but a person may make it live"):
        shadow_by_hand(home, "small")
    assert nominate(home, "small").reason.endswith("on labelled examples alone")
