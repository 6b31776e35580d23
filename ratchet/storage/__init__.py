"""Plain input and output, no decisions: each store owns one kind of file and knows how to write it so that it survives
a crash."""
