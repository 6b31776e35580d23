"""What is said of a specification and not refused: settings that nothing reads, and a rate that is meant for adapters.

Add here what somebody may have written by mistake though it can be trained; a contradiction is refused in
`candidate.py`. That a setting was written, and not left at its default, only the file knows.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ratchet.config.candidate import Candidate
from ratchet.config.prompt import MOST_LABELS

_EPOCHS = ("epochs", "batch", "learning_rate", "patience")
_ADAPTER = ("rank", "alpha", "dropout", "target_modules")
_SAVING = ("accumulate", "checkpointing", "layers")
_GENTLE = 5e-4
"""Training every weight of a pretrained model faster than this ruins more than it teaches; a tiny random one needs
more."""


def unread_settings(candidate: Candidate) -> tuple[str, ...]:
    """Names of the settings that training this candidate does not look at, in the order of the documentation."""
    if candidate.method == "probe":
        return (*_ADAPTER, *_EPOCHS, *_SAVING)
    regression = ("inverse_regularisation",)
    return (*_ADAPTER, "layers", *regression) if candidate.method == "full" else regression


@dataclass(frozen=True)
class Remark:
    """One thing in a specification, and what to do about it."""

    found: str
    cure: str

    def __str__(self) -> str:
        return f"{self.found} {self.cure}"


def remark_on(document: Mapping[str, Any], candidates: tuple[Candidate, ...]) -> tuple[Remark, ...]:
    """The remarks on the TOML `document` whose candidates are `candidates`, in its order."""
    remarks: list[Remark] = []
    for number, (written, candidate) in enumerate(
        zip(document.get("candidate", ()), candidates, strict=False), start=1
    ):
        remarks.extend(_on_candidate(f"Candidate {number}", written, candidate))
    encoders = all(candidate.family != "causal" for candidate in candidates)
    if "prompt" in document and "frontier" not in document and encoders:
        remarks.append(Remark("No candidate reads [prompt].", 'Remove it, or add a candidate with family = "causal".'))
    if "frontier" in document and len(document.get("label", ())) > MOST_LABELS:
        result = (
            f"The [frontier] model is never asked: it answers with a code of one token, and there are {MOST_LABELS} of"
            " them."
        )
        remarks.append(Remark(result, "Remove [frontier], or split the classifier in two."))
    return tuple(remarks)


def _on_candidate(who: str, written: Mapping[str, Any], candidate: Candidate) -> Iterator[Remark]:
    if unread := [name for name in unread_settings(candidate) if name in written]:
        result = f'{who}: method = "{candidate.method}" does not read {_join(unread)}.'
        yield Remark(result, f"Remove {'it' if len(unread) == 1 else 'them'}, or use another method.")
    if candidate.method == "full" and candidate.learning_rate > _GENTLE:
        result = f'{who}: learning_rate = {candidate.learning_rate} with method = "full" ruins a pretrained model.'
        yield Remark(result, "Remove it for the default of 5e-5, or use another between 1e-5 and 2e-4.")


def _join(names: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
