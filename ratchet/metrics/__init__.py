"""Metrics of class probabilities: figures, their intervals, calibration and thresholds."""
