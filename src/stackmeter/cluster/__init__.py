"""What is said of all shards of a cluster at once: how they stand, and which machines they should be on."""
