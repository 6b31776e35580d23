"""Alerts are derived from stored state, written down before they are sent, and never lost, whoever is killed."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from ratchet.core.cycle import Cycle, parse_week
from ratchet.core.files import append_line
from ratchet.storage.alert_log import AlertLog, read_tick
from ratchet.storage.home import Home
from ratchet.storage.locks.process_locks import try_lock
from ratchet.storage.reports import Reports, StageResult
from ratchet.storage.rollout.ledger import Ledger
from ratchet.testing.alert_receiver import AlertReceiver
from ratchet.testing.killed_processes import run_until_failpoint
from ratchet.testing.year_of_weeks import promote_past, roll_back_past
from ratchet.workflows.alerts.send import Tick, send_alerts

pytestmark = pytest.mark.slow

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
WEEK = Cycle("tickets", parse_week("2026-02-23"))
SPEC = '[[label]]\nname = "a"\n\n[[label]]\nname = "b"\n\n[[candidate]]\nmethod = "probe"\n'


@pytest.fixture
def receiver() -> AlertReceiver:
    """A receiver that serves during the test."""
    with AlertReceiver() as found:
        yield found


@pytest.fixture
def home(tmp_path: Path, receiver: AlertReceiver) -> Home:
    """A home of one classifier whose alerts go to the receiver at once."""
    found = Home(tmp_path)
    add_classifier(found, "tickets")
    configure(found, receiver)
    return found


def add_classifier(home: Home, name: str) -> None:
    """A classifier with a specification alone."""
    home.classifier(name).mkdir()
    home.spec(name).write_text(SPEC)


def configure(home: Home, *receivers: AlertReceiver, alerts: str = "group_minutes = 0\ndigest_at = ''\n") -> None:
    """Settings with these receivers: ops, ops1, ops2."""
    tables = "".join(
        f'\n[[alerts.receiver]]\nname = "ops{number or ""}"\nurl = "{each.address}"\n'
        for number, each in enumerate(receivers)
    )
    home.settings.write_text(f"[alerts]\n{alerts}{tables}")


def tick(home: Home, minutes: float = 0) -> Tick:
    """One tick, so many minutes after `NOW`."""
    return send_alerts(home, {}, NOW + timedelta(minutes=minutes))


def block(home: Home, run: str = "run-0001", cycle: Cycle = WEEK, reason: str = "Fails: 3 of 9 pairs differ.") -> None:
    """A run of a week that label_agreement blocks."""
    stages = [StageResult("production_logs", "pass", 1.0), StageResult("label_agreement", "blocked", 1.0, reason)]
    Reports(home).record(cycle, stages, run, now=NOW)


def test_each_event_is_sent_once_with_its_link_runbook_and_id(home: Home, receiver: AlertReceiver) -> None:
    """Blocked, promoted and rolled back: one line each; the next ticks send nothing again."""
    tick(home)
    block(home)
    promote_past(home, WEEK, "a" * 64)
    promote_past(home, Cycle("tickets", parse_week("2026-03-02")), "b" * 64, hours=1)
    roll_back_past(home, Cycle("tickets", parse_week("2026-03-02")), "b" * 64)
    assert (tick(home, 1).sent, tick(home, 2).sent) == (3, 0)
    texts = {each["title"]: each["message"].splitlines() for each in receiver.messages}
    line, link, runbook, mark = texts["Ratchet, tickets blocked"]
    assert line == "tickets: week 2026-02-23 blocked by label_agreement: 3 of 9 pairs differ."
    assert link == "http://127.0.0.1:8008/reports/tickets/2026-02-23"
    assert runbook == "runbook http://127.0.0.1:8008/manual/how-to/runbooks/#blocked"
    assert mark == "id tickets:2026-02-23:run-0001:blocked"
    back = texts["Ratchet, tickets rolled back"]
    assert back[0].startswith("tickets: rolled back 2026-03-02 · bbbbbbbb, 2026-02-23 · aaaaaaaa answers: ")
    assert "http://127.0.0.1:8008/rollout/tickets" in back
    assert len(texts["Ratchet, 2 x promoted"]) == 6, "two lines with their links, one runbook, one id"


def test_an_old_home_starts_from_now(home: Home, receiver: AlertReceiver) -> None:
    """What happened before the first tick is known; what happens afterwards is sent; so for a classifier that is
    copied in."""
    promote_past(home, WEEK, "a" * 64)
    block(home)
    assert tick(home).due == 0
    add_classifier(home, "mails")
    block(home, cycle=Cycle("mails", WEEK.week))
    assert tick(home, 60 * 24 * 2).due == 0, "its block is older than a day"
    block(home, "run-0002")
    assert tick(home, 60 * 24 * 2 + 1).sent == 1
    assert receiver.ids() == ["tickets:2026-02-23:run-0002:blocked"]


def test_a_week_that_runs_again_before_a_tick_hides_nothing(home: Home, receiver: AlertReceiver) -> None:
    """`run_results.json` is replaced; the run log has both."""
    tick(home)
    block(home, "run-0001")
    Reports(home).record(WEEK, [StageResult("production_logs", "error", 1.0, "no space")], "run-0002", now=NOW)
    assert tick(home, 1).sent == 2
    assert sorted(receiver.ids()) == ["tickets:2026-02-23:run-0001:blocked", "tickets:2026-02-23:run-0002:failed"]


FAILPOINTS = {"alerts.after_due": 0, "alerts.before_message": 0, "alerts.after_message": 0, "alerts.before_outcome": 1,
              "alerts.after_outcome": 1}  # fmt: skip
"""Where the sender is killed, and how often the message had reached the receiver by then."""


@pytest.mark.parametrize("name", list(FAILPOINTS))
def test_a_sender_that_is_killed_loses_nothing_and_repeats_under_the_same_id(
    home: Home, receiver: AlertReceiver, name: str
) -> None:
    """kill -9 at each failpoint: the next tick sends what was not noted as sent, with id and text as before."""
    tick(home)
    block(home)
    script = (
        "import sys; from pathlib import Path; from datetime import datetime\n"
        "from ratchet.storage.home import Home; from ratchet.workflows.alerts.send import send_alerts\n"
        "send_alerts(Home(Path(sys.argv[1])), {}, datetime.fromisoformat(sys.argv[2]))"
    )
    status, _ = run_until_failpoint(script, [home.root, NOW.isoformat()], name)
    assert status == -9
    assert len(receiver.messages) == FAILPOINTS[name]
    tick(home, 1)
    again = 2 if name == "alerts.before_outcome" else 1
    assert receiver.ids() == ["tickets:2026-02-23:run-0001:blocked"] * again
    assert len({each["message"] for each in receiver.messages}) == 1
    assert tick(home, 2).sent == 0


def test_a_group_that_was_written_down_is_sent_as_it_was(home: Home, receiver: AlertReceiver) -> None:
    """A message that could not be sent keeps its alerts and its id; what came later is another message."""
    tick(home)
    block(home, "run-0001")
    block(home, "run-0002")
    receiver.status = 503
    assert tick(home, 1).failed == {"ops": "answered 503"}
    block(home, "run-0003")
    receiver.status = 200
    assert (tick(home, 10).sent, tick(home, 11).sent) == (1, 1)
    first, second = receiver.ids()
    assert first.startswith("blocked:2:")
    assert second == "tickets:2026-02-23:run-0003:blocked"


def test_a_broken_receiver_stops_itself_alone_and_pauses_longer_each_time(home: Home, receiver: AlertReceiver) -> None:
    """One that refuses is tried after 30 s, a minute, two; the other one gets everything at once."""
    with AlertReceiver() as other:
        configure(home, receiver, other)
        tick(home)
        block(home)
        receiver.status = 500
        found = tick(home, 1)
        assert (found.sent, list(found.failed)) == (1, ["ops"])
        tries = [bool(tick(home, 1 + seconds / 60).failed) for seconds in (20, 40, 80, 110, 200, 250)]
        assert tries == [False, True, False, True, False, True]
        receiver.status = 200
        assert tick(home, 60).sent == 1
        assert receiver.ids() == other.ids() == ["tickets:2026-02-23:run-0001:blocked"]


def test_a_receiver_that_hangs_is_ended_at_the_deadline(
    home: Home, receiver: AlertReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tick ends, the other receiver has its message, and this one is tried again."""
    with AlertReceiver() as other:
        configure(home, receiver, other)
        tick(home)
        block(home)
        receiver.status = 0
        from ratchet.workflows.alerts import deliver

        monkeypatch.setattr(deliver, "ALERT_DELIVERY_S", 3.0)
        assert tick(home, 1).failed == {"ops": "did not answer within 15 s"}
        assert other.ids()
        receiver.status = 200
        assert tick(home, 5).sent == 1


