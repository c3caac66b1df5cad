"""Readings, windows, and sums over them."""
