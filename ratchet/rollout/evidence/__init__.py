"""Evidence of a rollout: which compared requests count, the counts over them, and the SQL that counts."""
