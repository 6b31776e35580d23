"""Supervision of training processes: start, heartbeat, memory, diagnosis and retry."""
