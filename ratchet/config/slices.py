"""Table `[slices]` of the specification: the columns of the production logs by which a candidate is judged in parts.

Add a setting here, with its default, unit and the error for a wrong value; the rule is `ratchet/gates/slices.py`.
"""

from dataclasses import dataclass

from ratchet.config.validation import STRICT, bad_spec, need_at_least

_RESERVED = frozenset({"request_id", "ts", "text", "label", "confidence", "adapter", "latency_ms"})


@dataclass(frozen=True)
class Slices:
    """Settings of the gate `slices`. Labels are always slices; columns of the logs are where they are named here."""

    __pydantic_config__ = STRICT

    columns: tuple[str, ...] = ()
    """Further columns of the production logs, such as `channel` or `country`: each of their values is a slice."""
    min_items: int = 20
    """Labelled items that a slice needs to be judged; smaller ones are counted together and named as too small."""

    def __post_init__(self) -> None:
        need_at_least("slices.min_items", self.min_items, 1)
        for name in self.columns:
            if name in _RESERVED or not name.strip():
                raise bad_spec(
                    f"slices.columns names {name!r}.",
                    "Name further columns of the production logs; labels are judged in any case.",
                )
        if len(set(self.columns)) < len(self.columns):
            raise bad_spec(f"slices.columns = {list(self.columns)} names a column twice.", "Name each once.")
