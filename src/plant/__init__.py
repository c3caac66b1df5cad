"""What exists: the words, the units and the park's configuration. Does no I/O but reading its files, imports no other room."""
