"""Guardrails of a rollout: each figure with its interval and its limit."""
