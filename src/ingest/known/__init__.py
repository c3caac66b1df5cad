"""What the line knows of channels, boots, gateways and sources between messages."""
