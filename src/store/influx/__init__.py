"""InfluxDB: a projection of the state, and what is read back of it."""