def test_a_missing_variable_is_named_and_no_secret_is_written(home: Home, receiver: AlertReceiver) -> None:
    """The address is filled in when a message is sent; neither log nor state holds it."""
    home.settings.write_text(
        "[alerts]\ngroup_minutes = 0\ndigest_at = ''\n[[alerts.receiver]]\nname = 'ops'\nurl = 'json://${PLACE}/CANARY'\n"
    )
    tick(home)
    block(home)
    assert tick(home, 1).failed == {"ops": "the environment variable PLACE is not set"}
    place = {"PLACE": receiver.address.removeprefix("json://").removesuffix("/hook")}
    assert send_alerts(home, place, NOW + timedelta(minutes=9)).sent == 1
    receiver.status = 403
    block(home, "run-0002")
    assert send_alerts(home, place, NOW + timedelta(minutes=10)).failed == {"ops": "answered 403"}
    kept = b"".join(path.read_bytes() for path in home.alerts.iterdir())
    assert b"CANARY" not in kept
    assert place["PLACE"].encode() not in kept


def test_many_classifiers_blocked_at_once_are_one_message(home: Home, receiver: AlertReceiver) -> None:
    """Alerts of one event wait `group_minutes` for their like; urgent ones do not wait."""
    configure(home, receiver, alerts="digest_at = ''\n")
    names = [f"c{number:02d}" for number in range(15)]
    for name in names:
        add_classifier(home, name)
    tick(home)
    for number, name in enumerate(names):
        block(home, cycle=Cycle(name, WEEK.week))
        if number in {5, 14}:
            assert tick(home, 1 + number / 10).sent == 0
    Reports(home).record(WEEK, [StageResult("adapter", "error", 1.0, "no space")], "run-0002", now=NOW)
    assert tick(home, 3).sent == 1, "failed is urgent"
    assert tick(home, 7).sent == 1
    text = receiver.messages[-1]
    assert text["title"] == "Ratchet, 15 x blocked"
    assert "and 3 more: ratchet alerts list" in text["message"]
    assert "\nc11: week 2026-02-23 blocked" in text["message"]


