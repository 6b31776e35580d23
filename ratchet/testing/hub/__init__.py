"""A Hub on loopback: the protocol of huggingface.co as `huggingface_hub` speaks it, in memory, with any fault
planted."""
