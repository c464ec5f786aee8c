"""What contradicts itself in numbers and trunks: rules, found in SQL, kept in a table that follows what changes."""

from telephony.conflicts.looking import counts, follow, look, state, up_to_date
from telephony.conflicts.rules import RULES

__all__ = ["RULES", "counts", "follow", "look", "state", "up_to_date"]
