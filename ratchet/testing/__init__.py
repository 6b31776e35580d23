"""Test support as part of the product: small homes, tiny models, local servers, faults."""
