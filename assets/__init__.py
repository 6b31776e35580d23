"""Assets of the product in Dagster: one file, one function, one asset key, one table or folder each.

Logic belongs in `ratchet/`.
"""
