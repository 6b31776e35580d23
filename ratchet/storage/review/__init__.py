"""Files of the review queue: append-only logs, and the index that is derived from them."""
