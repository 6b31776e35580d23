"""Guide of a classifier on disk: `guide.md`, read when it or the golden set has changed.

Add here a limit of the file; what it may hold is `ratchet/review/guide.py`.
"""

from ratchet.config.spec import Spec
from ratchet.core.errors import RatchetError
from ratchet.data.near_duplicates import normalise
from ratchet.review.guide import Guide, parse_guide
from ratchet.storage.golden_set import load_golden
from ratchet.storage.home import Home

MAX_BYTES = 256 * 1024
TOO_LARGE = f"The guide is not shown: guide.md is larger than {MAX_BYTES // 1024} kB."
UNREADABLE = "The guide is not shown: it or the golden set cannot be read."


def read_guide(home: Home, spec: Spec) -> Guide:
    """Read the guide without texts of the golden set; a missing one is empty, and a bad one says so."""
    path, golden_path = home.guide(spec.name), home.golden(spec.name)
    try:
        content = path.read_bytes()
        if len(content) > MAX_BYTES:
            return Guide(TOO_LARGE)
        items = load_golden(golden_path, spec) if golden_path.exists() else []
    except FileNotFoundError:
        return Guide()
    except (OSError, RatchetError):
        return Guide(UNREADABLE)
    golden = {normalise(item.text) for item in items}
    return parse_guide(content.decode("utf-8", "replace"), spec.labels, lambda line: normalise(line) in golden)
