"""Training: every candidate of one cycle, in a process of its own. Each module holds one idea; `__main__` joins
them."""
