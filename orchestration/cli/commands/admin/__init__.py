"""Commands that talk to a Hub: publishing, base models, third-party adapters."""
