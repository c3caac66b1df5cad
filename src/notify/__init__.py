"""The voice: alerts from the outbox to signed webhooks."""
