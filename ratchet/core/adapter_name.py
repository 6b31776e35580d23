"""Name of an adapter as people read it: the week that made it and the beginning of its digest.

A digest alone tells nobody how old an adapter is. Add here another part of the name; names are looked up by
`ratchet/workflows/adapter_names.py`.
"""

from dataclasses import dataclass

SHOWN = 8
"""Hex digits that are shown, and accepted where they are unique."""


@dataclass(frozen=True)
class AdapterName:
    """Digest of an adapter with what is known about it."""

    digest: str
    week: str = ""
    """Monday of the cycle that made it; empty where no file tells."""
    name: str = ""
    """Name that a person chose; empty without one."""

    @property
    def short(self) -> str:
        """The name on screens: `2026-01-12 · 3b4ef3e2`, with a chosen name before it."""
        return " · ".join(filter(None, (self.name, self.week, self.digest[:SHOWN])))

    def __str__(self) -> str:
        return self.short
