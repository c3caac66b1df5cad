"""The second look: numbers of a state made again from what it holds, to prove, explain, restate or try them."""
