"""Write the golden set of the sample classifier anew, after its simulator changed.

Run `python -m benchmarks.sample_golden`; the same simulator always writes the same file.
"""

import sys

from ratchet.core.files import write_atomically
from ratchet.workflows.sample import SOURCE, make_golden


def main() -> int:
    """Write the file; return 0."""
    path = SOURCE / "golden.jsonl"
    write_atomically(path, make_golden().encode())
    print(f"{path.name}: {len(path.read_bytes().splitlines())} texts")
    return 0


if __name__ == "__main__":
    sys.exit(main())
