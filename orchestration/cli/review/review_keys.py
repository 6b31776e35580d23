"""Keys of the review at a terminal: those of the page (`ratchet/review/label_keys.py`) and a few of its own.

Add here a key and its name; what an action does is `review_session.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from orchestration.cli.keypress import END, KeySource
from orchestration.cli.review.review_screen import show
from ratchet.core.label_names import label_form
from ratchet.core.names import nearest
from ratchet.core.pages.visible import make_visible
from ratchet.review.label_keys import CANNOT_TELL, HELP, NONE, NOTE, SKIP, UNDO, keys_of

WITHDRAW, BY_NAME, QUIT = "!", ":", "q"
"""Keys that only the terminal has; `q` is a label's where a classifier has 26 labels, then Ctrl-D ends."""
_WORDS = {"none": NONE, "cannot_tell": CANNOT_TELL, "withdrawn": WITHDRAW, "skip": SKIP, "undo": UNDO, "note": NOTE,
          "help": HELP, "quit": END}  # fmt: skip
_ANSWERS = {NONE: "none", CANNOT_TELL: "cannot_tell", WITHDRAW: "withdrawn"}


@dataclass(frozen=True)
class KeyMeaning:
    """Meaning of what a person pressed or typed: a label, an answer in place of one, or the key of an action."""

    label: str | None = None
    answer: str | None = None
    action: str = ""


@dataclass(frozen=True)
class ReviewKeys:
    """Keys of one classifier's labels, and of the actions."""

    names: Sequence[str]

    @cached_property
    def of(self) -> dict[str, str]:
        """Key of each label that has one."""
        return keys_of(self.names)

    @property
    def shown(self) -> dict[str, str]:
        """Key of each label, empty for one that is only asked for by its name."""
        return {name: self.of.get(name, "") for name in self.names}

    def read(self, source: KeySource, undone: bool) -> KeyMeaning:
        """Return the meaning of the next key; from a pipe a line may also be the name of a label or of an action."""
        key = source.key()
        if named := key == BY_NAME:
            show("name of the label; Enter ends it:")
            key = source.line()
        if named or len(key) > 1:
            word = label_form(key.strip())
            if (label := next((each for each in self.names if label_form(each) == word), None)) is not None:
                return KeyMeaning(label)
            if word not in _WORDS:
                show(f"no label '{make_visible(word)[:60]}'. {nearest(word, self.names)}".strip())
                return KeyMeaning()
            key = _WORDS[word]
        elif (label := self._labels.get(key) or self._labels.get(key.lower())) is not None:
            return KeyMeaning(label)
        if key in _ANSWERS and (key != WITHDRAW or undone):
            return KeyMeaning(answer=_ANSWERS[key])
        return KeyMeaning(action=END if key == QUIT else key)

    def actions(self, undone: bool) -> list[str]:
        """Return what the keys of actions do, in words."""
        quits = f"{QUIT} quit" if QUIT not in self._labels else "Ctrl-D quit"
        listed = [f"{NONE} none of these", f"{CANNOT_TELL} cannot tell", "space skip", f"{UNDO} undo", f"{NOTE} note"]
        back = [f"{WITHDRAW} take my answer back"] if undone else []
        return [*listed, f"{HELP} help", quits, *back]

    @cached_property
    def _labels(self) -> dict[str, str]:
        return {key: name for name, key in self.of.items()}
