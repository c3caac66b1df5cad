"""The reckoning of a plan: what a measure saved, where a year leads, and what moved the tonnes from one year to another."""
