"""The graph of a causal adapter: from the tokens after the shared prompt prefix to the label logits, in one pass.

The keys and values of the prefix are constants of the graph, and of the head it holds only the label tokens' rows. Add
here what a family needs to be exported; `onnx.py` turns the graph into a file.
"""

from typing import TYPE_CHECKING

from ratchet.deployment.exports.merged import merged_model, no_export
from ratchet.models.adapters.validation import ValidatedAdapter
from ratchet.models.causal import compute_prefix, label_head, last_hidden, scores_by
from ratchet.models.prompt_tokenizer import PromptTokenizer

if TYPE_CHECKING:
    import torch


def causal_graph(opened: ValidatedAdapter) -> "torch.nn.Module":
    """A module from `input_ids` and `attention_mask` [n, t], padded on the right, to logits [n, k]."""
    import torch

    tokenizer, model = opened.tokenizer, merged_model(opened)
    if not isinstance(tokenizer, PromptTokenizer):
        raise no_export(opened, "causal", "it has no prompt", "Export it as an encoder.")
    model.set_attn_implementation("eager")  # as for encoders: fewer nodes than torch's fused attention
    head, bias = label_head(model, tokenizer.codes)
    backbone = model.base_model
    # computed once here rather than for each text: the prefix is the same for all of them
    with torch.no_grad():
        prefix = compute_prefix(backbone, tokenizer.prefix)

    class LabelLogits(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.backbone = backbone
            self.head: torch.Tensor
            self.register_buffer("head", head.detach().clone())
            for index, pair in enumerate(prefix):
                for name, tensor in zip(("keys", "values"), pair, strict=True):
                    self.register_buffer(f"{name}_{index}", tensor.detach().clone())

        def forward(self, input_ids: "torch.Tensor", attention_mask: "torch.Tensor") -> "torch.Tensor":
            before = [
                (getattr(self, f"keys_{index}"), getattr(self, f"values_{index}")) for index in range(len(prefix))
            ]
            hidden = last_hidden(self.backbone, before, attention_mask.sum(dim=1), input_ids)
            return scores_by(model, hidden, self.head, bias)

    return LabelLogits()
