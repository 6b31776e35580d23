"""`ratchet export`: an adapter in the format of another runtime.

Add here options and output; exports are written and compared by `ratchet/storage/registry/exports.py`.
"""

from typing import Annotated

import typer

from orchestration.cli import completion
from orchestration.cli.help import Name
from orchestration.cli.output import emit, emit_json, say
from orchestration.cli.session import session_of

_BLOCKED = 2


def export(
    context: typer.Context,
    name: Name,
    kind: Annotated[
        str, typer.Option("--kind", help="merged, onnx, onnx_int8, gguf_f16, gguf_q8_0, gguf_q4_0 or gguf_q4_k_m.")
    ],
    adapter: Annotated[
        str, typer.Option("--adapter", help="live, shadow, candidate, or a digest.", autocompletion=completion.adapters)
    ] = "live",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document: export.json and its folder.")] = False,
) -> int:
    """Write the export beside the adapters; return 2 where its answers are not as good as the adapter's."""
    session = session_of(context)
    session.home.need(name)
    from ratchet.storage.registry.exports import Exports
    from ratchet.workflows.resolve_adapter import find_adapter

    exports = Exports(session.home)
    digest = find_adapter(session.home, name, adapter)
    folder = exports.folder(name, digest, kind)
    say(session, f"export of adapter {digest[:12]} to {folder}")
    record = exports.make(name, digest, kind)
    if as_json:
        emit_json({**record, "folder": str(folder)})
    else:
        speed = record["speed"]
        fast = (
            f"{speed['export_texts_per_s']:.0f} texts/s (the adapter: {speed['adapter_texts_per_s']:.0f}). "
            if speed
            else ""
        )
        emit(f"{record['verdict']['reason']} {fast}{record['bytes'] / 1e6:.1f} MB in {folder}")
    if record["verdict"]["outcome"] == "passed":
        return 0
    say(
        session,
        "hint: Choose another --kind, or widen the limits in [export] if you can accept that: `ratchet docs exports`.",
    )
    return _BLOCKED
