"""Who asks, what of it they may see, how much they may ask, and what is recorded of it."""
