"""Data of a cycle: row rules, consensus labels, redaction, near-duplicates, splits and curation."""
