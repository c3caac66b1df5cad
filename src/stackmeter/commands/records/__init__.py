"""Commands about records: what people enter, hand in as evidence and approve."""
