"""Readings in the state: how they are written, and how all others ask for them. No other room knows where they lie."""
