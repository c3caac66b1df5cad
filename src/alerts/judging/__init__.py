"""Which limits and conditions are true of arrays of readings, and when an alert begins and ends by that; pure functions."""
