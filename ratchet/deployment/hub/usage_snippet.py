"""How a published adapter is loaded: the very lines that its model card shows, and that are run before it gets its tag.

They need transformers and PEFT, and `BASE` and `COMMIT` said before. Add here what an adapter needs to give the logits
that were judged: who runs them is `reload.py`, who shows them `model_card.py`.
"""

import json

from ratchet.deployment.hub.public_base import PublicBase
from ratchet.models.adapters.format import AdapterCard


def loading_lines(card: AdapterCard, base: PublicBase, repo: str) -> str:
    """Python that leaves the adapter upon its base in `model`, and an encoder's tokenizer in `tokenizer`."""
    at = "" if base.origin else f"revision={json.dumps(base.revision)}, "
    encoder = card.family == "encoder"
    kind = "AutoModelForSequenceClassification" if encoder else "AutoModelForCausalLM"
    head = f"num_labels={len(card.labels)}, ignore_mismatched_sizes=True, " if encoder else ""
    lines = [
        "import torch",
        "from peft import PeftModel",
        f"from transformers import {kind}{', AutoTokenizer' if encoder else ''}",
        "",
        f"base = {kind}.from_pretrained(",
        f"    BASE, {at}{head}dtype=torch.float32, use_safetensors=True, trust_remote_code=False",
        ")",
        f"model = PeftModel.from_pretrained(base, {json.dumps(repo)}, revision=COMMIT).eval()",
    ]
    if encoder:
        lines.append(f"tokenizer = AutoTokenizer.from_pretrained(BASE, {at}trust_remote_code=False)")
    return "\n".join(lines)
