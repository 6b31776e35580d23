"""Simulated production: the sample classifier's language, the people who label it, and whole weeks of both, written as
files."""
