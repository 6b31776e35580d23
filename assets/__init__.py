"""What exists. One file = one asset = one function = one asset key = one table or directory. Logic belongs in
`ratchet/`."""
