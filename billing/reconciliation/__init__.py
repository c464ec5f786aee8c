"""Whether every balance is what its ledger says, and what of usage and calls is settled (docs/reconciliation.md)."""
