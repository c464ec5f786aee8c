"""What one member of staff did, from all logs in one order of time: changes, decisions on money, readings, jobs,
sign-ins.

Every source gives at, id (as text), what, about, table_name, row_id, organization_id and reason; its place in SOURCES
and the id make the order of what happened at the same moment.
"""

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from django.db import connection
from django.utils.dateparse import parse_datetime

from backoffice.audit_models import models_by_table
from backoffice.keyset import BadCursor

PAGE = 50
COUNTED = 1000  # counting stops here
DECISION = "table_name = any({money})"


@dataclass(frozen=True)
class Source:
    """One kind. {where} in `sql` narrows it to a person and a period, by the columns `person` and `time`, which have an
    index together. `page` is the url name of what was done, for holders of `permission`; without one it is for the
    person alone, and for admins. What is about no tenant is left out where one is asked for.
    """

    label: str
    icon: str
    sql: str
    time: str = "at"
    person: str = "actor_id"
    page: str = ""
    permission: str = ""
    is_about_tenants: bool = True


def changes(condition):
    return (
        "select at, id::text as id, action as what, row_label as about, table_name, row_id, organization_id, reason"
        f" from audit.event where {{where}} and {condition}"
    )


def readings(condition):
    return (
        "select at, id::text as id, kind as what,"
        " case when kind = 'search' then coalesce(detail, row_label) else coalesce(row_label, detail) end as about,"
        " table_name, row_id,"
        " organization_id, reason"
        f" from audit.read_log where {{where}} and {condition}"
    )


@cache
def money_tables():
    """The tables of decisions on money, as SQL: by name, so that the planner knows how few entries they have."""
    names = [name for name in models_by_table() if name.startswith("billing.")]
    return "array[{}]".format(", ".join(f"'{name}'" for name in sorted([*names, "credit_transactions"])))


CHANGE, READING = "backoffice:auditevent_detail", "backoffice:readlog_detail"
SEE_CHANGES, SEE_READINGS = "backoffice.view_auditevent", "backoffice.view_readlog"
JOBS = """
select created_at as at, id::text as id, status as what, title as about, ''::text as table_name, null::text as row_id,
  null::uuid as organization_id, null::text as reason from backoffice_job where {where}"""
SIGN_INS = """
select at, id::text as id, kind as what, method as about, ''::text as table_name, null::text as row_id,
  null::uuid as organization_id, null::text as reason from backoffice_signin where {where}"""
SOURCES = {
    "change": Source("Changes", "pencil", changes(f"not ({DECISION})"), page=CHANGE, permission=SEE_CHANGES),
    "money": Source(
        "Money and decisions", "coins", changes(f"({DECISION})"), page=CHANGE, permission=SEE_CHANGES
    ),
    "reading": Source("Readings", "eye", readings("kind <> 'export'"), page=READING, permission=SEE_READINGS),
    "export": Source(
        "Exports", "download", readings("kind = 'export'"), page=READING, permission=SEE_READINGS
    ),
    "job": Source("Jobs", "loader", JOBS, "created_at", "owner_id", "job_detail", is_about_tenants=False),
    "sign_in": Source("Sign-ins", "log-in", SIGN_INS, person="account_id", is_about_tenants=False),
}


@dataclass(frozen=True)
class Deed:
    at: datetime
    rank: int
    id: str
    kind: str
    what: str
    about: str | None
    table_name: str
    row_id: str | None
    organization_id: object
    reason: str | None

    @property
    def icon(self):
        return SOURCES[self.kind].icon


@dataclass(frozen=True)
class Wanted:
    """Whose, of which kind ("" for all), within [since, until) (None: open), about which tenant."""

    person_id: int
    kind: str = ""
    since: datetime | None = None
    until: datetime | None = None
    organization_id: object = None

    def parameters(self):
        return {
            "person": self.person_id,
            "since": self.since,
            "until": self.until,
            "organization": self.organization_id,
        }

    def where(self, source):
        parts = [f"{source.person} = %(person)s"]
        parts += [f"{source.time} >= %(since)s"] if self.since else []
        parts += [f"{source.time} < %(until)s"] if self.until else []
        return " and ".join(parts)

    def narrowed(self, sql):
        return f"{sql} and organization_id = %(organization)s" if self.organization_id else sql

    def statements(self, kinds):
        """(rank, kind, the statement of its source) of each kind that can be about what is wanted."""
        for rank, (kind, source) in enumerate(SOURCES.items()):
            if kind in kinds and (source.is_about_tenants or not self.organization_id):
                yield (
                    rank,
                    kind,
                    source,
                    self.narrowed(source.sql.format(where=self.where(source), money=money_tables())),
                )


def deeds_of(wanted, place=""):
    """([Deed], place of the older ones or ""): the newest, or those after `place`. BadCursor where there is no such."""
    parameters = {**wanted.parameters(), "limit": PAGE + 1}
    after = ""
    if place:
        parameters["at"], parameters["rank"], parameters["id"] = decode(place)
        after = " where at <= %(at)s and (at, rank, id) < (%(at)s, %(rank)s, %(id)s)"
    parts = []
    for rank, kind, source, sql in wanted.statements([wanted.kind] if wanted.kind else SOURCES):
        # The place stands inside too, where the index of the source answers it.
        inner = f"{sql} and {source.time} <= %(at)s" if place else sql
        parts.append(
            f"(select * from (select s.at, {rank} as rank, s.id, '{kind}' as kind, s.what, s.about, s.table_name,"
            f" s.row_id, s.organization_id, s.reason from ({inner}) s) s{after}"
            " order by at desc, id desc limit %(limit)s)"
        )
    if not parts:
        return [], ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"select * from ({' union all '.join(parts)}) all_of_it"
            " order by at desc, rank desc, id desc limit %(limit)s",
            parameters,
        )
        found = [Deed(*row) for row in cursor.fetchall()]
    more = len(found) > PAGE
    return found[:PAGE], encode(found[PAGE - 1]) if more else ""


def totals(wanted):
    """{kind: how many in the period, counting stops after COUNTED}, of every kind."""
    parts = {
        kind: f"(select count(*) from (select from ({sql}) s limit {COUNTED + 1}) counted)"
        for _, kind, _, sql in wanted.statements(SOURCES)
    }
    with connection.cursor() as cursor:
        cursor.execute(f"select {', '.join(parts.values())}", wanted.parameters())
        return {**dict.fromkeys(SOURCES, 0), **dict(zip(parts, cursor.fetchone(), strict=True))}


def encode(deed):
    place = json.dumps([deed.at.isoformat(), deed.rank, deed.id])
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def decode(text):
    """(time, rank, id) of a place; raises BadCursor."""
    try:
        at, rank, found = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        at = parse_datetime(at)
        if (
            at is None
            or at.tzinfo is None
            or not isinstance(rank, int)
            or not isinstance(found, str)
            or "\0" in found
        ):
            raise BadCursor(text)
        return at, rank, found
    except (ValueError, TypeError, AttributeError) as error:
        raise BadCursor(text) from error
