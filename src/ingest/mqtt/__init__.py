"""Connections to the broker, and the intake that journals what they bring."""
