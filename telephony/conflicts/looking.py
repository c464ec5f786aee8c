"""Keeping the table of conflicts: a look over the whole platform, and following what changed since.

Both are bookkeeping of the system, without an actor. The worker does the first every five minutes and the second every
few seconds; the pages that show conflicts follow first, so that what was put right is gone at the next look.
"""

import datetime
import time
import uuid

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from telephony.conflicts import sql
from telephony.conflicts.rules import RULES
from telephony.models import ConflictLook

LOCK = 8_024_006  # the advisory lock of one look at a time
OVERLAP = datetime.timedelta(
    seconds=60
)  # longer than a transaction that is still under way when others are done
MOST = 2000  # changes, and numbers that they reach; more are left to the next look over everything


def values(**more):
    return {"rules": list(RULES), "silent_days": settings.NUMBER_SILENT_DAYS, "most": MOST + 1, **more}


def state():
    """The ConflictLook, None where nobody ever looked."""
    return ConflictLook.objects.first()


def look():
    """Look over the whole platform. Returns how many conflicts there are; None if another look is just running."""
    began, started = time.monotonic(), timezone.now()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_xact_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return None
        cursor.execute("set local statement_timeout = '10min'")
        cursor.execute(sql.KEEP_ALL, values())
        found = dict(cursor.fetchall())
        if state() is None:
            cursor.execute(
                "analyze telephony_conflict"
            )  # a table just filled, which the planner takes for empty
        ConflictLook.objects.update_or_create(
            defaults={
                "at": started,
                "followed_at": started,
                "seconds": time.monotonic() - began,
                "counts": found,
                "seen": [],
                "is_behind": False,
            }
        )
    return sum(found.values())


def follow():
    """Look again at what changed since the last look. Returns False: there is never more to do at once."""
    if known := state():
        follow_from(known)
    return False


def follow_from(known):
    """The same from the last look, a ConflictLook. Returns it as it is then.

    Does nothing while somebody else looks. More changes than MOST are left to the next look over everything, and said
    (`is_behind`).
    """
    if known.is_behind:
        return known
    with connection.cursor() as cursor:
        started = timezone.now()
        cursor.execute(sql.CHANGED, values(since=known.followed_at - OVERLAP))
        found = cursor.fetchall()
    seen = set(known.seen)
    changes = [change for name, *change in found if name not in seen]
    if not changes:
        if known.followed_at < started - OVERLAP:
            ConflictLook.objects.filter(followed_at=known.followed_at).update(followed_at=started)
        return known
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_xact_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return known
        numbers, tenants, too_many = reached(cursor, changes)
        if too_many:
            ConflictLook.objects.update(is_behind=True)
            return state()
        known = state()  # as it is under the lock
        for statement, of in (
            (sql.KEEP_NUMBERS, {"numbers": numbers}),
            (sql.KEEP_TENANTS, {"tenants": tenants}),
        ):
            cursor.execute(statement, values(**of))
            for rule, change in cursor.fetchall():
                known.counts[rule] = known.counts.get(rule, 0) + int(change)
        known.followed_at, known.seen = started, [name for name, *_ in found]
        known.save(update_fields=["followed_at", "counts", "seen"])
    return known


def reached(cursor, changes):
    """(ids of numbers, ids of tenants, whether there are too many) that changes may have touched."""
    of = {
        "phone_numbers": set(),
        "call_logs": set(),
        "agents": set(),
        "organizations": set(),
        "sip_trunks": set(),
    }
    tenants = set()
    for table, row, of_tenants in changes:
        of[table].add(row)
        if table != "agents":
            tenants.update(filter(None, of_tenants or ()))
    tenants |= of["organizations"]
    numbers, agents = ids(of["phone_numbers"] | of["call_logs"]), ids(of["agents"])
    found = []
    if numbers or agents:
        cursor.execute(sql.REACHED, values(numbers=numbers, agents=agents))
        found = [row[0] for row in cursor.fetchall()]
    too_many = len(changes) > MOST or len(found) > MOST
    return [*{*numbers, *found}], ids(tenants), too_many


def ids(texts):
    """UUIDs; what is none (a row of the audit names a whole table when it was emptied) is left out."""
    found = []
    for text in texts:
        try:
            found.append(uuid.UUID(text))
        except ValueError:
            continue
    return found


def up_to_date():
    """The ConflictLook, after following what changed, for pages that show conflicts. The very first looks itself."""
    if (known := state()) is None:
        look()
        return state()
    return follow_from(known)


def counts(known=None):
    """{rule: conflicts}, every rule named, as of the last look, a ConflictLook; one row is read without it."""
    known = known or state()
    return {rule: known.counts.get(rule, 0) if known else 0 for rule in RULES}
