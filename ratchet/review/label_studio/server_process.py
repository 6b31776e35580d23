"""Process of our own Label Studio: waited for until it takes its token, and stopped.

Add here what is done with that process; it is started by `orchestration/label_studio_server.py`.
"""

import subprocess
import time
import urllib.error
import urllib.request

from ratchet.core.errors import RatchetError
from ratchet.core.timeouts import LABEL_STUDIO_ANSWER_S, LABEL_STUDIO_START_S, LABEL_STUDIO_STOP_S

_LOOK_S = 0.2


def wait_for_server(process: subprocess.Popen[bytes], url: str, token: str) -> None:
    """Wait until the server takes its token; raises `RatchetError` where it ends, or does not in time."""
    until = time.monotonic() + LABEL_STUDIO_START_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RatchetError(f"Label Studio ended with {process.returncode}.", "See server.log in its folder.")
        request = urllib.request.Request(  # noqa: S310 - our own server on loopback
            f"{url}/api/current-user/whoami", headers={"Authorization": f"Token {token}"}
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


def stop_server(process: subprocess.Popen[bytes]) -> None:
    """End the process, by SIGKILL where it does not end in time."""
    process.terminate()
    try:
        process.wait(LABEL_STUDIO_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
