"""Models: base models, adapters, tokenization, inference, and the client of a frontier model."""
