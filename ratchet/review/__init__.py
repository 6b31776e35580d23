"""Review: which requests people are asked to label, in which order, and when enough people have answered."""
