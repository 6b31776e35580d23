"""Label Studio on loopback, from its own environment: `python -m orchestration.label_studio_server`.

That is `make label-studio`. It answers this machine alone, sends nothing home, lets nobody sign up, fetches no address
and knows no model. Add here a setting of that server; its client is in `ratchet/review/label_studio/`.
"""

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from ratchet.core.child_processes import die_with_parent
from ratchet.core.errors import RatchetError
from ratchet.core.files import make_folder, write_atomically
from ratchet.core.timeouts import LABEL_STUDIO_ANSWER_S, LABEL_STUDIO_START_S, LABEL_STUDIO_STOP_S
from ratchet.rollout.trust import trust_of
from ratchet.storage.home import Home
from ratchet.storage.home_rights import follow_home_rights
from ratchet.storage.review.label_studio_login import LabelStudioLogin, write_login

HOST, PORT = "127.0.0.1", 8080
_ROOT = Path(__file__).parents[1]
_ENVIRONMENT = _ROOT / ".venv-label-studio"
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ")
_LOOK_S = 0.2
SETTINGS: Mapping[str, str] = {
    "LABEL_STUDIO_ALLOWED_HOSTS": "127.0.0.1,localhost",
    "LABEL_STUDIO_CORS_ALLOW_ALL_ORIGINS": "false",
    "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
    "LABEL_STUDIO_SSRF_PROTECTION_ENABLED": "true",
    "LABEL_STUDIO_ML_BLOCK_LOCAL_IP": "true",
    "LABEL_STUDIO_ENABLE_LOCAL_FILES_STORAGE": "false",
    "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED": "false",
    "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
    "LABEL_STUDIO_DEBUG": "false",
    "COLLECT_ANALYTICS": "false",
    "SENTRY_DSN": "",
    "FRONTEND_SENTRY_DSN": "",
    "LATEST_VERSION_CHECK": "false",
}
"""Settings of Label Studio: loopback, no analytics, no sign-up, no request to an address of this network."""


def main(words: Sequence[str]) -> int:
    """Run the server until Ctrl-C, SIGTERM or its own end; 1 where it ended by itself or could not start."""
    parser = argparse.ArgumentParser(prog="python -m orchestration.label_studio_server", description="Label Studio")
    parser.add_argument("-p", "--port", type=int, default=PORT, help="port on loopback")
    port = parser.parse_args(words).port
    home = Home(Path(os.environ.get("RATCHET_HOME", _ROOT / "data")).resolve(), trust_of(os.environ))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return serve(home, port)
    except RatchetError as error:
        print(f"label-studio: {error}", file=sys.stderr)  # noqa: T201 - the command's answer
        return error.exit_code


def serve(home: Home, port: int, environment: Path = _ENVIRONMENT) -> int:
    """Start the server of `home` on `port` and wait for its end; raises `RatchetError` where it cannot start.

    A first start that was killed before it was ready left no annotation: its database is made anew.
    """
    _check(environment, port)
    follow_home_rights(home.root)
    folder, url = home.label_studio, f"http://{HOST}:{port}"
    make_folder(folder)
    folder.chmod(0o700)
    ready = folder / "ready"
    if not ready.exists():
        shutil.rmtree(folder / "data", ignore_errors=True)
    login = write_login(home, url)
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [
                str(environment / "bin" / "label-studio"), "start", "--no-browser", "--enable-legacy-api-token",
                "--internal-host", HOST, "--port", str(port), "--data-dir", str(folder / "data"),
            ],
            env=_environment(folder, login), cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            preexec_fn=partial(die_with_parent, os.getpid()),
        )  # fmt: skip
        try:
            _wait(process, login)
            write_atomically(ready, b"")
            say(f"Label Studio answers at {url}; name and password stand in {folder / 'login.json'}; Ctrl-C stops it")
            return process.wait() or 1
        except KeyboardInterrupt:
            return 0
        finally:
            _stop(process)


def say(text: str) -> None:
    """Print a line for whoever started the server."""
    print(f"label-studio: {text}", file=sys.stderr, flush=True)  # noqa: T201 - the command's answer


def _check(environment: Path, port: int) -> None:
    if not (environment / "bin" / "label-studio").exists():
        raise RatchetError(f"{environment} has no Label Studio.", "Run 'make label-studio', which installs it.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))  # else Label Studio would take another port without a word
        except OSError as error:
            raise RatchetError(
                f"port {port} cannot be used: {error.strerror}.", "Choose another: make label-studio PORT=8090."
            ) from None


def _environment(folder: Path, login: LabelStudioLogin) -> dict[str, str]:
    """Return the whole environment of the server: no variable of ours that may hold a secret of another service."""
    account = {"USERNAME": login.user, "PASSWORD": login.password, "USER_TOKEN": login.token}
    return {
        **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        **SETTINGS,
        **{f"LABEL_STUDIO_{name}": value for name, value in account.items()},
        "LABEL_STUDIO_HOST": login.url,
        "HOME": str(folder),
        "GIT_CEILING_DIRECTORIES": str(_ROOT),  # its page of versions would show commits of ours
    }


def _wait(process: subprocess.Popen[bytes], login: LabelStudioLogin) -> None:
    """Wait until the server takes its token; raises `RatchetError` where it ends, or does not in time."""
    say("starting; the first time it makes its database, which takes half a minute")
    until = time.monotonic() + LABEL_STUDIO_START_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RatchetError(f"Label Studio ended with {process.returncode}.", "See server.log in its folder.")
        request = urllib.request.Request(  # noqa: S310 - our own server on loopback
            f"{login.url}/api/current-user/whoami", headers={"Authorization": f"Token {login.token}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=LABEL_STUDIO_ANSWER_S):  # noqa: S310
                return
        except urllib.error.HTTPError as error:
            raise RatchetError(
                f"Label Studio refuses its own login with HTTP {error.code}.",
                "login.json is not the one with which its database was made: restore it from a backup.",
            ) from None
        except OSError:
            time.sleep(_LOOK_S)
    raise RatchetError(f"Label Studio did not answer within {LABEL_STUDIO_START_S:g} s.", "See server.log.")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(LABEL_STUDIO_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
