"""Folder into which DuckDB spills beside a warehouse, of each process its own: killed ones leave gigabytes there.

Add here what else a process leaves beside a warehouse.
"""

import secrets
import shutil
from pathlib import Path

_SPILL, _PROCESS = ".duckdb_tmp", secrets.token_hex(4)


def spill_folder(warehouse: Path) -> Path:
    """Return this process's folder for a warehouse's file."""
    return warehouse.with_name(f"{_SPILL}.{_PROCESS}")


def sweep_spilled(warehouse: Path) -> None:
    """Remove the folders of other processes; the caller has the file open for writing, so nobody else needs one."""
    for folder in warehouse.parent.glob(f"{_SPILL}*"):
        if folder != spill_folder(warehouse):
            shutil.rmtree(folder, ignore_errors=True)
