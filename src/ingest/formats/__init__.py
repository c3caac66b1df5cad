"""Payload formats: each file turns the bytes of one message into raw readings and refusals, and never raises."""
