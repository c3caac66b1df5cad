"""Devices and gateways before they are connected: tried, accepted, let in by the broker, meters replaced."""
