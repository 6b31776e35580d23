"""Attacks on our own gates: copies of a cycle's answers that a gate must stop, and the matrix of what each one did."""
