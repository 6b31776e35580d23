"""Commands that answer: the gateway and its keys, files of texts, exports for other runtimes."""
