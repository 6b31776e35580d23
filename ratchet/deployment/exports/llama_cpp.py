"""Running a GGUF export: llama.cpp, in a separate process, returns the label tokens' probabilities after a prompt.

llama.cpp prints to the terminal and aborts its process on errors, so `llama_cpp_process.py` hosts it and takes requests
as lines of JSON. It receives the adapter's own tokens, so that a text is tokenised as in training. Add here what
Ratchet asks of it.
"""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import numpy as np

from ratchet.config.secret_variables import without_secrets
from ratchet.core.errors import RatchetError
from ratchet.core.timeouts import LLAMA_CPP_S
from ratchet.deployment.exports.gguf_converter import missing_package
from ratchet.deployment.exports.modelfile import MODEL
from ratchet.models.adapters.validation import ValidatedAdapter
from ratchet.models.inference.predictor import Predictor
from ratchet.models.prompt_tokenizer import PromptTokenizer
from ratchet.models.token_batches import RunRows

if TYPE_CHECKING:
    import torch

_LEAST = 1e-38  # for a label whose probability underflows float32 in llama.cpp


class LlamaCpp:
    """A running llama.cpp with one model, on one thread; it serves one caller at a time."""

    def __init__(
        self, process: "subprocess.Popen[bytes]", questions: IO[bytes], answers: IO[bytes], errors: IO[bytes]
    ) -> None:
        self._process, self._questions, self._answers, self._errors = process, questions, answers, errors
        self._lock = threading.Lock()

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """Send one line to the process and read one back; raises `RatchetError` when it ends, hangs or fails."""
        with self._lock:
            watchdog = threading.Timer(LLAMA_CPP_S, self._process.kill)
            watchdog.start()
            try:
                self._questions.write(json.dumps(question).encode() + b"\n")
                self._questions.flush()
                line = self._answers.readline()
            except OSError:
                line = b""
            finally:
                watchdog.cancel()
        result: dict[str, Any] = json.loads(line) if line else {"error": self._last_words()}
        if "error" in result:
            raise RatchetError(
                f"llama.cpp could not answer: {result['error'][:300]}", "Export another kind.", code="bad_export"
            )
        return result

    def log_probabilities(self, prompt: Sequence[int], codes: Sequence[int]) -> list[float]:
        """Natural logarithm of each label token's share after the tokens `prompt`, [k]; the shares sum to 1."""
        result = self.ask({"prompt": list(prompt), "codes": list(codes)})["probabilities"]
        return [float(np.log(max(_LEAST, value))) for value in result]

    def tokens(self, text: str) -> list[int]:
        """Tokens of a whole prompt by llama.cpp's own tokenizer."""
        return [int(token) for token in self.ask({"text": text})["tokens"]]

    def _last_words(self) -> str:
        self._errors.seek(0)
        lines = [line for line in self._errors.read().decode(errors="replace").splitlines() if line.strip()]
        return lines[-1] if lines else f"it ended with exit code {self._process.poll()}"


@contextmanager
def run_llama_cpp(model: Path, tokens: int) -> Iterator[LlamaCpp]:
    """Run llama.cpp on the GGUF file `model` with a context of `tokens`; it ends with the block."""
    if importlib.util.find_spec("xllamacpp") is None:
        raise missing_package("xllamacpp")
    command = [
        sys.executable,
        "-m",
        "ratchet.deployment.exports.llama_cpp_process",
        str(model),
        str(tokens),
        str(os.getpid()),
    ]
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command, env=without_secrets(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
        )
        try:
            running = LlamaCpp(process, cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout), errors)
            running.ask({})  # returns once the model is loaded
            yield running
        finally:
            process.kill()
            process.communicate()


@contextmanager
def gguf_predictor(opened: ValidatedAdapter, folder: Path) -> Iterator[Predictor]:
    """A predictor of the causal adapter `opened` whose scores come from the GGUF export in `folder`."""
    tokenizer = _prompted(opened)
    with run_llama_cpp(folder / MODEL, context_tokens(opened)) as running:
        yield Predictor(opened.card.labels, opened.calibration, tokenizer, 0, _rows(running, tokenizer))


def context_tokens(opened: ValidatedAdapter) -> int:
    """Number of tokens of an adapter's longest prompt and one for the answer, rounded up to a multiple of 64."""
    tokenizer = _prompted(opened)
    longest = len(tokenizer.prefix) + opened.card.max_tokens + len(tokenizer.suffix) + 1
    return -(-longest // 64) * 64


def _prompted(opened: ValidatedAdapter) -> PromptTokenizer:
    if not isinstance(opened.tokenizer, PromptTokenizer):
        raise RatchetError("llama.cpp runs only causal adapters.", "Export onnx or onnx_int8.", code="no_export")
    return opened.tokenizer


def _rows(running: LlamaCpp, tokenizer: PromptTokenizer) -> RunRows:
    def rows(ids: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
        import torch

        prompts = [[*tokenizer.prefix, *row[:n]] for row, n in zip(ids.tolist(), mask.sum(dim=1).tolist(), strict=True)]
        return torch.tensor([running.log_probabilities(prompt, tokenizer.codes) for prompt in prompts])

    return rows
