"""Erasure of a person: search every store, redact in place, certify what was done and what remains."""
