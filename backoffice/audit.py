"""What the database recorded about a row, for its page."""

from backoffice.models import AuditEvent, ReadLog


def history(obj, limit=20):
    """The newest `limit` audit events of a row, as components/history.html takes them; `changes` is
    [(field, old, new)].
    """
    return [describe(event) for event in AuditEvent.objects.of(obj)[:limit]]


def describe(event):
    return {
        "at": event.at,
        "actor": event.actor,
        "db_role": event.db_role,
        "source": event.source,
        "action": event.action,
        "reason": event.reason,
        "changes": [
            (field.replace("_", " "), old, new) for field, (old, new) in sorted(event.changes.items())
        ],
    }


def readings(obj, limit=10):
    """The newest `limit` entries of the read log about a row, as a list."""
    return list(ReadLog.objects.of(obj)[:limit])
