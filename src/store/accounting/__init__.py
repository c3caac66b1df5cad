"""How totals become final and stay provable: ledger, chain, closing, what waits for approval, regulated hours."""
