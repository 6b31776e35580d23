"""Commands of `ratchet`: a folder for each group of its help, a file for each command."""
