"""A window of a source with all it was made of, and made again from just that."""
