"""A frontier model behind an OpenAI-compatible endpoint: asked, checked, paid for and counted. No disk, no Dagster."""
