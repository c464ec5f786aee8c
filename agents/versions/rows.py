"""An agent's row as it was after each change on record: what is stored now, with the later changes undone."""

import json
from dataclasses import dataclass

from django.db import connection
from django.db.models import TextField
from django.db.models.functions import Cast

from agents.models import Agent
from backoffice.models import AuditEvent

COLUMNS = [field.column for field in Agent._meta.concrete_fields]
BEGINNING = 0  # names the version before the first change on record


@dataclass(frozen=True)
class Version:
    """One state of an agent. `row` is after `event` (None: before the first change on record, or now).

    `sources` is {column: id of the audit event whose old value it is} of what was changed since.
    """

    key: int
    row: dict
    event: AuditEvent | None = None
    sources: dict | None = None


def events_of(agent):
    """The audit events that made a version, newest first."""
    kinds = [AuditEvent.Action.INSERT, AuditEvent.Action.UPDATE]
    return AuditEvent.objects.of(agent).filter(action__in=kinds)


def stored_row(pk, *, lock=False):
    """The row as it is stored now, with the audit's marks instead of secrets; None if it is gone.

    With `lock` nobody else changes it until the transaction ends.
    """
    columns = ", ".join(connection.ops.quote_name(column) for column in COLUMNS)
    locked = " for update" if lock else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"select audit.redact(to_jsonb(agent)) from"
            f" (select {columns} from public.agents where id = %s{locked}) agent",
            [pk],
        )
        found = cursor.fetchone()
    return json.loads(found[0]) if found else None


def later_values(pk, event_id):
    """{column: (value, id of the event)}: of each column changed after an event, the value that it had at the event."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select distinct on (c.key) c.key, c.value, e.id from audit.event e, jsonb_each("
            "  case when jsonb_typeof(e.old) = 'object' then e.old else '{}' end) c"
            " where e.table_name = 'agents' and e.row_id = %s and e.id > %s and e.action = 'update'"
            " order by c.key, e.id",
            [str(pk), event_id],
        )
        found = cursor.fetchall()
    return {column: (json.loads(value), event) for column, value, event in found if column in COLUMNS}


def row_after(now, pk, event_id):
    """(the row after that event, {column: event that holds its value}); `now` is the stored_row()."""
    later = later_values(pk, event_id)
    row = {**now, **{column: value for column, (value, _) in later.items()}}
    return row, {column: event for column, (_, event) in later.items()}


def row_before(row, event):
    """The row before an event, out of the row after it; None before it was created."""
    if event.action == AuditEvent.Action.INSERT:
        return None
    old = event.old if isinstance(event.old, dict) else {}
    return {**row, **{column: value for column, value in old.items() if column in row}}


def version_of(agent, key, now=None):
    """The Version of that key; None if the agent has none of it."""
    now = now or stored_row(agent.pk)
    if now is None:
        return None
    event = None
    if key == BEGINNING:
        if not has_beginning(agent):
            return None
    else:
        event = events_of(agent).filter(pk=key).first()
        if event is None:
            return None
    row, sources = row_after(now, agent.pk, key)
    return Version(key, row, event, sources)


def first_event(agent):
    """The oldest event on record about an agent; None if there is none."""
    return AuditEvent.objects.of(agent).order_by("id").first()


def has_beginning(agent):
    """Whether there is a version before the first change on record: the agent is older than the audit."""
    first = first_event(agent)
    return first is not None and first.action != AuditEvent.Action.INSERT


def replacing_secrets(agent, key):
    """The events after a version that replaced a secret, newest first, at most 100."""
    events = events_of(agent).filter(pk__gt=key).annotate(written=Cast("new", TextField()))
    return list(events.filter(written__contains="[secret, changed]")[:100])


def newest_key(agent):
    """The key of the version that is stored now; None where nothing is on record."""
    return events_of(agent).values_list("pk", flat=True).first()


def event_before(agent, key):
    """The key of the version before another; None where it is the first."""
    found = events_of(agent).filter(pk__lt=key).values_list("pk", flat=True).first()
    if found is None and key != BEGINNING and has_beginning(agent):
        return BEGINNING
    return found
