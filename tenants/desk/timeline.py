"""One list of what happened to a tenant, newest first: changes by staff and from outside, releases, notes, money.

Read in one query out of the audit and the ledger, page by page by key: (time, source, id).
"""

import base64
import json
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from django.urls import NoReverseMatch
from django.utils.dateparse import parse_datetime
from django.utils.text import capfirst

from agents.models import Agent
from backoffice.addresses import address_of, row_address
from backoffice.audit_models import models_by_table
from backoffice.keyset import BadCursor
from backoffice.models import AuditEvent
from backoffice.page_model import PageModel
from backoffice.reverts import can_revert
from tenants.desk.together import read_together
from tenants.models import SuspendedNumber

PAGE = 30
KINDS = {
    "staff": ("Changes by staff", "user-pen"),
    "outside": ("Changes from outside", "globe"),
    "release": ("Releases", "rocket"),
    "note": ("Notes", "sticky-note"),
    "money": ("Money", "coins"),
}
# A publish counts the version up and sets is_published; the sign-up of an agent is no release.
KIND = """
case when e.table_name = 'agents' and e.action = 'update' and (e.new ? 'version' or e.new ? 'is_published')
     then 'release'
     when e.table_name like 'backoffice.%%note' then 'note'
     when e.source = 'outside' then 'outside' else 'staff' end"""
EVENT = f"""
select e.at, {{rank}} as rank, e.id, {KIND} as kind, e.source, e.actor, e.db_role, e.reason, e.table_name, e.row_id,
  e.row_label, e.action, e.old, e.new, null::numeric as amount, null::numeric as balance_after,
  null::text as money_kind, null::text as reference
from audit.event e where {{where}} and e.table_name = any(%(tables)s)"""
LEDGER = """
select t.created_at as at, 0 as rank, t.id, 'money' as kind,
  case when t.kind = 'outside' then 'outside' else 'app' end as source, t.actor, t.db_role, t.reason,
  'credit_transactions' as table_name, t.id::text as row_id, '' as row_label, 'insert' as action, null::jsonb as old,
  null::jsonb as new, t.amount, t.balance_after, t.kind as money_kind, t.reference
from credit_transactions t where t.organization_id = %(id)s"""


CONDITIONS = {"staff": "source = 'app' and kind <> 'money'", "outside": "source = 'outside'"}


@dataclass(frozen=True)
class Entry:
    """One thing that happened; secrets in `old` and `new` were redacted by the database when it was written."""

    at: datetime
    rank: int
    id: int
    kind: str
    source: str
    actor: str
    db_role: str
    reason: str | None
    table_name: str
    row_id: str
    row_label: str
    action: str
    old: dict | None
    new: dict | None
    amount: object
    balance_after: object
    money_kind: str | None
    reference: str | None
    undo_url: str = ""  # the page that puts it back, for those who may

    @property
    def icon(self):
        return KINDS[self.kind][1]

    @property
    def is_event(self):
        """Whether it is an entry of the audit, with `id` its id."""
        return self.rank > 0

    @cached_property
    def model(self):
        return models_by_table().get(self.table_name)

    @cached_property
    def record(self):
        """What was changed, in words: "agent Reception"."""
        name = self.model._meta.verbose_name if self.model else self.table_name
        own = self.model and self.model._meta.managed  # whose label is the tenant's name
        if own or self.row_label == self.row_id:  # or it has none
            return str(name)
        label = self.row_label
        if self.model is Agent:
            label = Agent.with_columns(id=self.row_id, name=label).display_name
        return f"{name} {label}".strip()

    @property
    def verb(self):
        if self.kind == "release":
            return "released"
        own = getattr(self.model, "timeline_verbs", {})
        return own.get(self.action) or {"insert": "created", "delete": "deleted"}.get(self.action, "changed")

    @cached_property
    def url(self):
        """The page of the record; "" if it has none or is gone."""
        if self.action == "delete" or not self.model or not issubclass(self.model, PageModel):
            return ""
        try:
            key = self.model._meta.pk.to_python(self.row_id)
            if self.model.get_absolute_url is PageModel.get_absolute_url:
                return address_of(self.model, key)
            return self.model(pk=key).get_absolute_url()
        except (NoReverseMatch, ValueError, TypeError):
            return ""

    @cached_property
    def changes(self):
        old = self.old if isinstance(self.old, dict) else {}
        new = self.new if isinstance(self.new, dict) else {}
        return [
            (self.label_of(column), old.get(column), new.get(column)) for column in sorted({**old, **new})
        ]

    def label_of(self, column):
        for field in self.model._meta.concrete_fields if self.model else ():
            if field.column == column:
                return capfirst(str(field.verbose_name))
        return column.replace("_", " ")


