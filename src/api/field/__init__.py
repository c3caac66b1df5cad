"""What stands in the plant and what it sends: inventory, gateways, channels, quality, inbox, quarantine, rebirths."""
