"""Dagster resources: configuration in, a plain store of `ratchet.storage` out."""
