"""The carbon market and clean energy: movements of instruments, positions, and how clean the electricity is."""
