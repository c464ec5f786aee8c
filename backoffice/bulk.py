"""Actions on many rows of a list: the rows are fixed when the confirmation is shown, a job does them one by one.

Each row goes through the same service as on its own page, in a transaction of its own that also keeps what became of
it: a job that was interrupted goes on where it stopped, and does no row twice. All changes of a job have its id as
their request, so that they can be taken back together.
"""

import datetime
import logging

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, InterfaceError, OperationalError, transaction
from django.http import Http404, QueryDict
from django.utils import timezone

from backoffice import jobs, services
from backoffice.generic.lists import BULK_LIMIT as LIMIT
from backoffice.generic.lists import open_list
from backoffice.holding import holding
from backoffice.logs import request_id
from backoffice.models import BulkResult, BulkRun, User

logger = logging.getLogger(__name__)

UNCONFIRMED = datetime.timedelta(days=1)


def action_of(page, name, user):
    """The ActionView of that name among those of a list's page; Http404, or PermissionDenied for those who may not."""
    for view in page.bulk:
        if view.__name__ == name:
            view().require(user)
            return view
    raise Http404("The list has no such action.")


def matching_ids(page):
    """(ids of the rows that match the filters, in the list's order; whether there are more than LIMIT)."""
    _, order, falling = page.current_order()
    key = [order.key.desc(), "-pk"] if falling else [order.key.asc(), "pk"]
    queryset = page.filterset.qs.select_related(None).order_by(*key).values_list("pk", flat=True)
    ids = [str(pk) for pk in queryset[: LIMIT + 1]]
    return ids[:LIMIT], len(ids) > LIMIT


def prepare(page, list_name, action, ids, user):
    """Fix the rows of an action that has yet to be confirmed. Returns the BulkRun."""
    return BulkRun.objects.create(
        owner=user, list_name=list_name, action=action.__name__, query=page.state(), row_ids=ids
    )


@transaction.atomic
def confirm(run, action, data):
    """Start the job of a prepared action, once: asked again it returns the same job."""
    run = BulkRun.objects.select_for_update().get(pk=run.pk)
    if run.job is None:
        run.form = {name: data.getlist(name) for name in action.form_class.base_fields if name in data}
        run.job = jobs.start("bulk", title=title_of(run, action), owner=run.owner, run=str(run.pk))
        run.save()
    return run.job


def title_of(run, action):
    number, meta = len(run.row_ids), action.model._meta
    return f"{action.label}: {number:,} {meta.verbose_name if number == 1 else meta.verbose_name_plural}"


@jobs.kind("bulk", resumable=True)
def run_bulk(job, progress):
    """params: run (the id of a BulkRun)."""
    run = BulkRun.objects.get(pk=job.params["run"])
    owner = User.objects.get(pk=run.owner_id)
    if not owner.is_active:
        raise PermissionDenied("The account was suspended.")
    page = open_list(run.list_name, owner, run.query)
    action = action_of(page, run.action, owner)
    form = action.form_class(data=form_data(run))
    if not form.is_valid():
        raise ValidationError(form.errors)
    arguments = action().arguments(form)
    done = set(run.results.values_list("row_id", flat=True))
    job.done = len(done)
    progress.start(len(run.row_ids))
    try:
        with request_named(str(job.pk)):
            for pk in run.row_ids:
                if pk not in done:
                    do_row(run, action, pk, owner, arguments)
                    progress.step()
    finally:
        job.message = summary(run)


def form_data(run):
    data = QueryDict(mutable=True)
    for name, values in run.form.items():
        data.setlist(name, values)
    return data


def do_row(run, action, pk, actor, arguments):
    """One row: the deed and its result together, or the result of what was refused."""
    queryset = action.queryset if action.queryset is not None else action.model._default_manager
    obj = queryset.filter(pk=pk).first()
    label = str(obj)[:200] if obj else str(pk)

    def keep(outcome, message=""):
        BulkResult.objects.create(run=run, row_id=pk, label=label, outcome=outcome, message=message)

    if obj is None:
        return keep("skipped", "It is not there any more.")
    if not action.applies_to(obj):
        return keep("skipped", f"“{action.label}” does not apply to it.")
    try:
        with transaction.atomic():
            action.service(obj, actor=actor, **arguments)
            keep("changed")
    except ValidationError as error:
        keep("failed", " ".join(error.messages))
    except services.Conflict as error:
        keep("failed", str(error))
    except (OperationalError, InterfaceError):
        raise  # the connection is gone, or the database is: the job stops, and can be retried
    except (DatabaseError, PermissionDenied) as error:
        logger.warning("A row of a bulk action was refused.", exc_info=error, extra={"job": str(run.job_id)})
        keep("failed", "The database did not accept it." if isinstance(error, DatabaseError) else str(error))


def request_named(name):
    return holding(request_id, name)


def counts(run):
    """{outcome: how many rows}."""
    found = dict.fromkeys(BulkResult.Outcome.values, 0)
    for outcome in run.results.order_by().values_list("outcome", flat=True):
        found[outcome] += 1
    return found


def summary(run):
    number = counts(run)
    rest = len(run.row_ids) - sum(number.values())
    text = f"{number['changed']:,} changed, {number['skipped']:,} skipped, {number['failed']:,} failed."
    return f"{text} {rest:,} not done." if rest else text


def tidy():
    """Forget what was prepared and never confirmed, and what became of each row when results of jobs expire."""
    now = timezone.now()
    BulkRun.objects.filter(job=None, created_at__lt=now - UNCONFIRMED).delete()
    kept = datetime.timedelta(days=settings.JOB_FILES_DAYS)
    BulkRun.objects.filter(job__finished_at__lt=now - kept).delete()
