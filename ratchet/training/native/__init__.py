"""Training loop of the product: LoRA, DoRA and full training in two processes."""
