"""Adapters in memory: loading, slots, batches and paths."""
