"""Commands to start with: the demo, a new classifier, and a check of this machine."""
