"""Commands: what each asks for and prints. What it computes stands in another room."""
