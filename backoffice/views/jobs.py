import django_filters
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import F
from django.http import FileResponse, Http404, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import NoReverseMatch, resolve, reverse
from django.views import View

from backoffice import bulk, fresh, generic, jobs, reverts, services
from backoffice.filters import DayFilter, FilterSet
from backoffice.generic.memory import list_url
from backoffice.models import BulkRun, Job
from backoffice.replicas.choice import wrote
from backoffice.tables import Column, Table
from backoffice.views.revert import missing_permission
from backoffice.ways_back import planned

LOOKED_AT = 20


def visible_jobs(user):
    """One's own jobs; an admin sees everybody's."""
    if not user.has_perm("backoffice.view_job"):
        raise PermissionDenied("Your role may not see jobs; it lacks the permission backoffice.view_job.")
    queryset = Job.objects.select_related("owner")
    return queryset if user.is_superuser else queryset.filter(owner=user)


def outcome_of(job, user):
    """What became of the rows of a bulk action; {} for other jobs. `revert_url` is for who can take some of it back."""
    run = BulkRun.objects.filter(job=job).first()
    if run is None:
        return {}
    counts = bulk.counts(run)
    can_revert = counts["changed"] and not job.is_open and can_take_back(job, user)
    return {
        "run": run,
        "counts": counts,
        "failed": failed_rows(run),
        "list_url": list_url(run.list_name, run.query),
        "revert_url": reverse("backoffice:batch_revert", args=[job.pk]) if can_revert else "",
    }


def can_take_back(job, user):
    """Whether the batch's own page would let this person put back any of the first rows: all are of one kind."""
    events = list(reverts.batch_events(str(job.pk))[:LOOKED_AT])
    changes = planned(reverts.changes_of(events, user))
    return any(not change.problem and not missing_permission(change, user) for change in changes)


def failed_rows(run):
    """The first rows that failed, each with the `url` of its page: many have the same name."""
    results = list(run.results.filter(outcome="failed")[:LOOKED_AT])
    try:
        view = resolve(reverse(run.list_name)).func.view_class
        model = next(action.model for action in view.bulk if action.__name__ == run.action)
    except (NoReverseMatch, StopIteration):  # a list or an action that is gone
        return results
    for result in results:
        result.url = model(pk=result.row_id).get_absolute_url()
    return results


class JobTable(Table):
    title = Column("Job")
    created_at = Column("Asked for", order="created")
    owner = Column("By", export="owner__email")
    status = Column("Status")
    done = Column("Progress")
    result_name = Column("Result")

    class Meta(Table.Meta):
        model = Job
        fields = []
        rows = "backoffice/job_rows.html"


class JobFilter(FilterSet):
    search_fields = ["title", "result_name", "message"]
    status = django_filters.ChoiceFilter(choices=Job.Status.choices, label="Status", empty_label="Any")
    since = DayFilter("created_at", label="Asked for from")
    until = DayFilter("created_at", label="Until", until=True)

    class Meta:
        model = Job
        fields = []


class JobList(generic.ListView):
    model = Job
    replica = False  # who waits for a job looks here
    table_class = JobTable
    filterset_class = JobFilter
    orders = {"created": generic.Order(F("created_at"), by_time=True)}
    nothing_yet = "Exports and other long work appear here, with their progress and results."

    def get_queryset(self):
        return visible_jobs(self.request.user)


class JobDetail(View):
    """One job; while it is open, the page asks for its state every second (and can be reloaded by hand)."""

    def get(self, request, pk):
        wrote()  # what the job did, its owner finds in the lists from here on
        job = get_object_or_404(visible_jobs(request.user), pk=pk)
        template = "backoffice/job_state.html" if request.htmx else "backoffice/job_detail.html"
        crumbs = [("Jobs", reverse("job_list"))]
        context = {"page_title": job.title, "job": job, "crumbs": crumbs, **outcome_of(job, request.user)}
        return render(request, template, context)


class JobAction(View):
    """Cancel or retry."""

    http_method_names = ["post"]
    act = None
    said = ""

    def post(self, request, pk):
        job = type(self).act(get_object_or_404(visible_jobs(request.user), pk=pk))
        messages.info(request, self.said)
        return HttpResponseRedirect(job.get_absolute_url())


class JobCancel(JobAction):
    act = staticmethod(jobs.cancel)
    said = "The job is being cancelled."


class JobRetry(JobAction):
    act = staticmethod(jobs.retry)
    said = "The job was queued again."


class JobResult(View):
    """The file that a job made, until it expires."""

    def get(self, request, pk):
        job = get_object_or_404(visible_jobs(request.user), pk=pk)
        if not job.has_result:
            raise Http404
        try:
            file = job.result_path.open("rb")
        except FileNotFoundError:
            raise Http404 from None
        if permission := jobs.GUARDED.get(job.kind):
            if not request.user.has_perm(permission):
                file.close()
                raise PermissionDenied(
                    f"Your role may not download this; it lacks the permission {permission}."
                )
            if asked := fresh.ask(request, permission):
                file.close()
                return asked
            services.log_read(
                "export",
                job,
                actor=request.user,
                organization_id=job.params.get("organization"),
                detail=f"Downloaded {job.result_name}",
            )
        return FileResponse(file, as_attachment=True, filename=job.result_name)
