"""Commands that exchange with a Hub: publishing, base models, adapters of third parties."""
