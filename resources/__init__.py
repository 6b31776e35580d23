"""How Dagster reaches the world: configuration in, a plain store of `ratchet.storage` out."""
