"""What several shards are to each other: checked together before they run, and the gateways that none of them has."""
