"""The demo behind `ratchet demo`: its weeks, its rollout and the gateway that it starts."""
