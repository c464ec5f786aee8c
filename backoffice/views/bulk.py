"""Bulk actions: which rows and what, the confirmation in numbers, and what became of each row."""

import csv

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views import View

from backoffice import bulk, fresh, services
from backoffice.generic.lists import PAGE_SIZE, open_list
from backoffice.generic.memory import list_url
from backoffice.models import BulkRun
from backoffice.spreadsheets import guarded
from backoffice.views.jobs import visible_jobs
from backoffice.views.lists import ListPage

# Up to so many rows are looked at one by one before the question is asked.
LOOKED_AT = PAGE_SIZE


class BulkPrepare(ListPage):
    """Fixes the rows that were checked, or all that match, and leads to the confirmation."""

    http_method_names = ["post"]

    def post(self, request):
        action = bulk.action_of(self.list, request.POST.get("action", ""), request.user)
        if "all" in request.POST and self.list.filterset.form.errors:
            messages.error(request, "A filter could not be read, so “all” would be more than was meant.")
            return HttpResponseRedirect(self.list_url())
        if "all" in request.POST:
            ids, _ = bulk.matching_ids(self.list)
        else:
            ids = self.checked(action)
        if not ids:
            messages.warning(request, "No row was checked.")
            return HttpResponseRedirect(self.list_url())
        run = bulk.prepare(self.list, self.list_name, action, ids, request.user)
        return HttpResponseRedirect(run.get_absolute_url())

    def checked(self, action):
        """Ids of the checked rows that exist, each once."""
        key = action.model._meta.pk
        ids = []
        for text in dict.fromkeys(self.request.POST.getlist("row")):
            try:
                ids.append(key.to_python(text))
            except ValidationError:
                continue
        return [
            str(pk)
            for pk in action.model._default_manager.filter(pk__in=ids[: bulk.LIMIT]).values_list(
                "pk", flat=True
            )
        ]


class BulkConfirm(View):
    """What will be done with how many rows, and the form of the action. Confirming twice starts it once."""

    def dispatch(self, request, pk):
        self.run = get_object_or_404(BulkRun.objects.select_related("job"), pk=pk, owner=request.user)
        self.list = open_list(self.run.list_name, request.user, self.run.query)
        self.action = bulk.action_of(self.list, self.run.action, request.user)
        if self.action.bulk_page:
            return HttpResponseRedirect(f"{reverse(self.action.bulk_page)}?run={self.run.pk}")
        if self.action.asks_fresh and (asked := fresh.ask(request, self.action.required_permission())):
            return asked
        return super().dispatch(request)

    def get(self, request):
        if self.run.job:
            return HttpResponseRedirect(self.run.job.get_absolute_url())
        return self.show(self.action.form_class())

    def post(self, request):
        form = self.action.form_class(data=request.POST)
        if self.run.job is None and not form.is_valid():
            return self.show(form, status=422)
        return HttpResponseRedirect(bulk.confirm(self.run, self.action, request.POST).get_absolute_url())

    def show(self, form, status=200):
        context = {
            "page_title": bulk.title_of(self.run, self.action),
            "crumbs": [(self.list.page_title(), list_url(self.run.list_name, self.run.query))],
            "form": form,
            "action": self.action,
            "run": self.run,
            "is_cut": len(self.run.row_ids) == bulk.LIMIT,
            "limit": bulk.LIMIT,
            "cancel_url": list_url(self.run.list_name, self.run.query),
            **self.looked_at(),
        }
        return render(self.request, "backoffice/bulk_confirm.html", context, status=status)

    def looked_at(self):
        """For few rows: which of them the action applies to."""
        if len(self.run.row_ids) > LOOKED_AT:
            return {}
        queryset = (
            self.list.get_queryset()
            if self.action.model is self.list.model
            else self.action.model.objects.all()
        )
        rows = list(queryset.filter(pk__in=self.run.row_ids))
        applies = [row for row in rows if self.action.applies_to(row)]
        return {
            "rows": applies[:10],
            "applies": len(applies),
            "more": len(applies) - 10,
            "skipped": len(rows) - len(applies),
        }


class BulkOutcome(View):
    """What became of every row, as CSV."""

    def get(self, request, pk):
        job = get_object_or_404(visible_jobs(request.user), pk=pk, bulk_run__isnull=False)
        services.log_read("export", job, actor=request.user, detail=f"What became of each row: {job.title}")
        writer = csv.writer(Line())
        rows = job.bulk_run.results.values_list("outcome", "row_id", "label", "message").iterator(
            chunk_size=1000
        )
        lines = (writer.writerow([guarded(text) for text in row]) for row in rows)
        head = writer.writerow(["outcome", "id", "record", "why"])
        answer = StreamingHttpResponse(streaming(head, lines), content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = 'attachment; filename="outcome.csv"'
        return answer


class Line:
    """What csv.writer writes to: gives each line back."""

    def write(self, text):
        return text


def streaming(head, lines):
    yield head
    yield from lines
