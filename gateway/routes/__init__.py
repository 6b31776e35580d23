"""HTTP routes: classification, feedback, operations, the rollout page, and the protocols of other servers."""
