"""The Modelfile beside a GGUF export: the settings with which Ollama prompts the model as it was trained.

Ollama returns one token, the code of the most likely label; calibrated probabilities need those of the tokens
(docs/how-to/exports.md). Add here what else belongs in that file; Ratchet itself does not read it.
"""

import re
from collections.abc import Sequence

MODEL = "model.gguf"
MODELFILE = "Modelfile"


def write_modelfile(
    before: str, after: str, labels: Sequence[str], codes: Sequence[str], context_tokens: int, opening: str = ""
) -> str:
    """Text of the file; `before` and `after` surround the message, `codes` are the answers that stand for `labels`.

    `opening` is what Ollama itself puts before a prompt; a chat template contains it too, and doubling it would change
    the prompt. The repeat penalty, 1.1 by default in Ollama, is off: the codes occur in the prompt and would be
    penalised.
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
    """`text` for a Go template inside triple quotes: each quote and opening brace becomes an action that prints it.

    A single brace too: directly before an action it would read as three braces, which is a syntax error.
    """
    return re.sub('[{"]', lambda found: '{{ "{" }}' if found[0] == "{" else '{{ "\\"" }}', text)
