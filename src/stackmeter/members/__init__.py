"""Members of a city: parks that other Stackmeters tell of, asked each minute; what they say is shown and never accounted for."""
