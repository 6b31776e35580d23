"""Loading a published adapter as anybody would: transformers and PEFT alone, from the Hub, by its commit.

Run as a file in a process of its own, without Ratchet: one job as JSON in, logits out. Add nothing here that a reader of the
model card does not have; what is compared is in `stores/loading_back.py`.
"""

import json
import sys
from typing import Any


def load(job: dict[str, Any]) -> Any:
    """The base and the adapter upon it."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

    more = {"dtype": torch.float32, "use_safetensors": True, "trust_remote_code": False, "revision": job["base_revision"]}
    if job["family"] == "causal":
        base = AutoModelForCausalLM.from_pretrained(job["base"], **more)
    else:
        base = AutoModelForSequenceClassification.from_pretrained(
            job["base"], num_labels=job["labels"], ignore_mismatched_sizes=True, **more
        )
    return PeftModel.from_pretrained(base, job["repo"], revision=job["commit"]).eval()


def run(job: dict[str, Any]) -> list[list[float]]:
    """Logits of each row of token ids: of the head, or of the label tokens where the answer begins."""
    import torch

    torch.set_num_threads(1)
    model, found = load(job), []
    with torch.inference_mode():
        for row in job["rows"]:
            logits = model(input_ids=torch.tensor([row]), attention_mask=torch.ones(1, len(row), dtype=torch.int64)).logits[0]
            found.append((logits[-1, job["codes"]] if job["codes"] else logits).double().tolist())
    return found


def tokens(job: dict[str, Any]) -> list[list[int]] | None:
    """What the base's own tokenizer makes of the texts; None where none was given."""
    if not job["texts"]:
        return None
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(job["base"], revision=job["base_revision"], trust_remote_code=False)
    return list(tokenizer(job["texts"], truncation=True, max_length=job["max_tokens"])["input_ids"])


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    said = json.dumps(
        {"logits": run(asked), "tokens": tokens(asked), "ratchet": any(name.split(".")[0] == "ratchet" for name in sys.modules)}
    )
    sys.stdout.write(f"\n{said}\n")
