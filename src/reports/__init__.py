"""Papers that are handed in: facts of a cut become a paper by a form, and a file by a writer. No state, no clock, no text outside of `data`."""
