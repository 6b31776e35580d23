"""Commands to begin with: the demo, a new classifier, and the state of this machine."""
