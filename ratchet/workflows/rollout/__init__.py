"""Rollout steps: nominate, admit, advance, roll back, reconcile the flag with the ledger, replay."""
