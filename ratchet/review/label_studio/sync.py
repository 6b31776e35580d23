"""Comparison of a Label Studio project with what was taken from it: votes, skips, withdrawals, and what was lost.

Each annotation counts once, by its name and the time of its newest change. A server that was restored from an older
backup takes no vote back. Add here what a difference means; it is carried out by `ratchet/workflows/review/`.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from ratchet.data.records import MAX_NOTE_CHARS
from ratchet.review.label_studio.api import ServerAnnotation, ServerTask, server_time
from ratchet.review.label_studio.differences import Differences, StudioVote
from ratchet.review.label_studio.form import IN_PLACE
from ratchet.review.label_studio.sync_state import KnownAnnotation, SentRequest, SyncState

OVERLAP = timedelta(minutes=10)
"""Time before the newest change that a poll reads again: a change may become visible after a later one."""
WITHDRAWN = "withdrawn"
_WORDS = {words: answer for answer, words, _ in IN_PLACE.values()}


def since(cursor: str) -> str:
    """Return the time from which the next poll reads."""
    return server_time((datetime.fromisoformat(cursor) - OVERLAP).isoformat())


def compare(
    state: SyncState,
    tasks: Iterable[ServerTask],
    person: Callable[[int | None], str],
    *,
    whole: bool,
    restored: bool = False,
) -> Differences:
    """Compare what the server has with what was taken.

    `person` gives the annotator of a user, '' for nobody: such an annotation is looked at again by every poll.
    `whole`: `tasks` are all of the project, so that others are gone. `restored`: the server went back to an older
    state, so that what it lacks was not deleted by anybody.
    """
    work = _Comparison(state, person)
    cursor, foreign = "" if restored else state.cursor, [0, 0]
    present: set[int] = set()
    for task in tasks:
        cursor = max(cursor, task.updated)
        requests = state.pushes.get(task.push, {})
        if task.request_id not in requests:
            foreign = [foreign[0] + 1, foreign[1] + len(task.annotations)]
            continue
        present.add(task.id)
        work.take(task, requests[task.request_id], restored=restored)
    gone = tuple(number for number in state.tasks if number not in present) if whole else ()
    work.lose(gone)
    work.withdraw()
    return Differences(
        work.changed, work.tasks, gone, tuple(work.votes), tuple(work.skips), cursor or state.cursor,
        (foreign[0], foreign[1]) if whole else None, tuple(sorted(work.unknown)),
    )  # fmt: skip


class _Comparison:
    """Annotations as they become known, with the votes and skips that follow."""

    def __init__(self, state: SyncState, person: Callable[[int | None], str]) -> None:
        self._person, self._known = person, dict(state.annotations)
        self._by_task: dict[int, list[str]] = {}
        for name, each in state.annotations.items():
            if not each.kept:
                self._by_task.setdefault(each.task, []).append(name)
        self._former = state.tasks
        self.changed: dict[str, KnownAnnotation] = {}
        self.tasks: dict[int, str] = {}
        self.votes: list[StudioVote] = []
        self.skips: list[tuple[str, str]] = []
        self.unknown: set[str] = set()
        self._deleted: list[str] = []

    def take(self, task: ServerTask, sent: SentRequest, *, restored: bool) -> None:
        if self._former.get(task.id) != task.request_id:
            self.tasks[task.id] = task.request_id
        there = set()
        for each in task.annotations:
            there.add(f"{each.id}@{each.created}")
            self._annotation(task, sent, each)
        for name in self._by_task.get(task.id, ()):
            if name not in there:
                if restored or task.updated < self._known[name].updated:  # a deletion touches the task
                    self._keep(name)
                else:
                    self._deleted.append(name)

    def lose(self, gone: Iterable[int]) -> None:
        """Keep what came of tasks that are gone: who clears a project up takes no answer back."""
        for number in gone:
            for name in self._by_task.get(number, ()):
                self._keep(name)

    def withdraw(self) -> None:
        """Withdraw the votes of deleted annotations; a person's other annotation of the request counts again."""
        votes = {name: self._known[name].votes for name in self._deleted}
        for name in self._deleted:  # all before any is replaced by another one
            self._set(name, replace(self._known[name], kept=True, votes={}))
        for name, each in votes.items():
            for annotator, ts in each.items():
                self._fall_back(self._known[name], annotator, ts)

    def _fall_back(self, deleted: KnownAnnotation, annotator: str, ts: str) -> None:
        others = [
            each for each in self._known.values()
            if each.request_id == deleted.request_id and annotator in each.votes and not each.kept and each.is_vote
        ]  # fmt: skip
        newest = max(others, key=lambda each: each.votes[annotator], default=None)
        if newest is None:
            # just after the vote, so that whatever the person answered later stands
            self.votes.append(_vote(replace(deleted, label=None, answer=WITHDRAWN), annotator, _after(ts)))
        elif newest.votes[annotator] < ts:
            self.votes.append(_vote(newest, annotator, _after(ts)))

    def _annotation(self, task: ServerTask, sent: SentRequest, found: ServerAnnotation) -> None:
        old = self._known.get(f"{found.id}@{found.created}")
        if old is not None and found.updated <= old.updated:  # taken before, or older than what was taken
            if old.kept and old.task == task.id:
                self._set(old.name, replace(old, kept=False))
            return
        annotator = self._person(found.user)
        if not annotator:
            self.unknown.add(str(found.user))
            return
        anchored = sent.anchored or task.predictions > 0 or found.saw_prediction
        label, answer = _read(found.choice)
        votes = dict(old.votes) if old else {}
        new = KnownAnnotation(
            found.id, found.created, task.id, task.request_id, annotator, found.updated, label, answer, found.skipped,
            anchored, found.seconds, found.note[:MAX_NOTE_CHARS], sent.chosen, sent.batch, votes,
        )  # fmt: skip
        if old is not None and annotator != old.annotator and _content(old) == _content(new):
            new = replace(new, annotator=old.annotator)  # somebody else only touched it
        elif new.is_vote:
            votes[annotator] = found.updated
            self.votes.append(_vote(new, annotator, found.updated))
        else:
            if votes.pop(annotator, None) is not None:
                self.votes.append(_vote(replace(new, label=None, answer=WITHDRAWN), annotator, found.updated))
            if new.skipped:
                self.skips.append((task.request_id, annotator))
        self._set(new.name, replace(new, votes=votes))

    def _keep(self, name: str) -> None:
        self._set(name, replace(self._known[name], kept=True))

    def _set(self, name: str, annotation: KnownAnnotation) -> None:
        self._known[name] = self.changed[name] = annotation


def _read(choice: str | None) -> tuple[str | None, str | None]:
    """Return label and answer in its place for what a result holds."""
    if choice is None:
        return None, None
    answer = IN_PLACE[choice][0] if choice in IN_PLACE else _WORDS.get(choice)
    return (None, answer) if answer else (choice, None)


def _content(annotation: KnownAnnotation) -> tuple[str | None, str | None, bool, str]:
    return annotation.label, annotation.answer, annotation.skipped, annotation.note


def _vote(annotation: KnownAnnotation, annotator: str, ts: str) -> StudioVote:
    return StudioVote(
        annotation.request_id, annotator, ts, annotation.label, annotation.answer, annotation.saw_prediction,
        annotation.seconds, annotation.note, annotation.chosen, annotation.batch,
    )  # fmt: skip


def _after(ts: str) -> str:
    return server_time((datetime.fromisoformat(ts) + timedelta(microseconds=1)).isoformat())
