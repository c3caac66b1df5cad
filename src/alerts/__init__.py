"""Alerts: from what the line wrote to what people are told; a fault in here costs alerts, and never tonnes."""
