"""The audit of a cycle's gates: plays each attack before the decisions that serve, within a share of the cycle's
time."""
