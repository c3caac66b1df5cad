"""Batteries: whose tonnes they hold, and when they should work."""
