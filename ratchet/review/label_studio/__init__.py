"""Label Studio as a place where the queue is answered: its REST API, the project's form, and what its answers mean."""
