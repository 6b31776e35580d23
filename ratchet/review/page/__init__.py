"""The pages for people who review: login, what waits, and one text at a time."""
