"""What staff corrected of calls: the audit keeps cost and duration of before, and the first are the original."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from django.db.models import Exists, OuterRef, TextField
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from backoffice.models import AuditEvent
from backoffice.templatetags.ui import duration, missing, money

CORRECTABLE = {"cost": "Cost", "duration_seconds": "Duration"}
# Texts, so that no digit is lost on the way through JSON.
VALUES = {f"{side}_{name}": KT(f"{side}__{name}") for side in ("old", "new") for name in CORRECTABLE}


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


def events(calls):
    found = corrections().filter(row_id__in=[str(call.pk) for call in calls])
    return found.order_by("id").values("row_id", "at", "actor", "reason", "new", **VALUES)


def changes_of(event):
    return [
        Change(name, number(event[f"old_{name}"]), number(event[f"new_{name}"]))
        for name in CORRECTABLE
        if name in event["new"]
    ]


def number(text):
    try:
        return None if text is None else Decimal(text)
    except InvalidOperation:
        return None


def corrections_of(call):
    """The Corrections of a call, oldest first."""
    return [
        Correction(event["at"], event["actor"], event["reason"], changes_of(event))
        for event in events([call])
    ]


def originals(calls):
    """{id of a call that was corrected: [Change from the original to what it is now]}; one query for all."""
    changes = {}
    for event in events(calls):
        changes.setdefault(event["row_id"], []).extend(changes_of(event))
    return {call.pk: original(call, changes[str(call.pk)]) for call in calls if str(call.pk) in changes}


def original(call, changes):
    """[Change from the original to what it is now] out of all Changes of a call, oldest first."""
    first = {}
    for change in changes:
        first.setdefault(change.name, change.old)
    return [Change(name, old, getattr(call, name)) for name, old in first.items()]
