"""What staff corrected of calls: the audit keeps cost and duration of before, and the first are the original."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from django.db.models import Exists, OuterRef, TextField
from django.db.models.functions import Cast

from backoffice.models import AuditEvent
from backoffice.replicas.choice import reading
from backoffice.templatetags.ui import duration, missing, money

CORRECTABLE = {"cost": "Cost", "duration_seconds": "Duration"}


@dataclass(frozen=True)
class Change:
    """One value that was corrected: before and after, as numbers or None."""

    name: str
    old: Decimal | None
    new: Decimal | None

    @property
    def label(self):
        return CORRECTABLE[self.name]

    @property
    def before(self):
        return shown(self.name, self.old)

    @property
    def after(self):
        return shown(self.name, self.new)


@dataclass(frozen=True)
class Correction:
    at: object
    actor: str
    reason: str
    changes: list


def shown(name, value):
    if value is None:
        return missing(value)
    return money(value, 4) if name == "cost" else duration(value)


def corrections():
    return AuditEvent.objects.filter(
        table_name="call_logs",
        action=AuditEvent.Action.UPDATE,
        source=AuditEvent.Source.APP,
        new__has_any_keys=list(CORRECTABLE),
    )


def corrected(calls):
    """Those of a queryset of calls that were corrected."""
    event = corrections().filter(row_id=Cast(OuterRef("pk"), TextField()))
    return calls.filter(Exists(event))


# The values as texts, so that no digit is lost on the way through JSON.
EVENTS = f"""
    select row_id, at, actor, reason, {", ".join(f"new ? '{n}', old->>'{n}', new->>'{n}'" for n in CORRECTABLE)}
    from audit.event
    where table_name = 'call_logs' and action = '{AuditEvent.Action.UPDATE}' and source = '{AuditEvent.Source.APP}'
      and row_id = any(%s::text[]) and new ?| array[{", ".join(f"'{n}'" for n in CORRECTABLE)}]
    order by id
    """


def events(calls):
    """(id of the call as text, time, who, why, [Change]) of each correction, oldest first."""
    with reading().prepared_cursor() as cursor:
        cursor.execute(EVENTS, [[str(call.pk) for call in calls]])
        return [(*row[:4], changes_of(row[4:])) for row in cursor.fetchall()]


def changes_of(values):
    """`values` are (whether it was written, before, after) for each of CORRECTABLE, one after the other."""
    triples = zip(values[::3], values[1::3], values[2::3], strict=True)
    return [
        Change(name, number(old), number(new))
        for name, (written, old, new) in zip(CORRECTABLE, triples, strict=True)
        if written
    ]


def number(text):
    try:
        return None if text is None else Decimal(text)
    except InvalidOperation:
        return None


def corrections_of(call):
    """The Corrections of a call, oldest first."""
    return [Correction(at, actor, reason, changes) for _, at, actor, reason, changes in events([call])]


def originals(calls):
    """{id of a call that was corrected: [Change from the original to what it is now]}; one query for all."""
    changes = {}
    for row_id, _, _, _, changed in events(calls):
        changes.setdefault(row_id, []).extend(changed)
    return {
        call.pk: original(call, changes[key])
        for call in calls
        if changes and (key := str(call.pk)) in changes
    }


def original(call, changes):
    """[Change from the original to what it is now] out of all Changes of a call, oldest first."""
    first = {}
    for change in changes:
        first.setdefault(change.name, change.old)
    return [Change(name, old, getattr(call, name)) for name, old in first.items()]
