"""Specification of a classifier, `classifier.toml`: one module for each table, with defaults, units and bounds."""
