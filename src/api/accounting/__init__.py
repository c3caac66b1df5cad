"""What totals rest on and how they become final: factors, ledger, periods, regulated hours, balance, explanations."""
