"""Keys of the gateway and secrets of a home: who may ask, and what only its owner may read."""
