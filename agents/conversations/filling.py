"""The indexes of the list and of the search table while these are filled: made afterwards, they take a fraction."""

import logging
from contextlib import closing

from django.db import connection, connections

from agents.models import Conversation, IndexedTurn

logger = logging.getLogger(__name__)
MODELS = (Conversation, IndexedTurn)
# What filling itself and reading the newest need.
STAY = {"conversation_started", "turn_at", "turn_conversation"}


def indexes(*, only_valid=True):
    """([(model, index) that the database has just now], [those that it lacks]); what an interrupted run left invalid
    counts as lacking, unless it is asked for.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """select indexrelid::regclass::text from pg_index
               where (indisvalid or not %s) and indrelid::regclass::text = any (%s)""",
            [only_valid, [model._meta.db_table for model in MODELS]],
        )
        there = {name for (name,) in cursor.fetchall()}
    declared = [(model, index) for model in MODELS for index in model._meta.indexes]
    return [each for each in declared if each[1].name in there], [
        each for each in declared if each[1].name not in there
    ]


def drop_indexes():
    """Of those tables that are empty, before they are filled with everything."""
    there, _ = indexes(only_valid=False)
    empty = [model for model in MODELS if not model.objects.exists()]
    with connection.schema_editor() as editor:
        for model, index in there:
            if model in empty and index.name not in STAY:
                editor.remove_index(model, index)


def complete_indexes():
    """Make those that are missing, concurrently: else nobody could close or erase a conversation for minutes. That
    needs a connection outside of any transaction.
    """
    _, missing = indexes()
    if not missing:
        return
    with closing(connections.create_connection("default")) as own, own.cursor() as cursor:
        # Neither the work nor the wait for older transactions is a page's.
        settings = {"statement_timeout": "0", "lock_timeout": "0", "maintenance_work_mem": "256MB"}
        for setting, value in settings.items():
            cursor.execute("select set_config(%s, %s, false)", [setting, value])
        for model, index in missing:
            # It waits for every transaction that is open: the log says for which index, should one never end.
            logger.info("An index is being made.", extra={"index": index.name})
            cursor.execute(f"drop index concurrently if exists {own.ops.quote_name(index.name)}")
            with own.schema_editor(atomic=False) as editor:
                editor.add_index(model, index, concurrently=True)
        for model in dict(missing):
            cursor.execute(f"analyze {model._meta.db_table}")
