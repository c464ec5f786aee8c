from django.core.exceptions import PermissionDenied
from django.http import HttpResponseRedirect
from django.urls import reverse

from agents.conversations import turn_export
from agents.models import Conversation
from backoffice import generic, keyset
from backoffice.export import FORMATS
from backoffice.filters import Query, chips
from backoffice.generic.lists import open_list
from backoffice.generic.memory import PLACES

USUAL = {"conversation", "organization", "agent", "channel", "number", "at", "role", "text"}


class TurnExport(generic.ModelPage):
    """Asks for the columns of a file with one row per message, of the conversations that a list shows."""

    model = Conversation
    permission = turn_export.PERMISSION
    page = "turn_export"

    def deed(self):
        return "export what was said"

    def setup(self, request, *args, **kwargs):
        super().setup(request, *args, **kwargs)
        self.query = request.POST.get("query", "") if request.method == "POST" else request.GET.urlencode()

    def get(self, request):
        return self.show(USUAL)

    def post(self, request):
        columns = [
            column.name for column in turn_export.COLUMNS if column.name in request.POST.getlist("column")
        ]
        kind = request.POST.get("format")
        if not columns or kind not in FORMATS:
            problem = "Choose at least one column." if not columns else "Choose CSV or Excel."
            return self.show(set(columns), problem=problem, status=422)
        job = turn_export.start(self.query, columns, kind, actor=request.user)
        return HttpResponseRedirect(job.get_absolute_url())

    def show(self, chosen, problem="", status=200):
        page = open_list(turn_export.LIST, self.request.user, self.query)
        if page.filterset.form.errors:
            raise PermissionDenied(
                "A filter of the list could not be read, so more would be exported than was meant."
            )
        query = Query(page.request.GET).without("columns", "view", *PLACES)
        context = {
            "page_title": "Export the messages of these conversations",
            "crumbs": [*self.crumbs()],
            "columns": [(column, column.name in chosen) for column in turn_export.COLUMNS],
            "chips": chips(page.filterset, query),
            "total": keyset.total(page.filterset.qs, filtered=page.filterset.is_filtered),
            "query": str(query).removeprefix("?"),
            "problem": problem,
            "cancel_url": f"{reverse(turn_export.LIST)}{query}",
        }
        return self.render(context, status=status)
