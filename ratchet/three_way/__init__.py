"""The three-way evaluation: base, tuned and frontier model on the same texts, by quality, honesty, price and time."""
