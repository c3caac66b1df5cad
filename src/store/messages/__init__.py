"""Messages and what became of them: journal, balances, boots, quarantine, inbox, gateways, edge nodes."""
