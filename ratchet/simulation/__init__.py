"""Simulated production: traces of the sample classifier, the people who label them, and whole weeks as files."""
