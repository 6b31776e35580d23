"""Review at a terminal: keys in, answers out, one request after the other.

The keys are those of the page (`ratchet/review/label_keys.py`). Add here what another key does; what is shown is
`review_screen.py`, where keys come from `keypress.py`.
"""

import time
from dataclasses import dataclass
from functools import cached_property

from orchestration.cli.keypress import END, KeySource, LineKeys
from orchestration.cli.review_screen import show, show_help, show_item, show_result
from orchestration.cli.session import Session
from ratchet.core.errors import RatchetError
from ratchet.core.label_names import label_form
from ratchet.core.names import nearest
from ratchet.evaluation.report.formatting import make_visible
from ratchet.review.item import ReviewItem, ReviewResult
from ratchet.review.label_keys import CANNOT_TELL, HELP, NONE, NOTE, SKIP, UNDO, keys_of
from ratchet.review.notes import clean_note
from ratchet.storage.review.guide_file import read_guide
from ratchet.workflows.review.local_review import LocalReview

WITHDRAW, BY_NAME, QUIT = "!", ":", "q"
"""Keys that only the terminal has; `q` is a label's where a classifier has 26 labels, then Ctrl-D ends."""
_WORDS = {"none": NONE, "cannot_tell": CANNOT_TELL, "withdrawn": WITHDRAW, "skip": SKIP, "undo": UNDO, "note": NOTE,
          "help": HELP, "quit": END}  # fmt: skip
_ANSWERS = {NONE: "none", CANNOT_TELL: "cannot_tell", WITHDRAW: "withdrawn"}
_MOST_SECONDS = 86_400.0


@dataclass(frozen=True)
class KeyMeaning:
    """Meaning of what a person pressed or typed: a label, an answer in place of one, or the key of an action."""

    label: str | None = None
    answer: str | None = None
    action: str = ""


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
            show_item(self.session, item, {name: self._keys.get(name, "") for name in self._names}, self._actions())
            following = self._ask(item)
            if following is None:
                return self.answered
            if isinstance(following, ReviewResult):
                show_result(following)
                following = self._another()
            item = following
        return self.answered

    @cached_property
    def _names(self) -> list[str]:
        return list(self.desk.spec.labels)

    @cached_property
    def _keys(self) -> dict[str, str]:
        return keys_of(self._names)

    @cached_property
    def _labels(self) -> dict[str, str]:
        return {key: name for name, key in self._keys.items()}

    def _ask(self, item: ReviewItem) -> ReviewItem | ReviewResult | None:
        """Take keys until the request is answered; return what comes next, None at the end."""
        began, self._note = time.monotonic(), ""
        while True:
            meant = self._read()
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
            more = [*self._actions(), f"{BY_NAME} asks for a label by its name"]
            show_help(self.desk.spec.label, self._keys, read_guide(self.desk.home, self.desk.spec), more)
        elif meant.action.strip("\r\n\x1b"):
            show(f"'{make_visible(meant.action)[:60]}' means nothing here; ? shows the keys")
        return False

    def _read(self) -> KeyMeaning:
        """Return the meaning of the next key; from a pipe a line may also be the name of a label or of an action."""
        key = self.source.key()
        if named := key == BY_NAME:
            show("name of the label; Enter ends it:")
            key = self.source.line()
        if named or len(key) > 1:
            word = label_form(key.strip())
            if (label := next((each for each in self._names if label_form(each) == word), None)) is not None:
                return KeyMeaning(label)
            if word not in _WORDS:
                show(f"no label '{make_visible(word)[:60]}'. {nearest(word, self._names)}".strip())
                return KeyMeaning()
            key = _WORDS[word]
        elif (label := self._labels.get(key) or self._labels.get(key.lower())) is not None:
            return KeyMeaning(label)
        if key in _ANSWERS and (key != WITHDRAW or self._undone):
            return KeyMeaning(answer=_ANSWERS[key])
        return KeyMeaning(action=END if key == QUIT else key)

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

    def _actions(self) -> list[str]:
        quits = f"{QUIT} quit" if QUIT not in self._labels else "Ctrl-D quit"
        listed = [f"{NONE} none of these", f"{CANNOT_TELL} cannot tell", "space skip", f"{UNDO} undo", f"{NOTE} note"]
        back = [f"{WITHDRAW} take my answer back"] if self._undone else []
        return [*listed, f"{HELP} help", quits, *back]
