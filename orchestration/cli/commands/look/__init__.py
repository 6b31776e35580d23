"""Commands that only read: status, explain, verify."""
