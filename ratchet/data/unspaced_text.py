"""Scripts that set no spaces between words: Chinese, Japanese, Thai, Lao, Burmese, Khmer.

Used where words are separated: explanations, the TF-IDF baseline, and what a tokenizer knows. Add a script here.
"""

import re
from collections.abc import Iterable

UNSPACED = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff"  # Burmese, Khmer
    "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"  # Japanese and Chinese
)
"""Ranges of their letters, for a class of a regular expression."""
_LETTER = re.compile(rf"[{UNSPACED}]")
_ANY_LETTER = re.compile(r"[^\W\d_]")


def is_unspaced(texts: Iterable[str]) -> bool:
    """True where a third or more of the letters of `texts` are of such a script."""
    of_script = letters = 0
    for text in texts:
        of_script += len(_LETTER.findall(text))
        letters += len(_ANY_LETTER.findall(text))
    return letters > 0 and of_script * 3 >= letters
