"""The rollout page: one rollout at a glance, for a person who may have to roll it back; HTML without a script."""
