"""Several reads in one round trip to the database: a page of many lists waits once."""

from django.db import connection

# Each of them is small: to start processes for it would take longer than to do it.
ALONE = "set local max_parallel_workers_per_gather = 0"


def read_together(reads):
    """The rows of each of the (statement, parameters), asked in one go."""
    statements = [connection.ops.compose_sql(statement, parameters) for statement, parameters in reads]
    results = []
    if statements:
        with connection.cursor() as cursor:
            cursor.execute(";\n".join([ALONE, *statements]))
            while cursor.nextset():
                results.append(cursor.fetchall())
    return results
