"""What can be done with every list: choose its columns, export it."""

from django.http import Http404, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import render
from django.views import View

from backoffice import jobs, saved_views
from backoffice.export import FORMATS, at_once, prepared
from backoffice.generic.lists import open_list
from backoffice.generic.memory import address_of, list_url


class ListPage(View):
    """A page beside one list, for whoever may see that. `self.list` is the list's page in the state of the address."""

    template = ""

    def setup(self, request, *args, **kwargs):
        super().setup(request, *args, **kwargs)
        self.list = None

    def dispatch(self, request, list_name, **kwargs):
        query = request.POST.get("query") if request.method == "POST" else request.GET.urlencode()
        self.list = open_list(list_name, request.user, query or "")
        self.list_name = list_name
        return super().dispatch(request, **kwargs)

    def list_url(self, query=None):
        return list_url(self.list_name, self.list.state() if query is None else query)

    def show(self, context, status=200):
        """As a page of its own, or as what a dialog on the list's page holds."""
        context = {
            "crumbs": [(self.list.page_title(), self.list_url())],
            "list_name": self.list_name,
            "query": self.list.state(),
            "cancel_url": self.list_url(),
            "in_dialog": bool(self.request.htmx),
            "fragment": self.template,
            **context,
        }
        template = "components/dialog_content.html" if self.request.htmx else "backoffice/beside_list.html"
        return render(self.request, template, context, status=status)


class ListColumns(ListPage):
    """Which columns of a list are shown, in what order; remembered for the reader."""

    template = "backoffice/list_columns.html"

    def get(self, request):
        shown = self.list.columns
        names = {column.name for column in shown}
        others = [column for column in self.list.offered.values() if column.name not in names]
        rows = [(column, number) for number, column in enumerate(shown)] + [(column, "") for column in others]
        context = {"page_title": "Columns", "first": rows[0][0], "columns": rows[1:], "query": self.query()}
        return self.show(context)

    def query(self, columns=None):
        """The state of the list with other columns, in the view that is open."""
        names = [column.name for column in self.list.columns] if columns is None else columns
        return address_of(self.list.state(), names, self.list.request.GET.get("view", ""))

    def post(self, request):
        if "reset" in request.POST:
            saved_views.remember_columns(request.user, self.list_name, None)
            return HttpResponseRedirect(self.list_url(self.query([])))
        names = [name for name in request.POST.getlist("column") if name in self.list.offered]
        names.sort(key=lambda name: position(request.POST.get(f"position_{name}", "")))
        first = next(iter(self.list.offered))
        columns = [first, *(name for name in names if name != first)]
        saved_views.remember_columns(request.user, self.list_name, columns)
        return HttpResponseRedirect(self.list_url(self.query(columns)))


class ListExport(ListPage):
    """Starts the job that writes a list into a file, as it is seen; `csv-at-once` is the file itself, as it is read."""

    http_method_names = ["post"]

    def post(self, request):
        kind = request.POST.get("format", "csv")
        if kind == "csv-at-once":
            return self.at_once(request)
        if kind not in FORMATS:
            raise Http404("There is no such format.")
        job = jobs.start(
            "export",
            title=self.export_title(kind),
            owner=request.user,
            list=self.list_name,
            query=self.list.state(),
            format=kind,
        )
        return HttpResponseRedirect(job.get_absolute_url())

    def export_title(self, kind):
        return f"Export of {self.list.model._meta.verbose_name_plural} ({FORMATS[kind]})"

    def at_once(self, request):
        """How many rows there are is not known before the last of them is sent: the log has what the list says."""
        export = prepared(self.list_name, self.list.state(), request.user, "csv")
        export.log(request.user, self.export_title("csv"), export.total)
        answer = StreamingHttpResponse(at_once(export, request.user), content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="{export.name("csv")}"'
        return answer


def position(text):
    """The number typed for a column; those without one come last, in the order of the form."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 10**6
