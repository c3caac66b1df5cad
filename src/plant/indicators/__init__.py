"""What parks and facilities are told by beside tonnes: water, waste, and what an eco-park must reach."""
