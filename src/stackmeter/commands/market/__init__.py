"""Commands about the carbon market."""
