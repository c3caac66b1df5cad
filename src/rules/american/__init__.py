"""40 CFR parts 75 and 98: hours that count, substitution, and formulas with the constants of the rules."""
