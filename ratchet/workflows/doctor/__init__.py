"""Doctor: what is wrong in a home, and how to fix it."""
