"""Commands that move a rollout: promote, advance, hold, roll back, kill, replay."""
