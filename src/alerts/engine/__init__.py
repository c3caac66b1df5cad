"""Judges rules by what the line wrote, and tells of what it finds: the rooms beside it put together."""
