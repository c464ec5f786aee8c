"""Reading one moment of the database, however long it takes."""

from contextlib import contextmanager

from django.db import connections


@contextmanager
def snapshot():
    """A psycopg cursor that sees one moment of the database, over a connection of its own and without time limits."""
    own = connections.create_connection("default")
    try:
        own.ensure_connection()
        plain = own.connection
        plain.autocommit = True
        with plain.cursor() as cursor:
            cursor.execute("begin isolation level repeatable read, read only")
            cursor.execute("set local statement_timeout = 0")
            cursor.execute("set local idle_in_transaction_session_timeout = 0")
            yield cursor
            cursor.execute("rollback")
    finally:
        own.close()
