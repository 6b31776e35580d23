"""What must be true. One file = one check; blocking unless its docstring says why not. Verdicts are computed in
`ratchet/`."""
