"""What a person sees of answers in the terminal: tables and texts."""
