"""Tonnes: totals, series, what stands beside them, budgets, and the way to net zero."""
