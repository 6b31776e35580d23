"""Client of a frontier model behind an OpenAI-compatible endpoint, within a budget. No disk, no Dagster."""
