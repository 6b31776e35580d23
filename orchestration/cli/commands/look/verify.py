"""`ratchet verify`: verify a receipt, or the ledger of a classifier with its anchors.

Add here options and output; the checks are `ratchet/workflows/verify.py` and `ratchet/workflows/verify_receipt.py`.
"""

from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.help import Checkpoints, Json
from orchestration.cli.output import emit, emit_json, printable
from orchestration.cli.session import pin, session_of
from ratchet.core.errors import RatchetError


def verify(
    context: typer.Context,
    target: Annotated[
        str, typer.Argument(metavar="RECEIPT|NAME", help="A receipt's file, or a classifier with its ledger.")
    ],
    public_key: Annotated[
        Path | None,
        typer.Option(
            "--public-key",
            metavar="FILE",
            help="The key to trust, of a receipt its gate_key.pub; default: RATCHET_PUBLIC_KEY, else the home's.",
        ),
    ] = None,
    checkpoint: Checkpoints = None,
    json: Json = False,
) -> int:
    """Verify the receipt, on any machine with its key, or the whole ledger with its anchors, receipts and flag."""
    home = pin(session_of(context).home, public_key, checkpoint)
    from ratchet.workflows.verify import verify_ledger
    from ratchet.workflows.verify_receipt import verify_receipt

    path = Path(target)
    if path.is_file():
        result = verify_receipt(home, path)
    else:
        home.need(target)
        result = verify_ledger(home, target)
    faults = [each for each in result if each.fault]
    if json:
        emit_json({"target": target, "holds": not faults, "findings": [each.as_json() for each in result]})
        return 1 if faults else 0  # one document: the findings say it all
    for each in result:
        finding = printable(each.fault or each.detail)
        emit(f"{'FAULT' if each.fault else 'ok':<6}{each.what}: {finding}")
    if faults:
        raise RatchetError(
            f"{len(faults)} of {len(result)} findings are faults.",
            "Each line says what is wrong; restore what was damaged from a backup. Nothing is promoted meanwhile.",
            code="unverified",
        )
    return 0
