"""What a failing database means to the person who waits: a title, a sentence, and when to try again.

Told by the SQLSTATE of the server, else by the kind of exception. docs/faults.md has the table.
"""

from dataclasses import dataclass

import psycopg
from django.db import Error, InterfaceError, OperationalError

QUERY_CANCELED = "57014"


@dataclass(frozen=True)
class Fault:
    """`retry_after` in seconds. `too_long`: a page that offers less to look for helps more than trying again."""

    name: str
    title: str
    text: str
    retry_after: int
    too_long: bool = False


AWAY = Fault(
    "away",
    "The database does not answer right now",
    "The back office is there, its database is not. Usually it is back within seconds.",
    10,
)
FULL = Fault(
    "full",
    "Too many people want the database at once",
    "It gives out no more connections just now.",
    5,
)
READ_ONLY = Fault(
    "read_only",
    "The database is read-only just now",
    "Pages can be looked at, and nothing can be changed, while the database is moved or repaired. "
    "Signing in, and reading what is logged when it is read, have to wait, too.",
    30,
)
BUSY = Fault(
    "busy",
    "Somebody else is changing this just now",
    "Two changes met in the same place, and this one gave way. It is safe to try again.",
    2,
)
TOO_LONG = Fault(
    "too_long",
    "This took too long and was stopped",
    "A shorter period, one organization or fewer filters make it faster.",
    10,
    too_long=True,
)

BY_SQLSTATE = {
    "25006": READ_ONLY,  # read_only_sql_transaction
    "40001": BUSY,  # serialization_failure
    "40P01": BUSY,  # deadlock_detected
    "55P03": BUSY,  # lock_not_available
    QUERY_CANCELED: TOO_LONG,
    "25P03": TOO_LONG,  # idle_in_transaction_session_timeout
    "53300": FULL,  # too_many_connections
}


def fault_of(error):
    """The Fault that an exception stands for; None if it is a mistake of the program."""
    if not isinstance(error, Error | psycopg.Error):
        return None
    for each in (error.__cause__, error):
        if found := BY_SQLSTATE.get(getattr(each, "sqlstate", None)):
            return found
    lost = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)
    return AWAY if isinstance(error, lost) else None
