"""Commands that serve: the gateway and its keys, prediction for files, exports for other runtimes."""
