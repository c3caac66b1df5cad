"""The memory: journal, state and ledger in SQLite, and InfluxDB as a projection of them."""
