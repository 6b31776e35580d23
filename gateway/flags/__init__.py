"""Rollout flags: reading, following and evaluating them."""
