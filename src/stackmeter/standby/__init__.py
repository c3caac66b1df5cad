"""A service whose journal is in a log on other machines: where that is opened, and how another machine follows and takes over."""
