"""Writers: each turns any paper into one kind of file, with the same bytes each time."""
