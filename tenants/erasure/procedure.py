"""The two jobs of an erasure: the search, which changes nothing, and the redaction, in one transaction."""

import datetime

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, transaction
from django.utils import timezone

from agents.conversations import index
from backoffice import jobs, services
from backoffice.models import Job, User
from tenants.erasure import sessions
from tenants.erasure.certificate import certify
from tenants.erasure.person import Person
from tenants.erasure.places import PLATFORM
from tenants.erasure.search import named, own_columns, own_tables, quoted, search, stays, terms
from tenants.models import Erasure

PERMISSION = "tenants.erase_person"
SEARCH, ERASE = "person_search", "person_erasure"
ROWS_AT_ONCE = 5000
SEARCH_HOLDS = datetime.timedelta(days=1)
KEPT_OPEN = datetime.timedelta(days=30)
PLACES = len(PLATFORM) + 20


@transaction.atomic
def start_search(person, *, actor, reason):
    """Ask for a search; raises ValidationError where the reason would itself name the person."""
    forget_old()
    erasure = note_down(person, actor=actor, reason=reason)
    with services.acting(actor, reason):
        attach(erasure, SEARCH, f"Search for {erasure.subject}", actor)
    return erasure


@transaction.atomic
def request_erasure(person, *, actor, reason):
    """Leave a request for an admin; nothing is searched yet. Raises ValidationError if one waits already."""
    waiting = Erasure.objects.filter(
        status=Erasure.Status.REQUESTED, fingerprints__contains=person.fingerprints()
    ).first()
    if waiting:
        raise ValidationError(f"{waiting.owner} has asked for this already; it waits for an admin.")
    return note_down(person, actor=actor, reason=reason, status=Erasure.Status.REQUESTED)


def note_down(person, *, actor, reason, **fields):
    refuse_naming(person, reason)
    with services.acting(actor, reason):
        return Erasure.objects.create(
            subject=person.masked(),
            fingerprints=person.fingerprints(),
            subject_secret=person.stored(),
            reason=reason,
            owner=actor,
            **fields,
        )


@transaction.atomic
def take_up_request(erasure, *, actor):
    """Search the person of a request; from here on it is the admin's. Raises ValidationError if somebody was first."""
    erasure = Erasure.objects.select_for_update(of=["self"]).select_related("owner").get(pk=erasure.pk)
    if erasure.status != Erasure.Status.REQUESTED:
        raise ValidationError("This request was taken up already.")
    with services.acting(actor, erasure.reason):
        erasure.reason = f"{erasure.reason[:400]} (asked for by {erasure.owner})"[:500]
        erasure.owner = actor
        erasure.status = Erasure.Status.SEARCHING
        erasure.save(update_fields=["reason", "owner"])
        attach(erasure, SEARCH, f"Search for {erasure.subject}", actor)
    return erasure


def refuse_naming(person, reason):
    if person.is_named_in(reason):
        raise ValidationError(
            {"reason": "The reason names the person. It is kept for good, so say it otherwise."}
        )


def attach(erasure, kind, title, actor):
    erasure.job = jobs.start(kind, title=title, owner=actor, erasure=str(erasure.pk))
    erasure.save(update_fields=["job", "status"])


def forget_old():
    """Searches that were never followed by an erasure do not keep the person in clear."""
    for erasure in Erasure.objects.filter(
        subject_secret__isnull=False, created_at__lt=timezone.now() - KEPT_OPEN
    ).exclude(status=Erasure.Status.ERASING):
        discard_search(erasure, actor=erasure.owner, reason="Not used for 30 days")


def discard_search(erasure, *, actor, reason):
    """Forget a search: what it knew in clear is emptied."""
    if erasure.status in (Erasure.Status.ERASING, Erasure.Status.ERASED):
        raise ValidationError("The erasure has begun.")
    with services.acting(actor, reason):
        erasure.status = Erasure.Status.DISCARDED
        erasure.subject_secret = erasure.samples_secret = None
        erasure.save(update_fields=["status", "subject_secret", "samples_secret"])
    return erasure


def erase_person(erasure, *, actor, reason):
    """Queue the redaction; raises ValidationError where the search is not fresh or files are being written."""
    with transaction.atomic():
        erasure = Erasure.objects.select_for_update().get(pk=erasure.pk)
        if erasure.status != Erasure.Status.FOUND:
            raise ValidationError("Only a finished search can be followed by an erasure, once.")
        if erasure.searched_at < timezone.now() - SEARCH_HOLDS:
            raise ValidationError("The search is older than a day. Search again first.")
        refuse_open_jobs("queued", "running")
        with services.acting(actor, reason):
            erasure.status = Erasure.Status.ERASING
            attach(erasure, ERASE, f"Erasure of {erasure.subject}", actor)
    return erasure


def refuse_open_jobs(*statuses):
    others = Job.objects.filter(status__in=statuses).exclude(kind__in=(SEARCH, ERASE))
    if job := others.order_by("created_at").first():
        raise ValidationError(
            f"A job is still at work, and may write a file with the person in it: {job.title}. Wait."
        )


def opened(job):
    """(erasure, who acts, the Person) of a job; raises PermissionDenied or ValidationError."""
    actor = User.objects.get(pk=job.owner_id)
    if not actor.is_active or not actor.has_perm(PERMISSION):
        raise PermissionDenied("Whoever asked for this may not do it any more.")
    erasure = Erasure.objects.select_related("owner").get(pk=job.params["erasure"])
    if erasure.subject_secret is None:
        raise ValidationError("This search was discarded.")
    return erasure, actor, Person(**erasure.subject_secret)


