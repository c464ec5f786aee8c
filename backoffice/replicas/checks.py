"""Is an address in REPLICA_URLS one that pages may be read from?"""

import psycopg
from django.core import checks
from django.db import DatabaseError, connections

WHO = """
select session_user, current_database(), pg_is_in_recovery(), (select system_identifier from pg_control_system())
"""


def replica_faults(alias):
    """Messages about one replica. That it does not answer is only a warning: pages are read from the primary then."""
    from backoffice.checks import connection_faults

    connection = connections[alias]
    try:
        role, database, is_replica, cluster = who(connection)
        faults = connection_faults(connection, setting="REPLICA_URLS")
    except (DatabaseError, psycopg.Error) as error:
        reason = " ".join(str(error).split())
        return [
            checks.Warning(
                f"{alias} of REPLICA_URLS could not be checked: {reason}",
                hint="Pages are read from the primary until it answers.",
                id="backoffice.W021",
            )
        ]
    finally:
        connection.close()
    own_role, own_database, _, own_cluster = who(connections["default"])
    if not is_replica:  # no reason not to start: it may have been promoted in a hurry
        faults.append(
            checks.Warning(
                f"{alias} of REPLICA_URLS is no read replica: it is a primary, perhaps that of DATABASE_URL, or was "
                "promoted.",
                hint="Take it out of REPLICA_URLS. Nothing is read from it.",
                id="backoffice.W022",
            )
        )
    wrong = []
    if (cluster, database) != (own_cluster, own_database):
        wrong.append("is not a copy of the database of DATABASE_URL.")
    if role != own_role:
        wrong.append(f"is reached as {role}, the primary as {own_role}.")
    return faults + [
        checks.Error(
            f"{alias} of REPLICA_URLS {what}",
            hint="Give the connection string of a read replica with the role, password and database of DATABASE_URL.",
            id="backoffice.E021",
        )
        for what in wrong
    ]


def who(connection):
    """(login role, database, whether it is a replica, the cluster's number)."""
    with connection.cursor() as cursor:
        cursor.execute(WHO)
        return cursor.fetchone()
