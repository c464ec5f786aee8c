"""Closing a tenant for good: what has to be done before, in order, and the deletion itself."""

import datetime
from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from backoffice import jobs, services
from backoffice.models import AuditEvent, Job
from billing.models import CreditTransaction
from tenants.closing.archive import KIND as ARCHIVE
from tenants.closing.archive import PERMISSION, acting_owner
from tenants.closing.parts import OF_AGENTS, PLATFORM, delete_own
from tenants.models import Organization

KIND = "close_organization"


@dataclass(frozen=True)
class Blocker:
    """One thing to resolve before a tenant can be closed: what, how, and where."""

    title: str
    text: str
    url: str = ""
    label: str = ""


def number(count, one, many=""):
    """ "3 numbers", "1,000 or more numbers": counting in the database stops at 1,000."""
    words = one if count == 1 else many or f"{one}s"
    return f"1,000 or more {words}" if count >= 1000 else f"{count:,} {words}"


def blockers(organization):
    """What stands in the way of closing, in the order in which it is best resolved."""
    return [*open_jobs(organization), *stored_blockers(organization), *export_blockers(organization)]


def open_jobs(organization):
    open_ones = Job.objects.filter(
        kind__in=(ARCHIVE, KIND), status__in=("queued", "running"), params__organization=str(organization.pk)
    )
    for job in open_ones.order_by("created_at")[:5]:
        yield Blocker(
            f"A job is still at work: {job.title}",
            "Wait until it is done, or cancel it.",
            job.get_absolute_url(),
            "Open the job",
        )


def stored_blockers(organization):
    return stored_blockers_of([organization])[organization]


def stored_blockers_of(organizations):
    """{organization: [Blocker]}, in one query."""
    found = {organization.pk: [] for organization in organizations}
    with connection.cursor() as cursor:
        cursor.execute(
            "select o.id, b.kind, b.row_count from unnest(%s::uuid[]) with ordinality o (id, place),"
            " audit.closing_blockers(o.id, %s) with ordinality b (kind, row_count, place) order by o.place, b.place",
            [list(found), settings.MAX_CALL_MINUTES],
        )
        for pk, kind, count in cursor.fetchall():
            found[pk].append((kind, count))
    return {
        organization: [describe(organization, kind, count) for kind, count in found[organization.pk]]
        for organization in organizations
    }


def describe(organization, kind, count):
    own = f"?organization={organization.pk}"
    if kind == "balance":
        return Blocker(
            f"The balance is {organization.credits_balance:,} {settings.CREDIT_UNIT}, not zero",
            "Finance refunds what is left, or corrects what is owed, with a posting: the ledger outlives the tenant "
            "and has to end at zero.",
            reverse("billing:credittransaction_list") + own,
            "Open the ledger",
        )
    if kind == "active_numbers":
        return Blocker(
            f"{number(count, 'number')} still active",
            "Release each number, or move it to another tenant: calls reach it until then, and the carrier goes on "
            "charging for it.",
            reverse("telephony:phonenumber_list") + own + "&status=active",
            "Open the numbers",
        )
    if kind == "running_calls":
        return Blocker(
            f"{number(count, 'call')} still running",
            f"Wait until they end, or have finance correct their status. A call counts as running for "
            f"{settings.MAX_CALL_MINUTES} minutes; older ones do not block.",
            reverse("telephony:calllog_list") + own + "&status=active",
            "Open the calls",
        )
    if kind == "foreign_numbers":
        return Blocker(
            f"{number(count, 'number')} of other tenants answered by an agent of this one",
            "Give these numbers an agent of their own tenant, or they would answer nobody.",
            reverse("telephony:phonenumber_list") + "?problem=mismatched",
            "Open the mismatched numbers",
        )
    if kind == "foreign_usage":
        return Blocker(
            f"{number(count, 'usage record')} of other tenants with an agent of this one",
            "Deleting the agents would delete what other tenants are billed for. Usage is not changed here: the "
            "platform's own operators have to give these records an agent of their tenant, in SQL.",
            reverse("billing:usagelog_list"),
            "Open the usage",
        )
    table = kind.removeprefix("table ")
    return Blocker(
        f"Table {table} refers to this tenant ({number(count, 'row')})",
        "This table was added to the database by hand; the back office neither exports nor deletes it. Its rows "
        "have to be moved or removed in SQL.",
    )


