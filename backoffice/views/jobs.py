from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import F
from django.http import FileResponse, Http404, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views import View

from backoffice import bulk, jobs, keyset, services
from backoffice.filters import Query
from backoffice.generic import PAGE_SIZE
from backoffice.generic.memory import list_url
from backoffice.models import BulkRun, Job


def visible_jobs(user):
    """One's own jobs; an admin sees everybody's."""
    if not user.has_perm("backoffice.view_job"):
        raise PermissionDenied("Your role may not see jobs; it lacks the permission backoffice.view_job.")
    queryset = Job.objects.select_related("owner")
    return queryset if user.is_superuser else queryset.filter(owner=user)


def outcome_of(job):
    """What became of the rows of a bulk action; {} for other jobs."""
    run = BulkRun.objects.filter(job=job).first()
    if run is None:
        return {}
    return {
        "run": run,
        "counts": bulk.counts(run),
        "failed": list(run.results.filter(outcome="failed")[:20]),
        "list_url": list_url(run.list_name, run.query),
        "revert_url": reverse("backoffice:batch_revert", args=[job.pk]),
    }


class JobList(View):
    def get(self, request):
        try:
            page = keyset.read_page(
                visible_jobs(request.user),
                F("created_at"),
                descending=True,
                size=PAGE_SIZE,
                params=request.GET,
            )
        except keyset.BadCursor:
            return HttpResponseRedirect(reverse("job_list"))
        places = Query(request.GET).without("after", "before")
        context = {
            "page_title": "Jobs",
            "jobs": page.rows,
            "has_open": any(job.is_open for job in page.rows),
            "previous_url": f"?{page.previous}" if page.previous else "",
            "next_url": f"?{page.next}" if page.next else "",
            "places": places,
        }
        return render(request, "backoffice/job_list.html", context)


class JobDetail(View):
    """One job; while it is open, the page asks for its state every second (and can be reloaded by hand)."""

    def get(self, request, pk):
        job = get_object_or_404(visible_jobs(request.user), pk=pk)
        template = "backoffice/job_state.html" if request.htmx else "backoffice/job_detail.html"
        crumbs = [("Jobs", reverse("job_list"))]
        context = {"page_title": job.title, "job": job, "crumbs": crumbs, **outcome_of(job)}
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
            services.log_read(
                "export",
                job,
                actor=request.user,
                organization_id=job.params.get("organization"),
                detail=f"Downloaded {job.result_name}",
            )
        return FileResponse(file, as_attachment=True, filename=job.result_name)
