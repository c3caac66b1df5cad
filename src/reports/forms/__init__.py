"""Forms: each file is one, a function from facts to a paper; its words are keys of `reports.words`."""
