"""The `ratchet` command: thin calls into the job and into `ratchet/`, where decisions belong."""
