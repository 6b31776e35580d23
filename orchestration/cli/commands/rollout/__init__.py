"""Commands that move a rollout: promotion, step, stop, rollback, replay."""
