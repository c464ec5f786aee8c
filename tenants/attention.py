"""The queue of what needs attention: the signs of tenants/health, kept in rows that people take, snooze and finish.

Keeping them is bookkeeping of the system, without an actor: `refresh` looks over the whole platform, `keep` takes what
was found for one tenant just now. docs/attention.md tells a row's life.
"""

import itertools
import json
import time

from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.utils import timezone

from backoffice import services
from backoffice.context import Counted
from tenants.care import assign_tenant, snooze_tenant, time_text
from tenants.health import KINDS, all_signs, signs_of
from tenants.models import AttentionItem, Care, Organization, SignLookup

GONE_KEPT_DAYS = 90
BATCH = 2000
LOCK = 8_024_001  # the advisory lock of one look-up at a time
PLACES = {kind: place for place, kind in enumerate(KINDS)}
SECONDS = 10**10  # more than the seconds of any date: a position is the kind's place, then the time


def position(kind, moment):
    """Where a sign stands in the queue: worst kind first, the oldest of a kind first; unknown kinds last."""
    return PLACES.get(kind, len(PLACES)) * SECONDS + int(moment.timestamp())


def row_of(sign):
    """A Sign as the columns that hold it."""
    return {
        "kind": sign.kind[:50],
        "cause": sign.cause[:200],
        "text": sign.text[:1000],
        "numbers": sign.numbers,
        "url": sign.url[:500],
    }


# AttentionItem.objects.waiting()
WAITING = Counted(
    """tenants_attentionitem sign where gone_at is null and done_at is null and not exists (
        select from tenants_care care where care.organization_id = sign.organization_id
            and care.snoozed_until > now() and care.snoozed_at >= sign.first_seen_at)"""
)


def refresh(source=all_signs):
    """Look up all signs and bring the queue up to date, in one transaction. Returns how many signs there are.

    None if another look-up is just running. `source` gives Signs in any order; of two with one cause the graver
    counts.
    """
    began = time.monotonic()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_xact_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return None
        cursor.execute("set local statement_timeout = '10min'")
        started = timezone.now()
        collect(cursor, source())
        at = timezone.now()
        values = {"started": started, "at": at, "seconds": SECONDS, "epoch": int(at.timestamp())}
        for statement in (GONE, CHANGED, NEW):
            cursor.execute(statement, values)
        cursor.execute(
            "delete from tenants_attentionitem where gone_at < %s - %s * interval '1 day'",
            [at, GONE_KEPT_DAYS],
        )
        cursor.execute("select count(*) from found")
        (signs,) = cursor.fetchone()
        cursor.execute("drop table found, found_raw")
        SignLookup.objects.update_or_create(
            defaults={"at": at, "seconds": time.monotonic() - began, "signs": signs}
        )
    return signs


def collect(cursor, signs):
    """Put the signs of organizations that exist into the temporary table `found`, one row per cause."""
    cursor.execute(
        "create temporary table found_raw (organization_id uuid, place int, kind text, cause text, text text,"
        " numbers jsonb, url text) on commit drop"
    )
    signs = iter(signs)
    while batch := list(itertools.islice(signs, BATCH)):
        with cursor.copy(
            "copy found_raw (organization_id, place, kind, cause, text, numbers, url) from stdin"
        ) as copy:
            for sign in batch:
                row = row_of(sign)
                numbers = json.dumps(row["numbers"], cls=DjangoJSONEncoder)
                place = PLACES.get(sign.kind, len(PLACES))
                copy.write_row(
                    [
                        sign.organization_id, place, row["kind"], row["cause"], row["text"], numbers, row["url"]
                    ]
                )  # fmt: skip
    cursor.execute(
        "create temporary table found on commit drop as"
        " select distinct on (f.organization_id, f.cause) f.*, o.name from found_raw f"
        " join organizations o on o.id = f.organization_id order by f.organization_id, f.cause, f.place"
    )
    cursor.execute("analyze found")


