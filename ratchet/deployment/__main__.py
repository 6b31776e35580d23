"""`python -m ratchet.deployment FOLDER RUNTIME [EXPORT]`: try the adapter of a folder in a runtime, in its own process.

The last line of standard output is a JSON document: `outcome` (passed or failed), `reason`, and a failure's `code`.
"""

import argparse
import json
import os
from pathlib import Path

from ratchet.core.child_processes import die_with_parent
from ratchet.core.errors import RatchetError
from ratchet.core.process_lifetime import run_process


def main(arguments: list[str] | None = None) -> int:
    """Print the outcome; the exit code is 0 whichever it is."""
    parser = argparse.ArgumentParser(prog="python -m ratchet.deployment", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("runtime")
    parser.add_argument("export", nargs="?", default="")
    options = parser.parse_args(arguments)
    die_with_parent(os.getppid())
    from ratchet.deployment.trial import try_adapter

    try:
        outcome = {"outcome": "passed", "reason": try_adapter(options.folder, options.runtime, options.export)}
    except RatchetError as error:
        outcome = {"outcome": "failed", "reason": f"{error.message} {error.hint}".strip(), "code": error.code}
    print(json.dumps(outcome))  # noqa: T201 - the command's answer
    return 0


if __name__ == "__main__":
    run_process(main)
