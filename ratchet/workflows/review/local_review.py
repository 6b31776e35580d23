"""Review by the user of this machine: each answer is durable before the next request is shown.

The terminal asks through it. Add here a step that a person at this machine can take; the queue itself is `queue.py`.
"""

from dataclasses import dataclass

from ratchet.config.spec import Spec
from ratchet.core.errors import RatchetError
from ratchet.core.failpoints import failpoint
from ratchet.review.item import ReviewItem, ReviewResult
from ratchet.review.suspension import NOBODY_COUNTS, names_of
from ratchet.storage.home import Home
from ratchet.storage.review.local_answers import LocalAnswers, land_left_answers
from ratchet.storage.review.suspensions import Suspensions
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.specs import Specs
from ratchet.workflows.review.answer import local_annotator
from ratchet.workflows.review.queue import ReviewQueue


@dataclass(frozen=True)
class LocalReview:
    """Queue of a classifier in front of one person."""

    home: Home
    spec: Spec
    queue: ReviewQueue
    person: str
    answers: LocalAnswers

    @classmethod
    def open(cls, home: Home, name: str) -> "LocalReview":
        """Open the queue for the operating system's user; raises `RatchetError` for one whose labels do not count."""
        spec = Specs(home)[name]
        person = local_annotator(spec)
        need_not_suspended(home, spec, person)
        land_left_answers(home, name)  # before the queue looks: what a killed session stored is not asked again
        return cls(home, spec, ReviewQueue.open(home, name, spec), person, LocalAnswers(home, name))

    def close(self) -> None:
        """Land the answers and close the queue. Raises OSError where they cannot be landed; they are stored then."""
        try:
            self.answers.land()
        finally:
            self.queue.close()

    def next(self) -> ReviewItem | None:
        """Return the request in front of the person, of the open batch or a new one; None where nothing waits for
        them."""
        compared = Ledger(self.home).state(self.spec.name).compared is not None
        for _ in range(2):  # of a batch that others have answered meanwhile nothing may be left
            if self.queue.batch(self.person, compared=compared).of == 0:
                return None
            if (item := self.queue.current(self.person)) is not None:
                return item
        return None

    def follow(self, item: ReviewItem) -> ReviewItem | ReviewResult | None:
        """Return what comes after `item` in its batch: the next request, or the result of the batch."""
        return self.queue.current(self.person) or self.queue.result(item.batch)

    def answer(
        self, item: ReviewItem, *, label: str | None = None, answer: str | None = None, note: str = "",
        seconds: float | None = None,
    ) -> None:  # fmt: skip
        """Store an answer of the person, to whom no prediction is shown here; it is durable on return."""
        row = self.queue.correction(
            self.person, self.person, item.request_id, label=label, answer=answer, saw_prediction=False,
            seconds=seconds, note=note, batch=item.batch,
        )  # fmt: skip
        failpoint("review.before_answer")
        self.answers.append(row)
        failpoint("review.after_answer")
        self.queue.record(row)
        if self.answers.is_due:
            self.answers.land()

    def skip(self, item: ReviewItem) -> None:
        """Leave a request to another person."""
        self.queue.skip(self.person, item.request_id)

    def undo(self) -> bool:
        """Bring the last answered request back; False where there is none."""
        return self.queue.undo(self.person) is not None


def need_not_suspended(home: Home, spec: Spec, person: str) -> None:
    """Raise `RatchetError` for a person whose labels do not count."""
    names = Suspensions(home, spec.name).names()
    if NOBODY_COUNTS not in names and names_of(person, names, spec.people):
        raise RatchetError(
            f"{person} is suspended: their labels of {spec.name} are not taken.",
            f"See 'ratchet log {spec.name} --kind people' for the reason.",
            code="suspended",
        )
