"""Warnings about a specification that is valid: settings that are never read, and a learning rate meant for adapters.

Add here likely mistakes that can still be trained; contradictions are errors in `candidate_rules.py`. Only the file
itself shows that a setting was written and not left at its default.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ratchet.config.candidate import Candidate
from ratchet.config.prompt import MOST_LABELS

_EPOCHS = ("epochs", "batch", "learning_rate", "patience")
_ADAPTER = ("rank", "alpha", "dropout", "target_modules")
_SAVING = ("accumulate", "checkpointing", "layers")
_FORMER = {
    "min_labels": "margin and alpha_year decide when labels suffice",
    "deadline_hours": "max_weeks ends a comparison",
    "shadow_requests": "max_weeks ends a comparison",
}
"""Former keys of `[promotion]`, and what takes their place."""
_GENTLE = 5e-4
"""Highest reasonable learning rate for every weight of a pretrained model; a tiny random one needs more."""


def unread_settings(candidate: Candidate) -> tuple[str, ...]:
    """Return the settings that training this candidate does not read, in the order of the documentation."""
    if candidate.method == "probe":
        return (*_ADAPTER, *_EPOCHS, *_SAVING)
    regression = ("inverse_regularisation",)
    return (*_ADAPTER, "layers", *regression) if candidate.method == "full" else regression


@dataclass(frozen=True)
class Remark:
    """Warning about one setting, with a hint."""

    found: str
    hint: str

    def __str__(self) -> str:
        return f"{self.found} {self.hint}"

    @property
    def cure(self) -> str:
        """The hint, under its former name."""
        return self.hint


def remark_on(document: Mapping[str, Any], candidates: tuple[Candidate, ...]) -> tuple[Remark, ...]:
    """Return the warnings about the TOML `document` whose candidates are `candidates`, in its order."""
    remarks: list[Remark] = []
    for number, (written, candidate) in enumerate(
        zip(document.get("candidate", ()), candidates, strict=False), start=1
    ):
        remarks.extend(_on_candidate(f"Candidate {number}", written, candidate))
    remarks.extend(_on_promotion(document.get("promotion", {})))
    encoders = all(candidate.family != "causal" for candidate in candidates)
    if "prompt" in document and "frontier" not in document and encoders:
        remarks.append(Remark("No candidate reads [prompt].", 'Remove it, or add a candidate with family = "causal".'))
    if "frontier" in document and len(document.get("label", ())) > MOST_LABELS:
        found = (
            f"The [frontier] model is never used: it answers with one-token codes, and there are only {MOST_LABELS}."
        )
        remarks.append(Remark(found, "Remove [frontier], or split the classifier in two."))
    return tuple(remarks)


def _on_promotion(written: Mapping[str, Any]) -> Iterator[Remark]:
    for key, instead in _FORMER.items():
        if key in written:
            yield Remark(f"[promotion] {key} is not used any more: {instead}.", "Remove it.")


def _on_candidate(who: str, written: Mapping[str, Any], candidate: Candidate) -> Iterator[Remark]:
    if unread := [name for name in unread_settings(candidate) if name in written]:
        found = f'{who}: method = "{candidate.method}" does not read {_join(unread)}.'
        yield Remark(found, f"Remove {'it' if len(unread) == 1 else 'them'}, or use another method.")
    if candidate.method == "full" and candidate.learning_rate > _GENTLE:
        found = f'{who}: learning_rate = {candidate.learning_rate} with method = "full" ruins a pretrained model.'
        yield Remark(found, "Remove it for the default of 5e-5, or use another between 1e-5 and 2e-4.")


def _join(names: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
