"""Everything of a tenant as an archive, closing it, and what its address answers afterwards. For admins."""

from functools import wraps

from django.http import Http404, HttpResponseRedirect
from django.shortcuts import render

from backoffice import generic
from backoffice.forms import DeleteForm
from tenants.closing import parts, procedure
from tenants.closing.archive import PERMISSION, start_archive
from tenants.models import Organization


class OrganizationArchive(generic.ActionView):
    model = Organization
    permission = PERMISSION
    template_name = "tenants/organization_archive.html"
    label = "Export everything"
    icon = "archive"
    service = staticmethod(start_archive)

    def context(self):
        return {"archives": procedure.find_archives(self.object)}

    def done(self, job):
        return HttpResponseRedirect(job.get_absolute_url())


class OrganizationClose(generic.ActionView):
    """What goes, what is in the way, and, once nothing is, the typed name and the reason."""

    model = Organization
    queryset = Organization.objects.select_related("owner")
    permission = PERMISSION
    template_name = "tenants/organization_close.html"
    label = "Close tenant"
    icon = "archive-x"
    danger = True
    service = staticmethod(procedure.close_organization)

    def get_form(self, **kwargs):
        return DeleteForm(expected=str(self.object), **kwargs)

    def arguments(self, form):
        return {"reason": form.cleaned_data["reason"]}

    def context(self):
        found = parts.counts(self.object)
        archives = procedure.find_archives(self.object)
        return {
            "blockers": procedure.blockers(self.object),
            "going": [(part, count) for part, count in found if part.goes],
            "staying": [(part, count) for part, count in found if not part.goes],
            "count_limit": parts.COUNT_LIMIT,
            "archives": archives,
            "came_since": procedure.came_since(self.object, archives[0]) if archives else [],
        }

    def done(self, job):
        return HttpResponseRedirect(job.get_absolute_url())


def or_closed(view):
    """The view of an organization; where it is gone, a page that says when, by whom, and what is kept of it."""

    @wraps(view)
    def answer(request, *args, **kwargs):
        try:
            return view(request, *args, **kwargs)
        except Http404:
            closing = procedure.closing_of(kwargs["pk"])
            if closing is None:
                raise
            context = {
                "page_title": closing.event.row_label,
                "closing": closing,
                "organization_id": kwargs["pk"],
                "archives": procedure.find_archives(kwargs["pk"])
                if request.user.has_perm(PERMISSION)
                else [],
            }
            return render(request, "tenants/organization_closed.html", context, status=410)

    return answer
