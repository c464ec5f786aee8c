"""Reading one moment of the database, however long it takes."""

from contextlib import contextmanager

from django.db import connections


@contextmanager
def snapshot(same_as=None):
    """A psycopg cursor that sees one moment of the database, over a connection of its own and without time limits.

    `same_as` is the cursor of another snapshot, whose moment it shall see, to read beside it in another thread.
    """
    own = connections.create_connection("default")
    try:
        own.ensure_connection()
        plain = own.connection
        plain.autocommit = True
        with plain.cursor() as cursor:
            cursor.execute("begin isolation level repeatable read, read only")
            if same_as is not None:
                same_as.execute("select pg_export_snapshot()")
                # The statement takes no parameters; the name comes from the server itself.
                cursor.execute(f"set transaction snapshot '{same_as.fetchone()[0]}'")
            cursor.execute("set local statement_timeout = 0")
            cursor.execute("set local idle_in_transaction_session_timeout = 0")
            yield cursor
            cursor.execute("rollback")
    finally:
        own.close()
