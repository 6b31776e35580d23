"""Foundations of the product: errors, cycles, names, digests, and files that survive a crash."""
