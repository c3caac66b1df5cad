"""Shards: services that each have parks of their own; the file that names them, and what two of them must not share."""
