"""Trainers of TRL: supervised fine-tuning and a preference pass."""
