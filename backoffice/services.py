"""The one door for writes: whoever changes a row, from a page, the admin or a job, comes through here.

It opens the transaction and tells the database who acts and why, for that transaction only; triggers write the audit
entry and refuse a write without an actor.
"""

import json
from contextlib import contextmanager

from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError, connection, transaction

from backoffice import fence
from backoffice.logs import request_id
from backoffice.replicas.choice import wrote

RAISED_WITH_A_SENTENCE = "P0001"
# The reason of an entry that only has a column hold what was in effect before it is changed.
IN_STEP = "The column is brought in step with the configuration first."
KEPT_BY_TRIGGERS = {"updated_at"}  # columns of the platform's tables that no actor writes


class Conflict(Exception):
    """Somebody else changed the record since it was read. `fields` names what differs, `stored` is the row as it is."""

    def __init__(self, stored, fields):
        super().__init__(f"{stored} was changed meanwhile: {', '.join(fields)}")
        self.stored = stored
        self.fields = fields


@contextmanager
def acting(actor, reason=""):
    """A transaction in which `actor` (a User) acts for `reason`.

    Sentences that the database raises for a person become ValidationErrors. The settings end with the
    transaction; inside an outer one they are taken back, so that nothing later in it borrows the actor. In a job that
    was given to another worker meanwhile it raises jobs.Superseded.
    """
    wrote()
    try:
        with transaction.atomic():
            fence.check()
            tell_database(str(actor.pk), str(actor), reason)
            yield
            if connection.savepoint_ids:
                tell_database("", "", "")
    except DatabaseError as error:
        cause = error.__cause__
        if getattr(cause, "sqlstate", None) == RAISED_WITH_A_SENTENCE:
            raise ValidationError(cause.diag.message_primary) from error
        raise


@contextmanager
def other_reason(words):
    """Inside acting(): what is written here has a reason of its own, for it only prepares what was asked for."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select current_setting('backoffice.reason', true), set_config('backoffice.reason', %s, true)",
            [words],
        )
        before, _ = cursor.fetchone()
        yield
        cursor.execute("select set_config('backoffice.reason', %s, true)", [before or ""])


def tell_database(actor_id, actor, reason):
    with connection.cursor() as cursor:
        cursor.execute(
            "select set_config('backoffice.actor_id', %s, true), set_config('backoffice.actor', %s, true),"
            " set_config('backoffice.reason', %s, true), set_config('backoffice.request_id', %s, true)",
            [actor_id, actor, reason or "", request_id.get()],
        )


def save(obj, *, actor, reason="", opened=None):
    """Insert a new object, or write the columns of an existing one that differ from the stored row. Returns the object.

    `opened` is the snapshot() of what the actor saw: if one of these fields differs from the stored row, nothing is
    written and Conflict is raised.
    """
    with acting(actor, reason):
        if obj._state.adding:
            obj.save(force_insert=True)
            return obj
        stored = row = type(obj)._base_manager.select_for_update().get(pk=obj.pk)
        is_for_editing = getattr(obj, "is_for_editing", False)
        if is_for_editing:
            stored = row.for_editing()
        if moved := moved_fields(stored, opened or {}):
            raise Conflict(stored, moved)
        changed = changed_fields(stored, obj)
        if opened is not None:  # what else changed in the store since obj was read is not the actor's doing
            changed = [name for name in changed if name in opened]
        if changed:
            obj.save(update_fields=changed, **({"stored": row} if is_for_editing else {}))
    return obj


def moved_fields(stored, opened):
    """Names of the fields of a snapshot that hold something else by now."""
    return [name for name, value in snapshot(stored, opened).items() if value != opened[name]]


def snapshot(obj, names):
    """{field: its value as JSON text}, to compare a row with itself later."""
    return {
        name: json.dumps(obj.serializable_value(name), cls=DjangoJSONEncoder, sort_keys=True)
        for name in names
    }


def changed_fields(before, after):
    """Names of the loaded fields in which two instances of one row differ."""
    deferred = after.get_deferred_fields()
    return [
        field.name
        for field in after._meta.concrete_fields
        if not field.primary_key
        and field.attname not in deferred
        and (after._meta.managed or field.column not in KEPT_BY_TRIGGERS)
        and differ(getattr(before, field.attname), getattr(after, field.attname))
    ]


def differ(one, other):
    """Whether two values are not the same; NaN, which equals nothing, is the same as NaN."""
    return one != other and not (one != one and other != other)


def delete_blockers(obj):
    """[(what, how many)] that stand in the way of deleting a row; numbers stop at 1,000. Empty: it can be deleted."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select relation, row_count from audit.delete_blockers(%s, %s)", [obj._meta.db_table, obj.pk]
        )
        return cursor.fetchall()


def delete(obj, *, actor, reason):
    """Delete a row that nothing depends on; raises ValidationError with what stands in the way."""
    with acting(actor, reason), connection.cursor() as cursor:
        cursor.execute("select audit.delete_record(%s, %s)", [obj._meta.db_table, obj.pk])


def log_read(kind, obj, *, actor, organization_id=None, reason="", detail=""):
    """Record that `actor` reads personal content: kind is transcript, reveal, recording, export, search or
    preview.

    `obj` is the row, or an unsaved instance where many rows of its table are read at once.
    """
    row_id, label = (None, None) if obj._state.adding else (str(obj.pk), str(obj)[:200])
    with acting(actor, reason), connection.cursor() as cursor:
        cursor.execute(
            "select audit.log_read(%s, %s, %s, %s, %s, %s)",
            [kind, obj._meta.db_table.replace('"', ""), row_id, label, organization_id, detail],
        )


def integrity_sentence(error):
    """What a broken constraint means to the person who typed."""
    cause = error.__cause__
    name = getattr(getattr(cause, "diag", None), "constraint_name", "") or ""
    state = getattr(cause, "sqlstate", "")
    if state == "23505":
        return "Another record has this value already; it must be unique."
    if state == "23503":
        return "It refers to a record that does not exist (any more)."
    if state == "23514":
        return getattr(cause.diag, "message_primary", "") or f"The database does not accept this ({name})."
    return "The database does not accept this; nothing was saved."
