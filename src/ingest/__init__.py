"""The way in: MQTT, journal, decode, normalise, evaluate, state."""
