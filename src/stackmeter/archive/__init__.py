"""The archive as a service keeps it while it runs, and as the command line tells of it."""