def export_blockers(organization):
    archives = find_archives(organization)
    url, label = reverse("tenants:organization_archive", args=[organization.pk]), "Export everything"
    if not archives:
        yield Blocker(
            "Nothing was exported yet", "What is deleted is gone: export everything first.", url, label
        )
        return
    newest = archives[0]
    hours = settings.CLOSING_EXPORT_HOURS
    if as_of(newest) < timezone.now() - datetime.timedelta(hours=hours):
        yield Blocker(
            f"The last export is older than {hours} hours",
            "Export everything again, so that the archive holds what was added since.",
            url,
            label,
        )
    elif changed_since(organization, as_of(newest)):
        yield Blocker(
            "The tenant was changed after the last export",
            "A record or the ledger was changed since: export everything again.",
            url,
            label,
        )
    elif not newest.has_result:
        yield Blocker("The file of the last export is gone", "Export everything again.", url, label)


def find_archives(organization):
    """The finished exports of everything of the tenant, newest first; also after the tenant is gone."""
    pk = getattr(organization, "pk", organization)
    done = Job.objects.filter(kind=ARCHIVE, status="succeeded", params__organization=str(pk))
    return list(done.select_related("owner").order_by("-created_at")[:5])


def as_of(archive):
    """The moment that an archive shows, aware."""
    return datetime.datetime.fromisoformat(archive.params["made"]["as_of"])


def changed_since(organization, moment):
    """Whether a record of the tenant changed, as the audit and the ledger have it; conversations do not count."""
    events = AuditEvent.objects.filter(organization_id=organization.pk, at__gt=moment)
    return (
        events.exclude(table_name__contains=".").exists()
        or CreditTransaction.objects.filter(organization_id=organization.pk, created_at__gt=moment).exists()
    )


SINCE = (
    (
        "conversation",
        f"select from public.agent_sessions where agent_id in ({OF_AGENTS})"
        " and greatest(created_at, last_activity_at) > %(moment)s"
        f" union all select from public.chat_sessions c where project_id in ({OF_AGENTS}) and (created_at > %(moment)s"
        " or exists (select from public.chat_messages m where m.session_id = c.id and m.timestamp > %(moment)s))",
    ),
    ("call", "select from public.call_logs where organization_id = %(id)s and created_at > %(moment)s"),
    (
        "usage record",
        "select from public.usage_logs where organization_id = %(id)s and created_at > %(moment)s",
    ),
)


def came_since(organization, archive):
    """["3 conversations", …] that began or went on after an export: they do not block, and are not in it."""
    columns = [f"(select count(*) from ({rows} limit 1000) found)" for _, rows in SINCE]
    with connection.cursor() as cursor:
        cursor.execute(f"select {', '.join(columns)}", {"id": organization.pk, "moment": as_of(archive)})
        found = zip(SINCE, cursor.fetchone(), strict=True)
        return [number(count, word) for (word, _), count in found if count]


def close_organization(organization, *, actor, reason):
    """Queue the deletion; raises ValidationError with what stands in the way. The job asks everything again."""
    if found := blockers(organization):
        raise ValidationError([f"{blocker.title}." for blocker in found])
    return jobs.start(
        KIND,
        title=f"Closing {organization}"[:200],
        owner=actor,
        organization=str(organization.pk),
        name=organization.name,
        sha256=find_archives(organization)[0].params["made"]["sha256"],
        reason=reason,
    )


@jobs.kind(KIND, permission=PERMISSION, resumable=True)
def run_closing(job, progress):
    """params: organization, name, sha256, reason. One transaction: interrupted or refused, nothing is gone."""
    actor = acting_owner(job)
    progress.start(1)
    if Organization.objects.filter(pk=job.params["organization"]).exists():
        close(job, actor)
    closing = closing_of(job.params["organization"])
    job.done = 1
    job.message = f"{job.params['name']} is closed: {closing.total:,} rows were deleted."[:500]


def close(job, actor):
    with services.acting(actor, job.params["reason"]), connection.cursor() as cursor:
        cursor.execute("set local statement_timeout = 0")
        cursor.execute("set local lock_timeout = '60s'")
        cursor.execute(
            "select audit.close_organization(%s, %s, %s, %s)",
            [job.params["organization"], job.params["name"], job.params["sha256"], settings.MAX_CALL_MINUTES],
        )
        delete_own(cursor, job.params["organization"])


@dataclass(frozen=True)
class Closing:
    """How an organization went, as the audit has it. `rows` is None where it was not by the closing procedure."""

    event: AuditEvent
    rows: dict | None

    @property
    def labelled(self):
        """[(label, rows)] in the order of the archive."""
        return [
            (part.label, self.rows[name])
            for part in PLATFORM
            if (name := part.table.partition(".")[2]) in self.rows
        ]

    @property
    def total(self):
        return sum((self.rows or {}).values())


def closing_of(organization_id):
    """The Closing of an organization that is gone; None for one that the audit does not know as deleted."""
    deleted = AuditEvent.objects.filter(
        table_name="organizations", row_id=str(organization_id), action="delete"
    ).order_by("-id")[:1]
    for event in deleted:
        return Closing(event, (event.new or {}).get("rows_deleted"))
    return None
