"""Tools whose exports are read, by the word of `ratchet ingest --from`.

Add a tool here, with its reader in a file of its own.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ratchet.core.errors import UsageError
from ratchet.core.names import nearest
from ratchet.data.tool_exports.argilla_rows import is_argilla, read_argilla
from ratchet.data.tool_exports.doccano_rows import is_doccano, read_doccano
from ratchet.data.tool_exports.label_studio_rows import is_label_studio, read_label_studio
from ratchet.data.tool_exports.openpipe_rows import is_openpipe, read_openpipe
from ratchet.data.tool_exports.prodigy_rows import is_prodigy, read_prodigy
from ratchet.data.tool_exports.tensorzero_rows import is_tensorzero, read_tensorzero
from ratchet.data.tool_exports.tool_rows import FieldNames, ServedRequest, ToolLabel


@dataclass(frozen=True)
class ToolReader:
    """Reader of one tool's exports: its name for people, the test for one of its rows, and what a row says."""

    title: str
    fits: Callable[[Mapping[str, Any]], bool]
    read: Callable[[Mapping[str, Any], FieldNames], Iterator[ServedRequest | ToolLabel]]


TOOLS: dict[str, ToolReader] = {
    "label-studio": ToolReader("Label Studio", is_label_studio, read_label_studio),
    "argilla": ToolReader("Argilla", is_argilla, read_argilla),
    "prodigy": ToolReader("Prodigy", is_prodigy, read_prodigy),
    "doccano": ToolReader("doccano", is_doccano, read_doccano),
    "openpipe": ToolReader("OpenPipe", is_openpipe, read_openpipe),
    "tensorzero": ToolReader("TensorZero", is_tensorzero, read_tensorzero),
}


def find_reader(name: str) -> ToolReader:
    """Return the reader of the tool called `name`; raises `UsageError`."""
    word = name.strip().casefold().replace("_", "-").replace(" ", "-")
    if word not in TOOLS:
        raise UsageError(
            f"unknown tool {name[:40]!r}.", f"{nearest(word, TOOLS)} Tools: {', '.join(TOOLS)}.".strip(),
            code="bad_tool",
        )  # fmt: skip
    return TOOLS[word]
