"""Who of the staff read personal content of a tenant: by person, and in time, out of audit.read_log."""

import json
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from backoffice.audit_links import person_url
from backoffice.models import ReadLog

PAGE = 50
SUMMED = 5_000  # the newest readings that the sums by person are made of
BY_PERSON = """
select actor_id, actor, count(*), max(at), jsonb_object_agg(kind, n)
from (
  select actor_id, actor, kind, count(*) over (partition by actor_id, actor, kind) as n, at
  from (select actor_id, actor, kind, at from audit.read_log where organization_id = %(id)s and at >= %(since)s
        order by at desc, id desc limit %(limit)s) newest
) counted
group by actor_id, actor order by count(*) desc, max(at) desc limit 100
"""
PLURALS = {"search": "searches"}


@dataclass(frozen=True)
class Reader:
    actor_id: int | None
    actor: str
    count: int
    last_at: datetime
    kinds: dict

    @property
    def url(self):
        return person_url(self)

    @property
    def told(self):
        """How many of each kind, in words."""
        return ", ".join(
            f"{count:,} {kind if count == 1 else PLURALS.get(kind, f'{kind}s')}"
            for kind, count in sorted(self.kinds.items())
        )


def readers_of(organization, since):
    """[Reader] since a moment, who read most first; of the newest SUMMED readings."""
    with connection.cursor() as cursor:
        cursor.execute(BY_PERSON, {"id": organization.pk, "since": since, "limit": SUMMED})
        rows = cursor.fetchall()
    return [Reader(*row[:4], loaded(row[4])) for row in rows]


def loaded(value):
    return json.loads(value) if isinstance(value, str) else value


def readings_of(organization, *, kind="", person=""):
    """The readings about a tenant, of one kind or by one person; without an order."""
    found = ReadLog.objects.filter(organization_id=organization.pk)
    if kind:
        found = found.filter(kind=kind)
    return found.filter(actor=person) if person else found
