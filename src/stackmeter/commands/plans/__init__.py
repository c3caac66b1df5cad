"""Commands that show the plan of a park, the bill of a facility and the advice for its battery."""
