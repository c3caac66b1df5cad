"""The live page and its stream."""
