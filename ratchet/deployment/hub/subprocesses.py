"""The processes that speak with a Hub: only what they need of the environment, a folder of their own, and an end.

The token is read from the environment and handed on in the environment, to these processes alone: it is in no argument,
no file and no message. Add a variable to `ALLOWED` when the client of the Hub needs it.
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

TOKEN = "HF_TOKEN"  # noqa: S105 - the name of a variable
ENDPOINT = "HF_ENDPOINT"
THE_HUB = "https://huggingface.co"
ALLOWED = (
    "PATH", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "VIRTUAL_ENV", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", TOKEN, ENDPOINT,
)  # fmt: skip
_FIXED = {
    "HF_HUB_OFFLINE": "0",  # asking a Hub is what was asked for
    "HF_HUB_DISABLE_XET": "1",  # its uploads go past the client, and past our time-outs
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_IMPLICIT_TOKEN": "0",
    "TOKENIZERS_PARALLELISM": "false",
    "OMP_NUM_THREADS": "1",
}


@dataclass(frozen=True)
class Timeouts:
    """How long a Hub is waited for: seconds for one answer, for the first new attempt (twice as long each time) and in
    all."""

    timeout_s: float = 60.0
    attempts: int = 4
    wait_s: float = 1.0
    deadline_s: float = 900.0


PATIENCE = Timeouts()


def need_token(environment: Mapping[str, str]) -> str:
    """The token; raises `RatchetError` where there is none."""
    token = environment.get(TOKEN, "").strip()
    if not token:
        raise RatchetError(
            f"{TOKEN} is not set, and without a token nothing can be published.",
            "Make a fine-grained token that may write to that one repository, and give it for this command alone:"
            f" {TOKEN}=... .",
            code="no_token",
        )
    return token


def ask_hub(job: Mapping[str, Any], environment: Mapping[str, str], patience: Timeouts) -> dict[str, Any]:
    """The answer of `python -m ratchet.deployment.hub.client_process` to a job; raises the `RatchetError` that it
    stands for."""
    given = {**job, "timeout_s": patience.timeout_s, "attempts": patience.attempts, "wait_s": patience.wait_s}
    result = run_child(["-m", "ratchet.deployment.hub.client_process"], given, environment, patience)
    if error := result.get("error"):
        raise RatchetError(error["message"], error["hint"], code=error["code"], details=error["details"])
    return result


def reload_plainly(job: Mapping[str, Any], environment: Mapping[str, str], patience: Timeouts) -> dict[str, Any]:
    """What `reload.py` gives in a process that has transformers and PEFT, and not Ratchet."""
    bare = {name: value for name, value in environment.items() if name != "PYTHONPATH"}
    return run_child(["-P", str(Path(__file__).with_name("reload.py"))], job, bare, patience)


def run_child(
    words: list[str], job: Mapping[str, Any], environment: Mapping[str, str], patience: Timeouts
) -> dict[str, Any]:
    """The last line that a process of ours writes, as JSON; raises `RatchetError` when it dies or does not end."""
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
                f"the Hub was waited for {patience.deadline_s:.0f} s in vain.",
                "Publish again: what was done is found, and nothing is done twice.",
                code="hub_silent",
            ) from None
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        said = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise RatchetError(
            f"the process that speaks with the Hub ended: {hide(said, environment)[:300]}",
            "Try it again.",
            code="hub_process",
        )
    return dict(json.loads(lines[-1]))


def hide(text: str, environment: Mapping[str, str]) -> str:
    """`text` without the token, whatever a library may have written."""
    token = environment.get(TOKEN, "").strip()
    return text.replace(token, "***") if token else text


def endpoint_of(environment: Mapping[str, str]) -> str:
    """The address of the Hub that is spoken to."""
    return environment.get(ENDPOINT, "").rstrip("/") or THE_HUB
