"""Write `ratchet/rollout/bucketing_vectors.csv`: 1,000 users, each with a flag, a step and the variant that they get.

Run `python -m benchmarks.bucketing_vectors`. Users are of the kinds that applications have as ids, drawn with a seed,
all of them ASCII: JavaScript's evaluator reads other characters as UTF-16. `tests/ratchet/rollout/test_bucketing.py`
holds the file to this module, and flagd's own evaluators to the file.
"""

import csv
import io
import random
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

from ratchet.rollout.bucketing import BUCKETING, gets_candidate
from ratchet.rollout.flag import CANDIDATE, LIVE

PATH = Path(__file__).parents[1] / "ratchet" / "rollout" / "bucketing_vectors.csv"
COUNT, SEED = 1000, 48
STEPS = (1, 5, 10, 25, 33, 50, 75, 90, 99)
FLAGS = ("tickets", "form_abandonment", "a", "a-classifier-with-a-long-name")
_SIGNS = "".join(map(chr, range(0x20, 0x7F)))


def draw_users(seed: int, count: int) -> Iterator[str]:
    """Yield ids as numbers, UUIDs, names, mail addresses, hexadecimal digests, tokens and any printable ASCII."""
    draw = random.Random(seed)
    kinds = (
        lambda: str(draw.randrange(10 ** draw.randrange(1, 19))),
        lambda: str(uuid.UUID(int=draw.getrandbits(128), version=4)),
        lambda: f"user-{draw.randrange(100_000)}",
        lambda: f"{draw.choice(('ann', 'bo', 'c.d', 'e+f'))}{draw.randrange(999)}@{draw.choice('xyz')}.example",
        lambda: f"{draw.getrandbits(256):064x}",
        lambda: "".join(draw.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=draw.randrange(1, 53))),
        lambda: "".join(draw.choices(_SIGNS, k=draw.randrange(1, 200))).strip() or "-",
    )
    for number in range(count):
        yield kinds[number % len(kinds)]()


def render() -> str:
    """Return the file."""
    draw, text = random.Random(SEED), io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(("flag", "user", "step", "variant"))
    for user in draw_users(SEED, COUNT):
        flag, step = draw.choice(FLAGS), draw.choice(STEPS)
        lines.writerow((flag, user, step, CANDIDATE if gets_candidate(BUCKETING, flag, user, step) else LIVE))
    return text.getvalue()


if __name__ == "__main__":
    sys.exit(0 if PATH.write_text(render()) else 1)
