"""Rollout: flag, ledger entry, state, evidence, guardrails and decision, as pure values; no files."""
