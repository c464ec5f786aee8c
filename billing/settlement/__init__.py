"""Usage and calls become ledger debits, by day (UTC) and organization. The rules are in db/billing.sql, section 6."""
