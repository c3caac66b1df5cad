"""A client of our own API: what commands ask a running service, and how its answers are understood."""
