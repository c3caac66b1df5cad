"""Alerts, states of conditions, notices and webhooks that wait, and what is shown of them."""
