"""The journal that is kept in a replicated log too: NATS JetStream, known in this room alone."""
