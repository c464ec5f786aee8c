"""Several reads in one round trip to the database: a page of many lists waits once."""

from django.db import connection


def read_together(reads):
    """The rows of each of the (statement, parameters), asked in one go."""
    return connection.read_together(list(reads))
