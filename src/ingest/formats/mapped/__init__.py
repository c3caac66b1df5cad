"""What a mapping reads of a payload: items, frames of bytes, factors, readings."""
