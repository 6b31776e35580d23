"""A Hub on loopback until Ctrl-C, for dry runs: `python -m ratchet.testing.hub` prints what another shell needs to
speak with it.

It keeps everything in memory and lets in whoever has its token. Add here how it is started; what it answers is
`server.py`.
"""

import argparse
import signal
import sys

from ratchet.testing.hub.server import LocalHub


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0 once it was asked to stop."""
    parser = argparse.ArgumentParser(prog="python -m ratchet.testing.hub", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 for a free one")
    options = parser.parse_args(arguments)
    asked = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, asked)  # before the threads begin, which inherit it
    try:
        hub = LocalHub(port=options.port)
    except OSError as error:
        print(f"port {options.port} cannot be listened on: {error.strerror}. Give another --port.", file=sys.stderr)  # noqa: T201
        return 1
    with hub:
        for name, value in hub.environment.items():
            print(f"export {name}={value}", flush=True)  # noqa: T201 - the command's answer
        signal.sigwait(asked)
    return 0


if __name__ == "__main__":
    sys.exit(main())
