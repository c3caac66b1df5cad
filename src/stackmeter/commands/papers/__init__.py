"""Commands about papers, and about what a month needs to be final."""
