"""Lines of Python that load a published adapter: the model card shows them, and they are run before the tag is set.

They need transformers and PEFT, and the names `BASE` and `COMMIT`. Add here what an adapter needs to give the evaluated
logits; `reload.py` runs the lines, `model_card.py` shows them.
"""

import json

from ratchet.deployment.hub.public_base import PublicBase
from ratchet.models.adapters.format import AdapterCard


def loading_lines(card: AdapterCard, base: PublicBase, repo: str) -> str:
    """Python that loads the adapter on its base into `model`, and an encoder's tokenizer into `tokenizer`."""
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
