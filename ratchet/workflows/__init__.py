"""Workflows: sequences of steps that a command, a job or the gateway asks for, named after their command."""
