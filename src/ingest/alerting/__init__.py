"""What alert rules are shown of messages and readings, in the line's transaction."""
