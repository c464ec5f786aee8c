"""The indexes of the search table while it is filled: filled first and indexed then takes a fraction of the time."""

from django.db import connection, transaction

from agents.models import IndexedTurn

# What filling itself and reading the newest turns need.
STAY = {"turn_at", "turn_conversation"}


def indexes():
    """([those of the search table that the database has just now], [those that it lacks])."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select indexname from pg_indexes where schemaname = 'backoffice' and tablename = %s",
            [IndexedTurn._meta.db_table],
        )
        there = {name for (name,) in cursor.fetchall()}
    declared = IndexedTurn._meta.indexes
    return [i for i in declared if i.name in there], [i for i in declared if i.name not in there]


def drop_indexes():
    """Before an empty table is filled with everything."""
    there, _ = indexes()
    with connection.schema_editor() as editor:
        for index in there:
            if index.name not in STAY:
                editor.remove_index(IndexedTurn, index)


def complete_indexes():
    """Make those that are missing, in a transaction; what writes to the table waits for it."""
    _, missing = indexes()
    if not missing:
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("set local statement_timeout = 0")
        cursor.execute("set local maintenance_work_mem = '256MB'")
        with connection.schema_editor() as editor:
            for index in missing:
                editor.add_index(IndexedTurn, index)
        cursor.execute(f"analyze {IndexedTurn._meta.db_table}")
