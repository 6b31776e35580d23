"""Time of the search for boilerplate: `python -m benchmarks.boilerplate` prints processor seconds.

Add here another size or another kind of text; what is measured is `ratchet/data/boilerplate.py`, and curation with and
without it.
"""

import random
import time
from collections.abc import Callable
from datetime import date, timedelta

import pandas as pd

from ratchet.config.policy import Limits
from ratchet.config.spec import Label, Spec
from ratchet.core.cycle import Cycle
from ratchet.data.boilerplate import find_boilerplate
from ratchet.data.curation import curate
from ratchet.data.near_duplicates import normalise

CYCLE = Cycle("mails", date(2026, 3, 2))
FOOTER = " " + "This message is meant for the person named above alone, whoever else got it is asked to delete it. " * 6
SIZES = (25_000, 100_000)
CURATED = 20_000


def make_texts(n: int, footer: str) -> list[str]:
    """Return mails of 25 words out of 20,000, each with the footer."""
    generator = random.Random(1)
    letters = "abcdefghijklmnoprst"
    words = ["".join(generator.choices(letters, k=generator.randint(2, 9))) for _ in range(20_000)]
    return [" ".join(generator.choices(words, k=25)) + footer for _ in range(n)]


def make_rows(texts: list[str]) -> pd.DataFrame:
    """Return corrected requests of five weeks, the cycle's own last."""
    step = timedelta(days=36) / len(texts)
    first = pd.Timestamp(CYCLE.start) - timedelta(days=30)
    return pd.DataFrame(
        {
            "request_id": [f"r{n}" for n in range(len(texts))],
            "ts": [first + n * step for n in range(len(texts))],
            "text": texts,
            "label": ["ab"[n % 2] for n in range(len(texts))],
            "status": "consensus",
            "blind": True,
        }
    )


def measure(task: Callable[[], object]) -> float:
    """Return the processor seconds of one call."""
    began = time.process_time()
    task()
    return time.process_time() - began


def main() -> None:
    """Print a line for each size of the search, and for curation with and without it."""
    for n in SIZES:
        keys = [normalise(text) for text in make_texts(n, FOOTER)]
        seconds = measure(lambda keys=keys: find_boilerplate(keys, 0.01).set_aside(keys))  # type: ignore[misc]
        print(f"{n} texts with a footer: searched and set aside in {seconds:.1f} s")
    for footer in ("", FOOTER):
        rows = make_rows(make_texts(CURATED, footer))
        for share in (1.0, 0.01):
            spec = Spec("mails", (Label("a"), Label("b")), limits=Limits(boilerplate_share=share))
            seconds = measure(lambda rows=rows, spec=spec: curate(rows, CYCLE, spec, []))  # type: ignore[misc]
            print(f"curate {CURATED} texts, {len(footer)} characters of footer, share {share:g}: {seconds:.1f} s")


if __name__ == "__main__":
    main()
