"""Hub on loopback until Ctrl-C, for dry runs: `python -m ratchet.testing.hub` prints the environment for its clients.

It keeps everything in memory and accepts its own token. Add here options of the command; the server is in `server.py`.
"""

import argparse
import signal
import sys

from ratchet.testing.hub.server import LocalHub


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m ratchet.testing.hub", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 for a free one")
    options = parser.parse_args(arguments)
    stops = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, stops)  # before the threads start, which inherit it
    try:
        hub = LocalHub(port=options.port)
    except OSError as error:
        print(f"port {options.port} cannot be used: {error.strerror}. Choose another --port.", file=sys.stderr)  # noqa: T201
        return 1
    with hub:
        for name, value in hub.environment.items():
            print(f"export {name}={value}", flush=True)  # noqa: T201 - the command's answer
        signal.sigwait(stops)
    return 0


if __name__ == "__main__":
    sys.exit(main())
