"""Registry: sealed adapters, their exports, and records of what was published."""
