"""The city: our parks and those that other Stackmeters tell of, side by side."""