def test_quiet_hours_hold_all_but_the_urgent(home: Home, receiver: AlertReceiver) -> None:
    """In the time zone of the settings: 12:00 UTC is 13:00 in Berlin."""
    quiet = (
        "group_minutes = 0\ndigest_at = ''\nquiet = '12:30-14:00'\ntimezone = 'Europe/Berlin'\nurgent = ['failed']\n"
    )
    configure(home, receiver, alerts=quiet)
    tick(home)
    block(home)
    Reports(home).record(WEEK, [StageResult("adapter", "error", 1.0, "no space")], "run-0002", now=NOW)
    assert (tick(home, 1).sent, tick(home, 59).sent, tick(home, 60).sent) == (1, 0, 1)
    assert [each.rpartition(":")[2] for each in receiver.ids()] == ["failed", "blocked"]


def test_the_digest_is_one_message_on_monday_for_all_classifiers(home: Home, receiver: AlertReceiver) -> None:
    """Also after a Monday on which nothing sent; never twice."""
    configure(home, receiver, alerts="group_minutes = 0\ndigest_at = 'mon 08:00'\n")
    add_classifier(home, "mails")
    promote_past(home, WEEK, "a" * 64)
    tick(home)
    tuesday = (datetime(2026, 3, 10, 9, tzinfo=UTC) - NOW).total_seconds() / 60
    assert (tick(home, tuesday).sent, tick(home, tuesday + 5).sent) == (1, 0)
    assert receiver.messages[0]["message"].splitlines() == [
        "mails: nothing is live",
        "tickets: live 2026-02-23 · aaaaaaaa",
        "http://127.0.0.1:8008/",
        "id digest:2026-03-09",
    ]


