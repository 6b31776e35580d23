"""Loading a published adapter as anybody would: by the lines of its model card, from the Hub, by its commit.

Run as a file in a process of its own, without Ratchet: one job as JSON in, logits out. Add nothing here that a reader
of the model card does not have; the lines are made in `usage_snippet.py`, what is compared is in
`ratchet/workflows/publication/reload_check.py`.
"""

import json
import sys
from typing import Any


def load(job: dict[str, Any]) -> dict[str, Any]:
    """What the card's lines leave: `model`, and an encoder's `tokenizer`."""
    names = {"BASE": job["base"], "COMMIT": job["commit"]}
    exec(job["lines"], names)  # noqa: S102 - written by `usage_snippet.py` of the process that asks, and by nobody else
    return names


def run(model: Any, job: dict[str, Any]) -> list[list[float]]:
    """Logits of each row of token ids: of the head, or of the label tokens where the answer begins."""
    import torch

    torch.set_num_threads(1)
    result = []
    with torch.inference_mode():
        for row in job["rows"]:
            logits = model(
                input_ids=torch.tensor([row]), attention_mask=torch.ones(1, len(row), dtype=torch.int64)
            ).logits[0]
            result.append((logits[-1, job["codes"]] if job["codes"] else logits).double().tolist())
    return result


def tokens(loaded: dict[str, Any], job: dict[str, Any]) -> list[list[int]] | None:
    """What the base's own tokenizer makes of the texts; None where none was given."""
    if not job["texts"]:
        return None
    return list(loaded["tokenizer"](job["texts"], truncation=True, max_length=job["max_tokens"])["input_ids"])


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    there = load(asked)
    answered = {"logits": run(there["model"], asked), "tokens": tokens(there, asked)}
    said = json.dumps({**answered, "ratchet": any(name.split(".")[0] == "ratchet" for name in sys.modules)})
    sys.stdout.write(f"\n{said}\n")
