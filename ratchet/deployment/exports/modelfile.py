"""The Modelfile that lies beside a GGUF export: what Ollama needs to ask the model as it was trained to be asked.

Ollama gives back one sampled token, the code of the most likely label; calibrated probabilities need the tokens' own
ones (docs/exports.md). Add here what else belongs into that file; nothing of it is read by Ratchet.
"""

import re
from collections.abc import Sequence

MODEL = "model.gguf"
MODELFILE = "Modelfile"


def write_modelfile(
    before: str, after: str, labels: Sequence[str], codes: Sequence[str], context_tokens: int, opening: str = ""
) -> str:
    """The text of the file; `before` and `after` stand around the message, `codes` are the answers that mean `labels`.

    `opening` is what Ollama itself puts before a prompt (a chat template says it too, and twice would be another
    prompt). The penalty on repeated tokens, 1.1 at Ollama's default, is off: the codes stand in the prompt and would be
    held back by it.
    """
    meanings = [f"#   {code}: {' '.join(label.split())}" for code, label in zip(codes, labels, strict=True)]
    return "\n".join(
        [
            "# The answer is one of these codes:",
            *meanings,
            f"FROM ./{MODEL}",
            f'TEMPLATE """{_escape(before.removeprefix(opening))}{{{{ .Prompt }}}}{_escape(after)}"""',
            "PARAMETER temperature 0",
            "PARAMETER repeat_penalty 1",
            "PARAMETER num_predict 1",
            f"PARAMETER num_ctx {context_tokens}",
            "",
        ]
    )


def _escape(text: str) -> str:
    """`text` for a Go template inside three quotes: each quote and each opening brace becomes an action that says it.

    A single brace, too: before an action it would be read with the action's own two as three, which is no template.
    """
    return re.sub('[{"]', lambda found: '{{ "{" }}' if found[0] == "{" else '{{ "\\"" }}', text)
