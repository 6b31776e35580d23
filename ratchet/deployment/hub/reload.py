"""Loading a published adapter as any user would: by the lines of its model card, from the Hub, by its commit.

Run as a file in a separate process, without Ratchet: one JSON job in, logits out. Add nothing here that a reader of the
model card does not have; `usage_snippet.py` makes the lines, `ratchet/workflows/publication/reload_check.py` compares.
"""

import json
import os
import sys
from typing import Any


def load(job: dict[str, Any]) -> dict[str, Any]:
    """Names that the card's lines define: `model`, and an encoder's `tokenizer`."""
    names = {"BASE": job["base"], "COMMIT": job["commit"]}
    exec(job["lines"], names)  # noqa: S102 - made by `usage_snippet.py` in the parent process, from no other input
    return names


def run(model: Any, job: dict[str, Any]) -> list[list[float]]:
    """Logits for each row of token ids: of the head, or of the label tokens at the last position."""
    import torch

    torch.set_num_threads(1)
    scores = []
    with torch.inference_mode():
        for row in job["rows"]:
            logits = model(
                input_ids=torch.tensor([row]), attention_mask=torch.ones(1, len(row), dtype=torch.int64)
            ).logits[0]
            scores.append((logits[-1, job["codes"]] if job["codes"] else logits).double().tolist())
    return scores


def tokens(loaded: dict[str, Any], job: dict[str, Any]) -> list[list[int]] | None:
    """Token ids of the texts by the base's own tokenizer; None where no texts are given."""
    if not job["texts"]:
        return None
    return list(loaded["tokenizer"](job["texts"], truncation=True, max_length=job["max_tokens"])["input_ids"])


if __name__ == "__main__":
    work = json.load(sys.stdin)
    names = load(work)
    answers = {"logits": run(names["model"], work), "tokens": tokens(names, work)}
    result = json.dumps({**answers, "ratchet": any(name.split(".")[0] == "ratchet" for name in sys.modules)})
    sys.stdout.write(f"\n{result}\n")
    sys.stdout.flush()
    os._exit(0)  # to take torch and the model apart would cost a second