# What was seen for the first time, or went, while this look-up read, is left to the next one: its own reading is older.
GONE = """
update tenants_attentionitem i set gone_at = %(at)s,
  last_seen_at = greatest(i.last_seen_at, (select at from tenants_signlookup))
where i.gone_at is null and i.first_seen_at < %(started)s and not exists (
  select from found f where f.organization_id = i.organization_id and f.cause = i.cause and f.kind = i.kind)
"""
CHANGED = """
update tenants_attentionitem i
set text = f.text, numbers = f.numbers, url = f.url, organization_name = f.name, last_seen_at = %(at)s
from found f
where f.organization_id = i.organization_id and f.cause = i.cause and f.kind = i.kind and i.gone_at is null
  and (i.text, i.numbers, i.url, i.organization_name) is distinct from (f.text, f.numbers, f.url, f.name::varchar)
"""
NEW = """
insert into tenants_attentionitem (id, organization_id, organization_name, kind, cause, text, numbers, url, position,
                                   first_seen_at, last_seen_at, done_by_name)
select gen_random_uuid(), f.organization_id, f.name, f.kind, f.cause, f.text, f.numbers, f.url,
  f.place * %(seconds)s + %(epoch)s, %(at)s, %(at)s, ''
from found f
where not exists (
  select from tenants_attentionitem i where i.organization_id = f.organization_id and i.cause = f.cause
    and (i.gone_at is null or i.gone_at >= %(started)s and i.gone_at <> %(at)s))
on conflict do nothing
"""


def keep(organization, signs):
    """Bring the rows of one tenant up to date with its signs as they are now. Writes only if something differs."""
    found = {}
    for sign in signs:
        found.setdefault(sign.cause[:200], row_of(sign))
    stored = {item.cause: item for item in AttentionItem.objects.lasting().filter(organization=organization)}
    gone = [item for cause, item in stored.items() if found.get(cause, {}).get("kind") != item.kind]
    lost = {item.cause for item in gone}
    changed = [item for cause, item in stored.items() if cause not in lost and differs(item, found[cause])]
    new = [row for cause, row in found.items() if cause not in stored or cause in lost]
    if not (gone or changed or new):
        return
    now = timezone.now()
    with transaction.atomic():
        AttentionItem.objects.filter(pk__in=[item.pk for item in gone], gone_at=None).update(gone_at=now)
        for item in changed:
            row = found[item.cause]
            AttentionItem.objects.filter(pk=item.pk).update(
                text=row["text"], numbers=row["numbers"], url=row["url"], last_seen_at=now
            )
        AttentionItem.objects.bulk_create(
            (
                AttentionItem(
                    **row,
                    organization_id=organization.pk,
                    organization_name=organization.name,
                    position=position(row["kind"], now),
                    first_seen_at=now,
                    last_seen_at=now,
                )
                for row in new
            ),
            ignore_conflicts=True,
        )


def differs(item, row):
    return (item.text, item.numbers, item.url) != (row["text"], as_stored(row["numbers"]), row["url"])


def as_stored(numbers):
    """Numbers as they come back from their JSON column."""
    return json.loads(json.dumps(numbers, cls=DjangoJSONEncoder))


def look_again(organization_id):
    """Bring one tenant's rows up to date, for who acts on it."""
    organization = Organization.objects.filter(pk=organization_id).first()
    if organization:
        keep(organization, signs_of(organization))


def finish_sign(item, *, actor, reason=""):
    """Mark a sign as done: it leaves the queue as long as it lasts. Returns the item.

    Raises ValidationError if it is gone by now, or somebody has finished it.
    """
    look_again(item.organization_id)
    with transaction.atomic():
        item = AttentionItem.objects.select_for_update().get(pk=item.pk)
        if item.gone_at:
            raise ValidationError("It is gone already: what caused it was put right. Nothing is left to do.")
        if item.done_at:
            raise ValidationError(f"{item.done_by_name} finished it at {time_text(item.done_at)}.")
        item.done_at, item.done_by_id, item.done_by_name = timezone.now(), actor.pk, str(actor)
        return services.save(item, actor=actor, reason=reason)


def tenant_of(item):
    if item.organization is None:
        raise ValidationError("This tenant does not exist any more.")
    return item.organization


def take_tenant_of(item, *, actor, reason=""):
    """Assign the tenant of a sign to the actor, for many signs at once: of a tenant's signs the first does it."""
    if not Care.objects.filter(organization=item.organization_id, assignee=actor.pk).exists():
        assign_tenant(tenant_of(item), actor=actor, reason=reason)


def snooze_tenant_of(item, *, actor, reason="", until):
    """Snooze the tenant of a sign, for many at once."""
    snooze_tenant(tenant_of(item), actor=actor, reason=reason, until=until)


@transaction.atomic
def reopen_sign(item, *, actor, reason=""):
    """Put a finished sign back into the queue. Raises ValidationError if it is gone by now, or not finished."""
    item = AttentionItem.objects.select_for_update().get(pk=item.pk)
    if item.gone_at:
        raise ValidationError("It is gone: should the cause come back, it will be listed anew.")
    if not item.done_at:
        raise ValidationError("It stands in the queue already.")
    item.done_at, item.done_by_id, item.done_by_name = None, None, ""
    return services.save(item, actor=actor, reason=reason)
