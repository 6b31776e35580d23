"""Checks of the product in Dagster: one file each, blocking unless its docstring says why not.

Verdicts are computed in `ratchet/gates/`.
"""
