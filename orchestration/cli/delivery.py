"""Files for `ratchet ingest` as the command line names them.

Add here an option that says something of the files; they are taken by `ratchet/workflows/ingest_files.py`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ratchet.core.errors import UsageError

if TYPE_CHECKING:
    from ratchet.workflows.ingest_files import Delivery


def read_delivery(
    paths: Sequence[tuple[str, Path]],
    columns: Sequence[str],
    *,
    blind: bool,
    anchored: bool,
    tool: str = "",
    exports: Sequence[Path] = (),
) -> "Delivery":
    """Return what the options name. Raises `UsageError` where they contradict each other."""
    from ratchet.data.tool_exports.registry import TOOLS, find_reader
    from ratchet.workflows.ingest_files import Delivery

    if bool(tool) != bool(exports):
        raise UsageError(
            "--from needs the tool's export." if tool else f"{exports[0]}: what is it?",
            "Write --from TOOL FILE." if tool else f"Write --from TOOL before it ({', '.join(TOOLS)}), or --logs,"
            " --corrections or --examples.",
            code="usage",
        )  # fmt: skip
    if tool:
        find_reader(tool)
    has_corrections = bool(exports) or any(kind == "corrections" for kind, _ in paths)
    saw = _saw_prediction(blind, anchored, has_corrections)
    return Delivery(paths, _read_mapping(columns), saw, tool, exports)


def _read_mapping(words: Sequence[str]) -> dict[str, str]:
    pairs = [word.partition("=") for word in words]
    for word, (ours, _, theirs) in zip(words, pairs, strict=True):
        if not ours or not theirs:
            raise UsageError(
                f"--map {word!r} is not a pair.", "Write --map ours=theirs, for instance text=body.", code="bad_mapping"
            )
    return {ours: theirs for ours, _, theirs in pairs}


def _saw_prediction(blind: bool, anchored: bool, has_corrections: bool) -> bool | None:
    """Return what the command says of all annotators of the files: whether they saw the prediction, or nothing."""
    if not blind and not anchored:
        return None
    if blind and anchored:
        raise UsageError(
            "--blind and --anchored contradict each other.", "Ingest the two kinds of files one after the other.",
            code="bad_mapping",
        )  # fmt: skip
    if not has_corrections:
        raise UsageError(
            f"{'--blind' if blind else '--anchored'} says something of corrections, and no file of them is given.",
            "Write it beside --corrections FILE or --from TOOL FILE.",
            code="bad_mapping",
        )
    return anchored
