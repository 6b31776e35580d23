"""The process that `llama_cpp.py` starts: xllamacpp's server on loopback, driven by lines of JSON on standard input.

Each label token gets the same large bias, so that the probability of every other token underflows to zero; what remains
is the softmax over the label tokens alone, from which the common bias cancels out. Add here requests that only
llama.cpp's server can answer.
"""

import json
import os
import sys
import urllib.request
from typing import Any

from ratchet.core.child_processes import die_with_parent
from ratchet.core.timeouts import LLAMA_CPP_TOKENS_S

_BIAS = 100.0


def main(model: str, context_tokens: int, parent: int) -> None:
    """Answer until standard input ends; llama.cpp's own output goes to standard error."""
    die_with_parent(parent)  # while the model loads, standard input is not read, and its end would go unnoticed
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    import xllamacpp

    settings = xllamacpp.CommonParams()
    settings.model.path = model
    settings.n_ctx, settings.n_parallel, settings.n_gpu_layers = context_tokens, 1, 0
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = settings.n_threads_http = 1
    settings.hostnames, settings.port = ["127.0.0.1"], 0
    settings.offline, settings.ui, settings.warmup, settings.fit_params = True, False, False, False
    settings.endpoint_slots = settings.endpoint_props = False
    server = xllamacpp.Server(settings)
    for line in sys.stdin:
        try:
            result = answer_question(server, json.loads(line))
        except Exception as error:  # noqa: BLE001 - sent to the parent, which raises it
            result = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(result), file=answers, flush=True)


def answer_question(server: Any, question: dict[str, Any]) -> dict[str, Any]:
    """Shares of the label tokens, tokens of a text, or an empty answer to an empty question."""
    if "prompt" in question:
        return {"probabilities": shares(server, question["prompt"], question["codes"])}
    if "text" in question:
        return {"tokens": cut(server, question["text"])}
    return {}


def shares(server: Any, prompt: list[int], codes: list[int]) -> list[float]:
    """The share of each label token right after the tokens `prompt`, [k]."""
    result = server.handle_completions(
        {
            "prompt": prompt,
            "n_predict": 1,
            "n_probs": len(codes),
            "post_sampling_probs": True,
            "logit_bias": [[code, _BIAS] for code in codes],
            "samplers": ["temperature"],
            "temperature": 1.0,
            "cache_prompt": True,
        }
    )
    if "choices" not in result:
        raise RuntimeError(json.dumps(result))
    top = result["choices"][0]["logprobs"]["content"][0]["top_probs"]
    found = {entry["id"]: entry["prob"] for entry in top}
    return [found.get(code, 0.0) for code in codes]


def cut(server: Any, text: str) -> list[int]:
    """Tokens of a whole prompt by the server's own tokenizer, special tokens included."""
    body = json.dumps({"content": text, "add_special": True, "parse_special": True}).encode()
    request = urllib.request.Request(  # noqa: S310 - our own server on loopback
        f"{server.listening_address}/tokenize", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=LLAMA_CPP_TOKENS_S) as response:  # noqa: S310
        return list(json.loads(response.read())["tokens"])


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