@dataclass(frozen=True)
class Timeline:
    """`next` is the place of the older entries, "" where there are none."""

    entries: list
    next: str


def timeline_of(organization, user, *, kind="", place="", limit=PAGE):
    """The newest entries about what `user` may see, or those after `place`; raises BadCursor for no such place.

    Staff and outside take what people and programs did in any kind but money; money from outside is in both.
    """
    (rows,) = read_together([timeline_read(organization, user, kind=kind, place=place, limit=limit)])
    return timeline_from(rows, user, limit)


def timeline_read(organization, user, *, kind="", place="", limit=PAGE):
    """The statement that reads the entries, and one more to know whether there are older ones; its parameters."""
    parameters = {
        "id": organization.pk,
        "owner": str(organization.owner_id),
        "tables": [
            name
            for name, model in models_by_table().items()
            if model is not SuspendedNumber  # the numbers themselves tell it
            and user.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}")
        ],
        "kind": kind,
        "limit": limit + 1,
    }
    sources = []
    if kind != "money":
        sources += [EVENT.format(rank=1, where="e.organization_id = %(id)s")]
        profile = "e.table_name = 'user_profiles' and e.row_id = %(owner)s and e.organization_id is null"
        sources += [EVENT.format(rank=2, where=profile)]
    if kind in ("", "money", "outside") and user.has_perm("billing.view_credittransaction"):
        sources += [LEDGER]
    if not sources:
        sources = [LEDGER + " and false"]
    conditions = [CONDITIONS.get(kind, "kind = %(kind)s")] if kind else []
    if place:
        parameters["at"], parameters["rank"], parameters["after"] = decode(place)
        conditions += ["at <= %(at)s", "(at, rank, id) < (%(at)s, %(rank)s, %(after)s)"]
    where = f"where {' and '.join(conditions)}" if conditions else ""
    order = "order by at desc, rank desc, id desc limit %(limit)s"
    parts = [f"(select * from ({source}) source {where} {order})" for source in sources]
    return f"select * from ({' union all '.join(parts)}) timeline {order}", parameters


def timeline_from(rows, user, limit):
    entries = [Entry(*row[:12], loaded(row[12]), loaded(row[13]), *row[14:]) for row in rows]
    last = entries[limit - 1] if len(entries) > limit else None
    entries = [replace(entry, undo_url=undo_url(entry, user)) for entry in entries[:limit]]
    return Timeline(entries, encode(last) if last else "")


def undo_url(entry, user):
    if not entry.is_event or entry.action != "update":
        return ""
    event = AuditEvent(
        id=entry.id,
        at=entry.at,
        table_name=entry.table_name,
        row_id=entry.row_id,
        action=entry.action,
        old=entry.old,
        new=entry.new,
        source=entry.source,
    )
    return row_address("backoffice:auditevent_revert", entry.id) if can_revert(event, user) else ""


def loaded(text):
    try:
        return None if text is None else json.loads(text)
    except RecursionError:
        return None


def encode(entry):
    place = json.dumps([entry.at.isoformat(), entry.rank, entry.id])
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def decode(text):
    """(time, rank, id) of a place; raises BadCursor."""
    try:
        at, rank, after = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        at = parse_datetime(at)
        if at is None or at.tzinfo is None or type(rank) is not int or not 0 < after < 2**63:
            raise BadCursor(text)
        return at, rank, after
    except (ValueError, TypeError, AttributeError) as error:
        raise BadCursor(text) from error
