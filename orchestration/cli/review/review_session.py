"""Review at a terminal: keys in, answers out, one request after the other.

Add here what another key does; what keys mean is `review_keys.py`, what is shown is `review_screen.py`, where keys come
from is `keypress.py`.
"""

import time
from dataclasses import dataclass
from functools import cached_property

from orchestration.cli.keypress import END, KeySource, LineKeys, open_keys
from orchestration.cli.output import emit, printable
from orchestration.cli.review.review_keys import BY_NAME, QUIT, KeyMeaning, ReviewKeys
from orchestration.cli.review.review_screen import show, show_help, show_item, show_result
from orchestration.cli.session import Session
from ratchet.core.errors import RatchetError
from ratchet.core.pages.visible import make_visible
from ratchet.review.item import ReviewItem, ReviewResult
from ratchet.review.label_keys import HELP, NOTE, SKIP, UNDO
from ratchet.review.notes import clean_note
from ratchet.storage.review.guide_file import read_guide
from ratchet.workflows.review.local_review import LocalReview

_MOST_SECONDS = 86_400.0


@dataclass
class ReviewSession:
    """One person at one terminal."""

    session: Session
    desk: LocalReview
    source: KeySource
    answered: int = 0
    _note: str = ""
    _undone: bool = False

    def run(self) -> int:
        """Ask until nothing waits or the person quits; return the number of answers."""
        item = self.desk.next()
        if item is None:
            show("nothing waits for you now")
        while item is not None:
            show_item(self.session, item, self._keys.shown, self._keys.actions(self._undone))
            following = self._ask(item)
            if following is None:
                return self.answered
            if isinstance(following, ReviewResult):
                show_result(following)
                following = self._another()
            item = following
        return self.answered

    @cached_property
    def _keys(self) -> ReviewKeys:
        return ReviewKeys(list(self.desk.spec.labels))

    def _ask(self, item: ReviewItem) -> ReviewItem | ReviewResult | None:
        """Take keys until the request is answered; return what comes next, None at the end."""
        began, self._note = time.monotonic(), ""
        while True:
            meant = self._keys.read(self.source, self._undone)
            if meant.action == END:
                return None
            try:
                if self._act(item, meant, min(_MOST_SECONDS, time.monotonic() - began)):
                    return self.desk.follow(item)
            except (RatchetError, ValueError) as error:
                show(f"not stored: {make_visible(str(error))}")

    def _act(self, item: ReviewItem, meant: KeyMeaning, seconds: float) -> bool:
        """Do what was meant; True where the request is done with."""
        if given := meant.label or meant.answer:
            self.desk.answer(item, label=meant.label, answer=meant.answer, note=self._note, seconds=round(seconds, 1))
            self.answered += 1
            self._undone = False
            show(f"saved: {make_visible(given)}")
            return True
        if meant.action == SKIP:
            self.desk.skip(item)
            show("skipped: another person is asked")
            self._undone = False
            return True
        if meant.action == UNDO:
            self._undone = self.desk.undo()
            show("back to the last answered request" if self._undone else "nothing to undo")
            return self._undone
        if meant.action == NOTE:
            show("note, for who adjudicates; Enter ends it:")
            self._note = clean_note(self.source.line())
        elif meant.action == HELP:
            more = [*self._keys.actions(self._undone), f"{BY_NAME} asks for a label by its name"]
            show_help(self.desk.spec.label, self._keys.of, read_guide(self.desk.home, self.desk.spec), more)
        elif meant.action.strip("\r\n\x1b"):
            show(f"'{make_visible(meant.action)[:60]}' means nothing here; ? shows the keys")
        return False

    def _another(self) -> ReviewItem | None:
        """Return the next batch's first request, where there is one and the person wants it."""
        item = self.desk.next()
        if item is None:
            show("nothing else waits for you now")
            return None
        if isinstance(self.source, LineKeys):
            return item
        show("any key for the next batch, q to quit, u to undo")
        key = self.source.key()
        if key == UNDO and self.desk.undo():
            self._undone = True
            return self.desk.next()
        return None if key in (QUIT, END) else item


def answer_at_terminal(session: Session, name: str) -> int:
    """Let the person at this terminal answer until they quit; return the exit code."""
    desk = LocalReview.open(session.home, name)
    try:
        with open_keys() as keys:
            answered = ReviewSession(session, desk, keys).run()
    finally:
        desk.close()
    emit(f"{answered} answered by {printable(desk.person)}; each is stored, and the next cycle reads them")
    return 0
