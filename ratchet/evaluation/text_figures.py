"""Figures about the texts of a cycle, for its report: how many the chosen candidate does not read whole.

Add here another figure about examples; what a tokenizer makes of them is `ratchet/models/text_fit.py`.
"""

from collections.abc import Mapping, Sequence

from ratchet.config.candidate import Candidate
from ratchet.evaluation.scoring import Split
from ratchet.models.text_fit import TextFit, measure_text_fit


def measure_examples(best: Candidate, splits: Mapping[str, Split], labels: Sequence[str]) -> TextFit:
    """Measure the cycle's examples against what the chosen candidate reads of them."""
    parts = [split for name, split in splits.items() if name != "golden"]
    texts = [text for split in parts for text in split.as_sent or split.texts]
    return measure_text_fit(best, texts, [labels[index] for split in parts for index in split.labels])
