"""Lists: rows in pages by key, filtered and sorted by the address."""

from django.contrib import messages
from django.db import DataError
from django.db.models import F
from django.http import HttpResponseRedirect
from django.utils.text import capfirst

from backoffice import keyset
from backoffice.filters import Query
from backoffice.forms import PickerWidget
from backoffice.generic.page import ModelPage

PAGE_SIZE = 50


class ListView(ModelPage):
    """Rows in pages, filtered and sorted by the address.

    `orders` is {name: Order}; the first is the default, read falling unless it says otherwise.
    """

    action = "view"
    page = "list"
    queryset = None
    table_class = None
    filterset_class = None
    orders = {}
    title = ""
    not_exported = ()
    note = ""

    def get_queryset(self):
        return (self.queryset if self.queryset is not None else self.model._default_manager).all()

    def filterset(self):
        return self.filterset_class(self.request.GET, queryset=self.get_queryset(), request=self.request)

    def current_order(self):
        """(name as in the address, Order, falling?); an order that does not exist counts as the default."""
        wanted = self.request.GET.get("sort", "")
        default = next(iter(self.orders))
        name = wanted.lstrip("-")
        if name not in self.orders:
            name, wanted = default, default if self.orders[default].rises_first else f"-{default}"
        return wanted, self.orders[name], wanted.startswith("-")

    def get(self, request):
        filterset = self.filterset()
        queryset = filterset.qs
        wanted, order, falling = self.current_order()
        query = Query(request.GET)
        try:
            page = keyset.read_page(
                queryset, order.key, descending=falling, size=PAGE_SIZE, params=request.GET
            )
        except (keyset.BadCursor, DataError):
            messages.warning(
                request, "That place in the list does not exist any more; this is its beginning."
            )
            return HttpResponseRedirect(str(query.without("after", "before", "last")) or request.path)
        table = self.table_class(page.rows)
        places = query.without("after", "before", "last")
        place = {
            side: str(places.with_(**dict([token.split("=", 1)]))) if token else ""
            for side, token in (("previous", page.previous), ("next", page.next))
        }
        context = {
            "page_title": self.title or capfirst(self.model._meta.verbose_name_plural),
            "filterset": filterset,
            **filter_fields(filterset, query),
            "table": table,
            "headers": table.headers(self.orders, wanted, query),
            "rows": page.rows,
            "row_context": self.row_context(page.rows),
            "total": keyset.total(queryset, filtered=filterset.is_filtered),
            "previous_url": place["previous"],
            "next_url": place["next"],
            "first_url": "" if page.is_first else str(places),
            "last_url": str(places.with_(last="1")) if place["next"] else "",
            "newer_label": order.before_label if falling else order.after_label,
            "older_label": order.after_label if falling else order.before_label,
            "reset_url": request.path if filterset.is_filtered else "",
            "add_url": self.url("add") if self.can("add") else "",
            "export_url": self.url("export"),
            "query": request.GET.urlencode(),
            "sort": request.GET.get("sort", ""),
            "note": self.note,
            **self.extra_context(),
        }
        template = "backoffice/list_results.html" if wants_results(request.htmx) else ""
        return self.render(context, template=template)

    def row_context(self, rows):
        """What the rows template needs beside the rows, read once for the page."""
        return {}

    def extra_context(self):
        return {}


def wants_results(htmx):
    """Whether htmx asks for the table alone: not when it goes back in history, which shows the whole page again."""
    return htmx and not htmx.boosted and not htmx.history_restore_request


def filter_fields(filterset, query):
    """The fields of a filter bar: pickers, which take room, stand apart; what is chosen there shows as chips."""
    fields = list(filterset.form)
    pickers = [field for field in fields if isinstance(field.field.widget, PickerWidget)]
    return {
        "plain_filters": [field for field in fields if field not in pickers],
        "picker_filters": pickers,
        "chips": [
            {"text": f"{field.label}: {row}", "url": query.without(field.name, "after", "before", "last")}
            for field in pickers
            if (row := getattr(filterset.form, "cleaned_data", {}).get(field.name))
        ],
        "pickers_open": any(field.errors or field.field.widget.typed for field in pickers),
    }


class Order:
    """One order of a list: its key (an expression that is never NULL, with an index on it and the id)."""

    def __init__(self, key, *, rises_first=False, by_time=False):
        self.key = key
        self.rises_first = rises_first
        self.before_label, self.after_label = ("Newer", "Older") if by_time else ("Previous", "Next")


def by_time(column="created_at"):
    return Order(keyset.newest(column), by_time=True)


def by_id():
    """Newest first where ids count up: the id itself is the key."""
    return Order(F("id"), by_time=True)
