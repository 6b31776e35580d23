"""Label Studio on loopback, from its own environment: `python -m orchestration.label_studio_server`.

That is `make label-studio`. It answers this machine alone, sends nothing home, lets nobody sign up, fetches no address
and knows no model. Add here a step of its start; its settings are `ratchet/review/label_studio/server_settings.py`, its
client is beside them.
"""

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from ratchet.core.child_processes import die_with_parent
from ratchet.core.errors import RatchetError
from ratchet.core.files import make_folder, write_atomically
from ratchet.review.label_studio.server_process import stop_server, wait_for_server
from ratchet.review.label_studio.server_settings import server_environment
from ratchet.rollout.trust import trust_of
from ratchet.storage.home import Home
from ratchet.storage.home_rights import follow_home_rights
from ratchet.storage.review.label_studio_login import write_login

HOST, PORT = "127.0.0.1", 8080
_ROOT = Path(__file__).parents[1]
_ENVIRONMENT = _ROOT / ".venv-label-studio"


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
            env=server_environment(os.environ, folder, _ROOT, **asdict(login)), cwd=folder,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=partial(die_with_parent, os.getpid()),
        )  # fmt: skip
        try:
            say("starting; the first time it makes its database, which takes half a minute")
            wait_for_server(process, login.url, login.token)
            write_atomically(ready, b"")
            say(f"Label Studio answers at {url}; name and password stand in {folder / 'login.json'}; Ctrl-C stops it")
            return process.wait() or 1
        except KeyboardInterrupt:
            return 0
        finally:
            stop_server(process)


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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
