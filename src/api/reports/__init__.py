"""Reports: papers from a cut of the ledger, as drafts and issued; and what a month still needs to be final."""
