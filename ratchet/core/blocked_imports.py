"""Keeping an installed package from being imported by others, for the time that it would only cost.

Add here what concerns imports that are not wanted.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def hidden(package: str) -> Iterator[None]:
    """Have imports find no `package` meanwhile, as on a machine without it; one that is imported already stays."""
    missing = package not in sys.modules
    if missing:
        sys.modules[package] = None  # type: ignore[assignment] # Python's own way to say that it cannot be imported
    try:
        yield
    finally:
        if missing:
            del sys.modules[package]
