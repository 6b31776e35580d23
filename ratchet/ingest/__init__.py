"""Intake: landing folders into the warehouse, each row once, and the rebuild of a lost warehouse."""
