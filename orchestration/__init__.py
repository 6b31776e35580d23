"""Orchestration: jobs, schedules, sensors and the `ratchet` command. It sees everything and decides nothing."""
