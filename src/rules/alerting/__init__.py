"""When conditions and limits fire, and who is told of it."""
