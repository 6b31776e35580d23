"""Rollout files: ledger, flag file, signing keys, and pairs of answers of a shadow."""
