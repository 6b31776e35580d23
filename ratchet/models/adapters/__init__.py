"""Adapter folders: format, reading, validation, merging."""
