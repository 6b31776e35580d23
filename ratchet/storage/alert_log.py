"""Log of alerts, `<home>/.alerts/log.jsonl`: what was due, which message was about to be sent, and how that ended.

Append-only: a message is written before it is sent and its outcome afterwards, so that a killed sender sends it again
under the same id. Add a kind of line here; what is due is found in `ratchet/workflows/alerts/`.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ratchet.core.failpoints import failpoint
from ratchet.core.files import append_line, read_if_there, whole_lines, write_json
from ratchet.core.filesystem import DISK, FileSystem
from ratchet.storage.home import Home

BEGIN, DUE, MESSAGE, SENT, FAILED = "begin", "due", "message", "sent", "failed"


@dataclass
class AlertState:
    """The sum of the lines: all that a sender must know."""

    begun: set[str] = field(default_factory=set)
    """Classifiers whose history was known when the sender first saw them."""
    known: set[str] = field(default_factory=set)
    """Ids that need no alert any more: of before the beginning, or due once."""
    due: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Alerts by id, in the order in which they became due."""
    messages: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    """Messages by receiver and id, with `outcome`: sent, or the reason of the newest failure."""
    failures: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    """Receiver to failures in a row, time and reason of the newest one."""

    def add(self, line: Mapping[str, Any]) -> None:
        """Add one line; raises KeyError or TypeError for one that is not ours."""
        kind = line["kind"]
        if kind == BEGIN:
            self.begun.add(line["classifier"])
            self.known.update(line["known"])
        elif kind == DUE:
            self.known.add(line["id"])
            self.due.setdefault(line["id"], dict(line))
        elif kind == MESSAGE:
            self.messages.setdefault((line["receiver"], line["id"]), {**line, "outcome": ""})
        elif kind == SENT:
            self.messages[line["receiver"], line["id"]]["outcome"] = SENT
            self.messages[line["receiver"], line["id"]]["sent"] = line["ts"]
            self.failures.pop(line["receiver"], None)
        elif kind == FAILED:
            count = self.failures.get(line["receiver"], (0, "", ""))[0]
            self.failures[line["receiver"]] = (count + 1, line["ts"], line["why"])
            self.messages[line["receiver"], line["id"]]["outcome"] = line["why"]

    def is_sent(self, receiver: str, alert: str) -> bool:
        """True where a message with this alert reached the receiver."""
        return (receiver, alert) in self._delivered()

    def unfinished(self, receiver: str) -> list[dict[str, Any]]:
        """List the receiver's messages that were written and not sent yet, oldest first."""
        return [each for (to, _), each in self.messages.items() if to == receiver and each["outcome"] != SENT]

    def waiting(self, receiver: str) -> list[dict[str, Any]]:
        """List the alerts for a receiver that are in no message yet, oldest first."""
        placed = {alert for (to, _), each in self.messages.items() if to == receiver for alert in each["alerts"]}
        return [each for each in self.due.values() if receiver in each["to"] and each["id"] not in placed]

    def _delivered(self) -> set[tuple[str, str]]:
        return {
            (to, alert)
            for (to, _), each in self.messages.items()
            if each["outcome"] == SENT
            for alert in each["alerts"]
        }


@dataclass(frozen=True)
class AlertLog:
    """The log of a home."""

    home: Home
    disk: FileSystem = DISK

    def read(self) -> AlertState:
        """Read the log; a line that cannot be read, as after a crash, is left out."""
        state = AlertState()
        for line in whole_lines(read_if_there(self.home.alerts / "log.jsonl", self.disk) or b""):
            try:
                state.add(json.loads(line))
            except (ValueError, KeyError, TypeError, RecursionError):
                continue
        return state

    def begin(self, state: AlertState, classifier: str, known: Iterable[str], now: datetime) -> None:
        """Note that the history of a classifier up to now needs no alerts."""
        self._append(state, now, {"kind": BEGIN, "classifier": classifier, "known": sorted(known)})

    def add_due(self, state: AlertState, alert: Mapping[str, Any], to: Iterable[str], now: datetime) -> None:
        """Note that an alert (id, event, classifier, line, link) is due, for the receivers `to`."""
        self._append(state, now, {"kind": DUE, **alert, "to": list(to)})
        failpoint("alerts.after_due")

    def intend(self, state: AlertState, receiver: str, message: Mapping[str, Any], now: datetime) -> None:
        """Note that a message (id, alerts, title, body) is about to be sent."""
        failpoint("alerts.before_message")
        self._append(state, now, {"kind": MESSAGE, "receiver": receiver, **message})
        failpoint("alerts.after_message")

    def end(self, state: AlertState, receiver: str, message: str, why: str, now: datetime) -> None:
        """Note that a message was sent, or with a reason that it was not."""
        failpoint("alerts.before_outcome")
        outcome = {"kind": FAILED, "why": why} if why else {"kind": SENT}
        self._append(state, now, {**outcome, "receiver": receiver, "id": message})
        failpoint("alerts.after_outcome")

    def _append(self, state: AlertState, now: datetime, line: dict[str, Any]) -> None:
        document = {"ts": now.isoformat(timespec="seconds"), **line}
        append_line(self.home.alerts / "log.jsonl", json.dumps(document, ensure_ascii=False), self.disk)
        state.add(document)


def write_tick(home: Home, facts: Mapping[str, Any]) -> None:
    """Write when the sender last did its work, and what waits: `<home>/.alerts/tick.json`, expendable."""
    write_json(home.alerts / "tick.json", dict(facts))


def read_tick(home: Home) -> dict[str, Any]:
    """Read what `write_tick` wrote; empty where nothing ever sent, or the file is damaged."""
    try:
        document = json.loads((home.alerts / "tick.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
