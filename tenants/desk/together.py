"""Several reads in one round trip to the database: a page of many lists waits once."""

from django.db import connection


def read_together(reads):
    """The rows of each of the (statement, parameters), asked in one go."""
    statements = [connection.ops.compose_sql(statement, parameters) for statement, parameters in reads]
    results = []
    if statements:
        with connection.cursor() as cursor:
            cursor.execute(";\n".join(statements))
            results.append(cursor.fetchall())
            while cursor.nextset():
                results.append(cursor.fetchall())
    return results
