"""What the database recorded about a row, for its page."""

from django.urls import NoReverseMatch, reverse

from backoffice.addresses import row_address
from backoffice.audit_models import audit_name
from backoffice.logs import request_id
from backoffice.models import AuditEvent, ReadLog
from backoffice.reverts import can_revert


def history(obj, limit=20, user=None):
    """The newest `limit` audit events of a row, as components/history.html takes them; `changes` is
    [(field, old, new)]. Undo is offered to the `user`, who has to be allowed it.
    """
    return [describe(event, user, obj) for event in AuditEvent.objects.of(obj)[:limit]]


def describe(event, user=None, obj=None):
    """One event; `undo_url` leads to the page that puts it back, `undo_fields` {field: address} to that for one field
    of several. With its row at hand, what is undone already has none. Asks the database nothing.
    """
    undo_url = row_address("backoffice:auditevent_revert", event.pk)
    columns = can_revert(event, user, obj) if user else []
    single = len(event.changes) == 1
    return {
        "id": event.pk,
        "at": event.at,
        "actor": event.actor,
        "db_role": event.db_role,
        "source": event.source,
        "action": event.action,
        "reason": event.reason,
        "undo_url": undo_url if columns else "",
        "undo_fields": {} if single else {spoken(column): f"{undo_url}?field={column}" for column in columns},
        "changes": [(spoken(column), old, new) for column, (old, new) in sorted(event.changes.items())],
    }


def spoken(column):
    return column.replace("_", " ")


def last_change(obj, columns):
    """The newest audit event of a row that wrote one of these columns; None if none is on record."""
    return AuditEvent.objects.of(obj).filter(new__has_any_keys=list(columns)).first()


def undo_tag(obj, user):
    """The extra tag of a message about a row just saved: its toast then takes the change back with one click."""
    event = AuditEvent.objects.of(obj).filter(request_id=request_id.get(), actor_id=user.pk).first()
    if event is None or not can_revert(event, user):
        return ""
    return f"undo:{row_address('backoffice:auditevent_revert', event.pk)}"


def readings(obj, limit=10):
    """The newest `limit` entries of the read log about a row, as a list."""
    return list(ReadLog.objects.of(obj)[:limit])


def history_url(obj):
    """The page of a record's whole history."""
    return reverse("backoffice:record_history", args=[audit_name(obj), obj.pk])


def entry_history_url(entry):
    """The same, of the record that an entry is about; "" where it is about no single one."""
    try:
        return (
            reverse("backoffice:record_history", args=[entry.table_name, entry.row_id])
            if entry.row_id
            else ""
        )
    except NoReverseMatch:  # an id with a slash
        return ""
