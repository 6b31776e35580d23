"""Deployment targets: where an adapter will run, what that place takes, and whether a plan or an artifact fits it."""
