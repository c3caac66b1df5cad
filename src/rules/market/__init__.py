"""The carbon market and clean energy: holdings from movements, positions, dated rules of a market, and hours of clean electricity."""
