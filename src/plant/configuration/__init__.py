"""The compiler: from the documents of a configuration to a plant, every mistake at its place."""
