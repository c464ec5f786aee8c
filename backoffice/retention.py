"""How long entries of the audit are kept: AUDIT_KEEP_DAYS and READ_LOG_KEEP_DAYS, 0 for ever (docs/audit.md).

The worker removes older ones every night, in batches of one transaction each, through the function of the database that
keeps a year whatever it is asked. Stopped anywhere, what was removed is told in the audit, and the next night goes on.
"""

import logging
import time
import uuid
from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction

from backoffice.logs import request_id
from backoffice.services import tell_database

logger = logging.getLogger(__name__)

BATCH = 2000
LONGEST_SECONDS = 2 * 60 * 60  # of one night; the next one goes on
ACTOR = "Retention"
LOGS = {"event": "AUDIT_KEEP_DAYS", "read_log": "READ_LOG_KEEP_DAYS"}
STANDING = """
select (select at from audit.{log} order by at limit 1),
  (select at from audit.event where row_id = '' and table_name = 'audit.{log}' and new ? 'rows_removed'
   order by id desc limit 1),
  %(days)s > 0 and exists (
    select from audit.{log} where at < now() - make_interval(days => %(days)s) - interval '2 days' {kept})
"""
KEPT = {"event": "and not audit.stays(table_name, new, at)", "read_log": ""}


def prune():
    """Remove what is older than the settings say; returns {log: entries removed}. One run at a time does a log."""
    return {log: prune_log(log, days) for log in LOGS if (days := keep_days(log))}


def prune_log(log, days, batch=BATCH):
    began, removed = time.monotonic(), 0
    reset = request_id.set(str(uuid.uuid4()))
    try:
        while time.monotonic() - began < LONGEST_SECONDS:
            count = prune_batch(log, days, batch)
            if not count:
                break
            removed += count
    finally:
        request_id.reset(reset)
    if removed:
        logger.info("Old entries of the audit were removed.", extra={"log": log, "removed": removed})
    return removed


def prune_batch(log, days, batch=BATCH):
    with transaction.atomic(), connection.cursor() as cursor:
        tell_database("", ACTOR, f"{LOGS[log]} is {days}")
        cursor.execute("select audit.prune(%s, %s, %s)", [log, days, batch])
        return cursor.fetchone()[0]


def keep_days(log):
    return getattr(settings, LOGS[log])


@dataclass(frozen=True)
class Standing:
    """Since when entries of a log are there (None: there are none), when some were removed last (None: never), and
    whether some should be gone for days.
    """

    log: str
    days: int
    oldest: object
    pruned: object
    is_late: bool

    @property
    def rule(self):
        return f"Kept for {self.days:,} days" if self.days else "Kept for ever"


def standing(log):
    with connection.cursor() as cursor:
        days = keep_days(log)
        cursor.execute(STANDING.format(log=log, kept=KEPT[log]), {"days": days})
        return Standing(log, days, *cursor.fetchone())
