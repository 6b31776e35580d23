"""Review at the command line: keys, screen and files of `ratchet review`, and output of `people` and `labels`."""
