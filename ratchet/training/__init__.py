"""Training of all candidates of one cycle, in a process of its own; `__main__` is the entry point."""
