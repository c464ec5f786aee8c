"""Keeps what the checks found, and reads it for pages: the badge, the overview and the lists show one and the same."""

import datetime
import logging
import time

from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from backoffice.context import Counted
from backoffice.health.catalog import Catalog
from backoffice.health.findings import BAD, GOOD, OF_CATALOG, RANK
from backoffice.health.indexes import index_findings
from backoffice.health.rights import rights_findings
from backoffice.health.schema_differences import schema_findings, system_findings
from backoffice.health.stored_values import value_findings
from backoffice.health_models import HealthCheck, HealthFinding, position_of

logger = logging.getLogger(__name__)

# A look at a section reads the catalog again if the last reading is older than that; the overview, which is to open at
# once, leaves it to the worker's round as long as there is one.
FRESH_SECONDS, FRESH_ENOUGH_SECONDS = 10, 90
LOCK = 7_310_226_101  # of the transaction that writes findings
PARTS = {
    "schema": "catalog",
    "rights": "catalog",
    "indexes": "catalog",
    "orphans": "rows",
    "oddities": "rows",
}


def catalog_findings():
    """Everything that the catalog tells, at this moment: some tens of milliseconds, however large the tables are."""
    with connection.cursor() as cursor:
        catalog = Catalog(cursor)
        return [
            *system_findings(),
            *schema_findings(catalog),
            *value_findings(catalog),
            *rights_findings(catalog),
            *index_findings(catalog),
        ]


def check_catalog():
    """Read the catalog and keep what differs from what is kept."""
    began = time.monotonic()
    keep(OF_CATALOG, catalog_findings())
    checked("catalog", time.monotonic() - began)


def look_at_catalog(fresh_seconds=FRESH_SECONDS):
    """The same for who opens the page, unless it was done just now. Returns whether what is kept is of now: a failure
    leaves it as it was.
    """
    check = HealthCheck.objects.filter(part="catalog").first()
    if check and check.at > timezone.now() - datetime.timedelta(seconds=fresh_seconds):
        return True
    try:
        with transaction.atomic():
            check_catalog()
    except DatabaseError:
        logger.warning("The catalog could not be read.", exc_info=True)
        return False
    return True


def checked(part, seconds):
    HealthCheck.objects.update_or_create(part=part, defaults={"at": timezone.now(), "seconds": seconds})


def keep(sections, findings, rules=None):
    """Bring the findings of these sections (or of these rules in them) up to date. Writes only what differs."""
    now = timezone.now()
    new = {finding.key: finding for finding in findings}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [LOCK])
        stored = HealthFinding.objects.filter(section__in=sections)
        if rules is not None:
            stored = stored.filter(rule__in=rules)
        gone, changed = [], []
        for row in stored:
            finding = new.pop((row.section, row.rule, row.subject), None)
            if finding is None:
                gone.append(row.pk)
            elif rules is not None or facts_of(finding) != facts_of(row):
                if row.level == GOOD and finding.level != GOOD:
                    row.first_seen_at = now
                for name, value in facts_of(finding).items():
                    setattr(row, name, value)
                row.position, row.checked_at = position_of(finding.level, finding.section), now
                changed.append(row)
        HealthFinding.objects.filter(pk__in=gone).delete()
        HealthFinding.objects.bulk_update(
            changed, ["level", "text", "remedy", "count", "is_more", "url", "position", "checked_at", "first_seen_at"]
        )  # fmt: skip
        HealthFinding.objects.bulk_create(
            HealthFinding(
                section=finding.section,
                rule=finding.rule,
                subject=finding.subject[:300],
                position=position_of(finding.level, finding.section),
                first_seen_at=now,
                checked_at=now,
                **facts_of(finding),
            )
            for finding in new.values()
        )


def facts_of(finding):
    return {name: getattr(finding, name) for name in ("level", "text", "remedy", "count", "is_more", "url")}


# Findings that are bad, as of the last check.
BAD_ONES = Counted(f"backoffice_healthfinding where position < {(RANK[BAD] + 1) * 100}")
