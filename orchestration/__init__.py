"""When things run: jobs, schedules, sensors and the `ratchet` command. Sees everything, decides nothing."""
