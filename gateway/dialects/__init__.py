"""The shapes that clients of other servers speak: thin routes over `gateway/classifying.py`, one module for each server."""
