"""Hostile, damaged and mutated adapters, for tests of whatever opens adapters."""
