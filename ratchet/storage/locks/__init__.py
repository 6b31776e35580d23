"""Locks and leases: what one process holds so that others wait for it, or know that it lives."""
