"""Deployment targets: where an adapter will run, what each target accepts, and whether a plan or artifact fits it."""
