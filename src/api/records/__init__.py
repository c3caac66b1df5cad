"""Records: what people enter, approve and hand in as evidence."""