def reporter(progress):
    progress.start(PLACES)

    def report(label):
        progress.job.message = f"Reading: {label}"
        progress.job.save(update_fields=["message"])
        progress.step()

    return report


@jobs.kind(SEARCH, permission=PERMISSION, resumable=True)
def run_search(job, progress):
    erasure, actor, person = opened(job)
    if erasure.status != Erasure.Status.SEARCHING:  # a run that was interrupted at its very end
        job.message = "The search is finished. Nothing was changed."
        return
    found = search(person, actor=actor, reason=erasure.reason, report=reporter(progress))
    with services.acting(actor, erasure.reason):
        erasure.findings = found.as_json()
        erasure.samples_secret = found.samples
        erasure.searched_at = timezone.now()
        erasure.status = Erasure.Status.FOUND
        erasure.save(update_fields=["findings", "samples_secret", "searched_at", "status"])
    rows = sum(place["rows"] for place in found.places.values())
    services.log_read(
        "reveal",
        erasure,
        actor=actor,
        reason=erasure.reason,
        detail=f"Search for a person: {rows:,} rows in {len(found.places)} places",
    )
    job.total = job.done
    job.message = (
        f"{rows:,} rows in {len(found.places)} places, {len(found.files)} files. Nothing was changed."
    )


@jobs.kind(ERASE, permission=PERMISSION, resumable=True)
def run_erasure(job, progress):
    """Searches again, then redacts everything in one transaction; run again, it finishes what is left to do."""
    erasure = Erasure.objects.get(pk=job.params["erasure"])
    if erasure.status != Erasure.Status.ERASED:
        erasure, actor, person = opened(job)
        refuse_open_jobs("running")  # of another worker; what is queued will read what is redacted
        found = search(person, actor=actor, reason=erasure.reason, report=reporter(progress))
        redact(erasure, actor, person, found)
    # After the transaction, and again if that was interrupted: the files are unreachable already.
    for pk in erasure.findings["files"]:
        Job(pk=pk).result_path.unlink(missing_ok=True)
    rows = sum(place["rows"] for place in erasure.certificate["redacted"])
    job.total = job.done
    job.message = f"{rows:,} rows were redacted, {len(erasure.findings['files'])} files deleted."


def redact(erasure, actor, person, found):
    with services.acting(actor, erasure.reason), connection.cursor() as cursor:
        cursor.execute("set local statement_timeout = 0")
        cursor.execute("set local lock_timeout = '60s'")
        cursor.execute("set local idle_in_transaction_session_timeout = 0")
        cursor.execute("select audit.begin_erasure(%s, %s, %s)", person.arguments)
        redacted = {}
        for table, ids in found.ids.items():
            redacted[table] = 0
            for begin in range(0, len(ids), ROWS_AT_ONCE):
                cursor.execute("select audit.erase_rows(%s, %s)", [table, ids[begin : begin + ROWS_AT_ONCE]])
                redacted[table] += cursor.fetchone()[0]
        index.forget()
        for table in own_tables(cursor):
            if not stays(table, "") and (rows := redact_own(cursor, person, table)):
                redacted[table] = rows
        if rows := sessions.forget(person):
            redacted[f"backoffice.{sessions.TABLE}"] = rows
        discard_others(erasure)
        Job.objects.filter(pk__in=found.files).update(
            result_name="", message="The file was deleted: it named a person."
        )
        moment = timezone.now()
        erasure.findings = found.as_json()
        erasure.certificate = certify(erasure, person, found, redacted, moment)
        erasure.erased_at = moment
        erasure.status = Erasure.Status.ERASED
        erasure.subject_secret = erasure.samples_secret = None
        erasure.save()
        cursor.execute("select audit.end_erasure()")


def discard_others(erasure):
    """Other searches for the person do not keep the address or number that is being erased."""
    open_ones = Erasure.objects.filter(subject_secret__isnull=False).exclude(pk=erasure.pk)
    for other in open_ones.exclude(status=Erasure.Status.ERASING):
        if set(other.fingerprints) & set(erasure.fingerprints):
            other.status = Erasure.Status.DISCARDED
            other.subject_secret = other.samples_secret = None
            other.save(update_fields=["status", "subject_secret", "samples_secret"])


def redact_own(cursor, person, table):
    """Redacts one of our own tables as its owner; its audit trigger leaves the person out. Returns the rows."""
    if table.startswith("billing."):  # not ours to write
        cursor.execute("select billing.erase_given()")
        return cursor.fetchone()[0]
    columns = own_columns(cursor, table)
    sets = []
    for name, is_json, is_unique, width in columns:
        column = f't."{name}"'
        if is_json:
            value = f"audit.erase_json({column}::jsonb, %(pattern)s)"
        else:
            value = f"regexp_replace({column}::text, %(pattern)s, '[erased]', 'gi')"
            if width is not None:
                value = f"left({value}, {width - 9 if is_unique else width})"
            if is_unique:
                value = f"{value} || ' ' || left(md5(random()::text), 8)"
        sets.append(f'"{name}" = case when {named(name)} then {value} else {column} end')
    any_of = " or ".join(named(name) for name, *_ in columns)
    cursor.execute(f"update {quoted(table)} t set {', '.join(sets)} where {any_of}", terms(cursor, person))
    return cursor.rowcount
