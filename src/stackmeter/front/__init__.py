"""The front: one API and one live page over shards. It keeps nothing, and shows what each shard shows to the key that asks."""
