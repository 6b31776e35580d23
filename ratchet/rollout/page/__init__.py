"""The rollout page: what one rollout amounts to, for a person who may have to take it back, as one HTML page without a
script."""