def test_states_are_alerts_once_as_long_as_they_last(home: Home, receiver: AlertReceiver) -> None:
    """Held for a day and live for too long: each once, whatever the number of ticks; the hold again when it is new."""
    promote_past(home, WEEK, "a" * 64)
    tick(home)
    hold(home, "hold", "waiting for legal")
    day = 60.0 * 24
    assert [tick(home, minutes).sent for minutes in (day - 10, day + 10, day + 20)] == [0, 1, 0]
    assert receiver.messages[0]["message"].startswith(
        "tickets: held since 2026-03-04 12:00 by test: waiting for legal\n"
    )
    assert tick(home, 60 * day).due == 1, "live is eight weeks old"
    assert receiver.ids()[-1].startswith("tickets:live_old:1:aaaaaaaa")


def hold(home: Home, action: str, why: str) -> None:
    """Hold or resume the rollout at `NOW`."""
    content = {"adapter": "a" * 64, "week": str(WEEK.week), "actor": "test", "why": why, "receipts": {}}
    Ledger(home).append("tickets", action=action, ts=NOW.isoformat(), **content)


def test_a_file_that_cannot_be_read_is_an_alert_and_stops_no_other(home: Home, receiver: AlertReceiver) -> None:
    """A damaged ledger is named once; the other classifier goes on."""
    tick(home)
    add_classifier(home, "mails")
    append_line(home.ledger("tickets"), "{}")
    block(home, cycle=Cycle("mails", WEEK.week))
    assert tick(home, 1).sent == 2
    assert tick(home, 2).sent == 0
    assert sorted(each.split(":")[1] for each in receiver.ids()) == ["2026-02-23", "unreadable"]


def test_one_process_at_a_time_sends(home: Home) -> None:
    """Whoever comes second says so and does nothing."""
    home.alerts.mkdir()
    with try_lock(home.alerts / "lock") as held:
        assert held
        assert tick(home).busy


def test_the_ping_goes_out_while_the_sender_is_healthy(home: Home, receiver: AlertReceiver) -> None:
    """Every so many minutes; it stops when a message could not be sent for an hour, so that its watcher speaks."""
    configure(home, receiver, alerts=f"group_minutes = 0\ndigest_at = ''\nping = '{receiver.url}/ping'\n")
    assert [tick(home, minutes).pinged for minutes in (0, 1, 4, 5)] == ["", None, None, ""]
    assert receiver.pings == ["/ping", "/ping"]
    block(home)
    with AlertReceiver() as closed:
        broken = closed.address
    home.settings.write_text(home.settings.read_text().replace(receiver.address, broken))
    assert tick(home, 10).pinged == ""
    assert tick(home, 100).pinged is None
    assert read_tick(home)["healthy"] is False
    assert read_tick(home)["waiting"] == {"ops": 1}
    assert AlertLog(home).read().failures["ops"][2] == "could not be reached"


def test_the_process_that_sends_shows_no_secret(home: Home, receiver: AlertReceiver) -> None:
    """While it waits for a receiver, neither its arguments nor its environment hold the address or another secret."""
    home.settings.write_text(home.settings.read_text().replace("/hook", "/${CANARY_A}"))
    environment = {"CANARY_A": "canary-in-the-address", "CANARY_B": "canary-of-another"}
    tick(home)
    block(home)
    receiver.status = 0
    sender = threading.Thread(target=send_alerts, args=(home, environment, NOW + timedelta(minutes=1)))
    sender.start()
    assert receiver.asked.wait(30)
    (child,) = [
        each for each in psutil.Process().children() if "ratchet.workflows.alerts.sender_process" in each.cmdline()
    ]
    shown = " ".join(child.cmdline()) + str(child.environ())
    receiver.closing.set()
    sender.join()
    assert "canary" not in shown
