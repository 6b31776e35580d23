"""Evaluation: scores of candidate, live and baselines, comparison with a frontier model, sweep, and the eval report."""
