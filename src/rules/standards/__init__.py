"""Limits of standards and permits through time: what ships, what a configuration adds, and how means keep them."""
