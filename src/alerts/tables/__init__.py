"""What the state keeps of alerts: alerts and their events, where rules stand, silences, and the outbox of webhooks."""
