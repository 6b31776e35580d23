"""Commands of the review: what waits for a label, the people who give them, and the labels themselves."""
