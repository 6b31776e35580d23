"""The shapes that clients of other servers speak: thin routes over `gateway/routes/classify.py`, one module for each
server."""
