"""Looks at rows by every rule, measures tables: in the worker, once a day and when somebody asks."""

import datetime
import logging
import time

from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from backoffice import jobs
from backoffice.health.findings import GOOD, OF_ROWS, WARN, Finding
from backoffice.health.row_rules import COUNT_LIMIT
from backoffice.health.rules import all_rules
from backoffice.health.sizes import measure
from backoffice.health.store import check_catalog, checked, keep
from backoffice.models import HealthCheck, HealthFinding, HealthRow, Job

logger = logging.getLogger(__name__)

KIND = "data_health"
# The worker's round: the catalog is read so often, rows and sizes are looked at once a day.
CATALOG_EVERY = datetime.timedelta(seconds=45)
ROWS_EVERY = datetime.timedelta(hours=24)
ROUND_SECONDS = 60
ROUND = 7_310_226_102  # of the worker whose round it is
# A rule that takes longer is given up: below the limit of the session, so that the message is ours.
RULE_TIMEOUT = "14s"

IN_FORCE = """
select exists (
  select from pg_constraint k join pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[1]
  where k.contype = 'f' and k.convalidated and cardinality(k.conkey) = 1 and k.conrelid = to_regclass(%s)
    and a.attname = %s and k.confrelid = to_regclass(%s))
"""
# Found once, counted to the limit, the first ones kept: rows and count are of one moment.
FIND = """
with found as materialized (select * from ({sql}) f limit {limit}),
kept as (
  insert into backoffice_healthrow (rule, record, row_id, organization_id, detail)
  select %(rule)s, record, row_id, organization_id, coalesce(left(detail, 300), '') from found limit {kept})
select count(*) from found
"""


def is_ready(rule):
    if not rule.needs:
        return True
    with connection.cursor() as cursor:
        cursor.execute(rule.needs)
        return cursor.fetchone()[0]


def is_forbidden(cursor, rule):
    """Whether a foreign key sees to it that the rule finds nothing."""
    if not rule.foreign_key:
        return False
    cursor.execute(IN_FORCE, rule.foreign_key)
    return cursor.fetchone()[0]


def look(cursor, rule):
    """Keep the rows; how many there are, one more than the limit at the most."""
    statement = FIND.format(sql=rule.sql, limit=COUNT_LIMIT + 1, kept=rule.kept)
    cursor.execute(statement, {**rule.params, "rule": rule.name})
    return cursor.fetchone()[0]


def check_rule(rule):
    """Look for the rows of one rule and keep them. Returns its Finding; one that failed says why."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("select set_config('statement_timeout', %s, true)", [RULE_TIMEOUT])
            # Two tables are compared at the most, which are joined in memory rather than row by row.
            cursor.execute("set local work_mem = '64MB'")
            HealthRow.objects.filter(rule=rule.name).delete()
            count = 0 if is_forbidden(cursor, rule) else look(cursor, rule)
    except DatabaseError as error:
        reason = " ".join(str(error).split())[:200]
        logger.warning("A rule of data health could not be checked.", extra={"rule": rule.name})
        text = f"{rule.label}: could not be checked ({reason})."
        return Finding(rule.section, rule.name, "", WARN, text, "See section Schema: a table may differ.", 0)
    is_more = count > COUNT_LIMIT
    return Finding(
        rule.section,
        rule.name,
        "",
        rule.level if count else GOOD,
        rule.label,
        rule.remedy if count else "",
        min(count, COUNT_LIMIT),
        is_more,
        rule.url,
    )


def check_rows(step=lambda: None):
    """Every rule, one after the other, each in a transaction of its own."""
    began = time.monotonic()
    rules = all_rules()
    for rule in rules.values():
        # One that cannot be counted yet has no finding, by which the worker's round knows it.
        keep(OF_ROWS, [check_rule(rule)] if is_ready(rule) else [], rules=[rule.name])
        step()
    # What rules of an earlier version found is nobody's any more.
    HealthFinding.objects.filter(section__in=OF_ROWS).exclude(rule__in=list(rules)).delete()
    HealthRow.objects.exclude(rule__in=list(rules)).delete()
    checked("rows", time.monotonic() - began)


def check_all(step=lambda: None):
    check_catalog()
    step()
    measure()
    step()
    check_rows(step)


def open_job():
    """The check that waits or runs, if any."""
    return Job.objects.filter(kind=KIND, status__in=["queued", "running"]).order_by("-created_at").first()


@transaction.atomic
def start_check(actor):
    """Queue a check of everything. Returns its Job, or the one that is queued or running already."""
    return open_job() or jobs.start(KIND, title="Check of the data's health", owner=actor)


@jobs.kind(KIND, resumable=True)
def check_in_job(job, progress):
    progress.start(len(all_rules()) + 2)
    check_all(progress.step)
    bad = HealthFinding.objects.filter(level="bad").count()
    job.message = f"{bad:,} finding{'s' if bad != 1 else ''} that {'are' if bad != 1 else 'is'} bad."


def is_due(part, every):
    check = HealthCheck.objects.filter(part=part).first()
    return check is None or check.at < timezone.now() - every


def catch_up():
    """Count the rules that could not be counted when the others were, or are new."""
    counted = set(HealthFinding.objects.filter(section__in=OF_ROWS).values_list("rule", flat=True))
    for name, rule in all_rules().items():
        if name not in counted and is_ready(rule):
            keep(OF_ROWS, [check_rule(rule)], rules=[name])


def follow():
    """A round of the worker: does what is due, unless another worker is at it."""
    if not (is_due("catalog", CATALOG_EVERY) or is_due("rows", ROWS_EVERY)):
        return False
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(%s)", [ROUND])
        if not cursor.fetchone()[0]:
            return False
        try:
            check_catalog()
            if is_due("rows", ROWS_EVERY):
                measure()
                check_rows()
            else:
                catch_up()
        finally:
            cursor.execute("select pg_advisory_unlock(%s)", [ROUND])
    return False
