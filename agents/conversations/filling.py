"""The indexes of the list and of the search table while these are filled: made afterwards, they take a fraction."""

from django.db import connection, transaction

from agents.models import Conversation, IndexedTurn

MODELS = (Conversation, IndexedTurn)
# What filling itself and reading the newest need.
STAY = {"conversation_started", "turn_at", "turn_conversation"}


def indexes():
    """([(model, index) that the database has just now], [those that it lacks])."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select indexname from pg_indexes where schemaname = 'backoffice' and tablename = any (%s)",
            [[model._meta.db_table for model in MODELS]],
        )
        there = {name for (name,) in cursor.fetchall()}
    declared = [(model, index) for model in MODELS for index in model._meta.indexes]
    return [each for each in declared if each[1].name in there], [
        each for each in declared if each[1].name not in there
    ]


def drop_indexes():
    """Of those tables that are empty, before they are filled with everything."""
    there, _ = indexes()
    empty = [model for model in MODELS if not model.objects.exists()]
    with connection.schema_editor() as editor:
        for model, index in there:
            if model in empty and index.name not in STAY:
                editor.remove_index(model, index)


def complete_indexes():
    """Make those that are missing, in a transaction; what writes to the tables waits for it."""
    _, missing = indexes()
    if not missing:
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("set local statement_timeout = 0")
        cursor.execute("set local maintenance_work_mem = '256MB'")
        with connection.schema_editor() as editor:
            for model, index in missing:
                editor.add_index(model, index)
        for model in dict(missing):
            cursor.execute(f"analyze {model._meta.db_table}")
