"""Formulas that methods share or limits need: stack gas, reference conditions, refrigerants, batteries, heat and power."""
