"""Processes that talk to a Hub: a minimal environment, a temporary home and a deadline for each.

The token is read from the environment and passed on in the environment, to these processes alone: it is in no argument,
file or message. Add a variable to `ALLOWED` when the client of the Hub needs it.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ratchet.core.errors import RatchetError
from ratchet.core.timeouts import HUB_ANSWER_S, HUB_PUBLICATION_S

TOKEN = "HF_TOKEN"  # noqa: S105 - the name of a variable
ENDPOINT = "HF_ENDPOINT"
THE_HUB = "https://huggingface.co"
ALLOWED = (
    "PATH", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "VIRTUAL_ENV", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", TOKEN, ENDPOINT,
)  # fmt: skip
_FIXED = {
    "HF_HUB_OFFLINE": "0",  # the purpose of these processes is to use the network
    "HF_HUB_DISABLE_XET": "1",  # its uploads bypass the HTTP client and so its time-outs
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_IMPLICIT_TOKEN": "0",
    "TOKENIZERS_PARALLELISM": "false",
    "OMP_NUM_THREADS": "1",
}


@dataclass(frozen=True)
class Timeouts:
    """Time-outs of a Hub in seconds: for one response, before the first retry (doubled each time), and in total."""

    timeout_s: float = HUB_ANSWER_S
    attempts: int = 4
    wait_s: float = 1.0
    deadline_s: float = HUB_PUBLICATION_S


PATIENCE = Timeouts()


def need_token(environment: Mapping[str, str]) -> str:
    """The token; raises `RatchetError` where there is none."""
    token = environment.get(TOKEN, "").strip()
    if not token:
        raise RatchetError(
            f"{TOKEN} is not set, and without a token nothing can be published.",
            "Create a fine-grained token that may write to that one repository, and set it for this command only:"
            f" {TOKEN}=... .",
            code="no_token",
        )
    return token


def ask_hub(job: Mapping[str, Any], environment: Mapping[str, str], patience: Timeouts) -> dict[str, Any]:
    """Result of a job of `ratchet.deployment.hub.client_process`; raises the `RatchetError` that it reports."""
    given = {**job, "timeout_s": patience.timeout_s, "attempts": patience.attempts, "wait_s": patience.wait_s}
    answer = run_child(["-m", "ratchet.deployment.hub.client_process"], given, environment, patience)
    if error := answer.get("error"):
        raise RatchetError(error["message"], error["hint"], code=error["code"], details=error["details"])
    return answer


def reload_plainly(job: Mapping[str, Any], environment: Mapping[str, str], patience: Timeouts) -> dict[str, Any]:
    """Result of `reload.py` in a process that has transformers and PEFT, but not Ratchet."""
    bare = {name: value for name, value in environment.items() if name != "PYTHONPATH"}
    return run_child(["-P", str(Path(__file__).with_name("reload.py"))], job, bare, patience)


def run_child(
    words: list[str], job: Mapping[str, Any], environment: Mapping[str, str], patience: Timeouts
) -> dict[str, Any]:
    """The last line that a process writes, as JSON; raises `RatchetError` when it fails or does not end in time."""
    # a temporary home: neither a token nor a cache of the user's own is found there, and nothing is left behind
    with tempfile.TemporaryDirectory(prefix="ratchet-hub-") as cache:
        allowed = {name: environment[name] for name in ALLOWED if environment.get(name)}
        own = {**allowed, **_FIXED, "HF_HOME": cache, "HOME": cache}
        try:
            done = subprocess.run(
                [sys.executable, *words],
                input=json.dumps(job),
                env=own,
                capture_output=True,
                text=True,
                timeout=patience.deadline_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise RatchetError(
                f"the Hub did not finish within {patience.deadline_s:.0f} s.",
                "Publish again: finished steps are found, and nothing is done twice.",
                code="hub_silent",
            ) from None
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise RatchetError(
            f"the process that talks to the Hub failed: {hide(last, environment)[:300]}",
            "Try again.",
            code="hub_process",
        )
    return dict(json.loads(lines[-1]))


def hide(text: str, environment: Mapping[str, str]) -> str:
    """`text` with the token masked, whatever a library may have printed."""
    token = environment.get(TOKEN, "").strip()
    return text.replace(token, "***") if token else text


def endpoint_of(environment: Mapping[str, str]) -> str:
    """Address of the Hub in use."""
    return environment.get(ENDPOINT, "").rstrip("/") or THE_HUB
