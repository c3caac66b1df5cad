"""Formulas that methods share: stack gas, methane, heat and power."""
