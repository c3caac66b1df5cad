"""Shares of water and waste over a period, and whether a park reaches what an eco-park must."""
