"""From the journal's messages to a changed state: the stages of the line, one transaction a micro-batch."""
