"""The `ratchet` command: thin calls into the job and into `ratchet/`. One file a command; decisions belong in
`ratchet/`."""
