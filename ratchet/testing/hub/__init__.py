"""Hub on loopback: the part of huggingface.co's protocol that `huggingface_hub` uses, in memory, with faults."""
