"""How large the tables are, how they grow, and when they were last looked after."""

import datetime
import time
from dataclasses import dataclass

from django.db import connection, transaction
from django.utils import timezone

from backoffice.health.store import checked
from backoffice.models import TableSize

KEPT_DAYS = 400
GROWTH_DAYS = 30
# Dead rows that make vacuum's absence worth a word.
MANY_DEAD, DEAD_SHARE = 100_000, 0.2

# The sizes of now, which wait for whoever locks a table: hence only in the worker, and not for long.
MEASURE = """
select n.nspname || '.' || c.relname, greatest(c.reltuples, 0)::bigint,
  pg_relation_size(c.oid), pg_indexes_size(c.oid),
  case when c.reltoastrelid <> 0 then pg_total_relation_size(c.reltoastrelid) else 0 end,
  coalesce(s.n_dead_tup, 0)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
left join pg_stat_user_tables s on s.relid = c.oid
where c.relkind = 'r' and n.nspname in ('public', 'audit', 'billing', 'transcripts', 'backoffice')
order by 1
"""
CARE = """
select schemaname || '.' || relname, n_dead_tup, n_live_tup, greatest(last_vacuum, last_autovacuum),
  greatest(last_analyze, last_autoanalyze)
from pg_stat_user_tables where schemaname in ('public', 'audit', 'billing', 'transcripts', 'backoffice')
"""


@transaction.atomic
def measure():
    """Keep today's sizes."""
    began = time.monotonic()
    today = timezone.now().astimezone(datetime.UTC).date()
    with connection.cursor() as cursor:
        cursor.execute("set local lock_timeout = '2s'")
        cursor.execute(MEASURE)
        sizes = [
            TableSize(
                day=today, table=table[:130], rows=rows, table_bytes=table_bytes, index_bytes=index_bytes,
                toast_bytes=toast_bytes, dead_rows=dead,
            )
            for table, rows, table_bytes, index_bytes, toast_bytes, dead in cursor.fetchall()
        ]  # fmt: skip
    TableSize.objects.bulk_create(
        sizes,
        update_conflicts=True,
        unique_fields=["table", "day"],
        update_fields=["rows", "table_bytes", "index_bytes", "toast_bytes", "dead_rows"],
    )
    TableSize.objects.filter(day__lt=today - datetime.timedelta(days=KEPT_DAYS)).delete()
    checked("sizes", time.monotonic() - began)


@dataclass(frozen=True)
class Size:
    """A table as last measured. `growth_bytes` is since `since` (a date), None before there is an earlier measure."""

    now: TableSize
    growth_bytes: int | None
    since: datetime.date | None
    vacuumed_at: datetime.datetime | None
    analyzed_at: datetime.datetime | None
    dead: int
    live: int

    @property
    def total_bytes(self):
        return total(self.now)

    @property
    def needs_vacuum(self):
        return self.dead >= MANY_DEAD and self.dead > DEAD_SHARE * max(self.live, 1)


def total(size):
    return size.table_bytes + size.index_bytes + size.toast_bytes


def sizes():
    """[Size] of every table, the largest first, with the growth of the last GROWTH_DAYS days."""
    latest = TableSize.objects.order_by("-day").values_list("day", flat=True).first()
    if latest is None:
        return []
    first = (
        TableSize.objects.filter(day__gte=latest - datetime.timedelta(days=GROWTH_DAYS), day__lt=latest)
        .order_by("day")
        .values_list("day", flat=True)
        .first()
    )
    now, before = {}, {}
    for size in TableSize.objects.filter(day__in=[latest, first] if first else [latest]):
        (now if size.day == latest else before)[size.table] = size
    with connection.cursor() as cursor:
        cursor.execute(CARE)
        care = {table: rest for table, *rest in cursor.fetchall()}
    found = []
    for table, size in now.items():
        dead, live, vacuumed_at, analyzed_at = care.get(table, (0, 0, None, None))
        earlier = before.get(table)
        growth = total(size) - total(earlier) if earlier else None
        found.append(Size(size, growth, first if earlier else None, vacuumed_at, analyzed_at, dead, live))
    return sorted(found, key=lambda size: -size.total_bytes)
