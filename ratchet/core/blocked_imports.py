"""Block the import of an installed package for as long as loading it would only cost time.

Add here what concerns unwanted imports.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def hidden(package: str) -> Iterator[None]:
    """Make imports of `package` fail inside the block, as if it were not installed; one already imported stays."""
    missing = package not in sys.modules
    if missing:
        sys.modules[package] = None  # type: ignore[assignment] # Python's own way to say that it cannot be imported
    try:
        yield
    finally:
        if missing:
            del sys.modules[package]
