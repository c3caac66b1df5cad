"""The thought: arrays in, tonnes of CO2e and breaches out. No I/O but reading its own factor files."""
