"""Lists: rows in pages by key; filters, order and columns are in the address, or as the reader left them."""

from functools import cached_property

from django.contrib import messages
from django.db import DataError
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponseRedirect, QueryDict
from django.urls import NoReverseMatch, resolve, reverse
from django.utils.http import urlencode
from django.utils.text import capfirst

from backoffice import keyset
from backoffice.addresses import fixed_address
from backoffice.filters import Query, chips, parameters_of
from backoffice.forms import PickerWidget
from backoffice.generic.memory import ALL, PLACES, Memory, address_of, remembered
from backoffice.generic.page import ModelPage
from backoffice.tables import chosen_columns, with_needs

PAGE_SIZE = 50
# With more columns than this, and than twice or thrice this, a page holds fewer rows: it is as light as the others.
MANY_COLUMNS = 12
# Rows of one bulk action at the most.
BULK_LIMIT = 10_000


class ListView(ModelPage):
    """Rows in pages, filtered and sorted by the address.

    `orders` is {name: Order}; the first is the default, read falling unless it says otherwise. `bulk` are the
    ActionViews that can be done with many rows at once. `not_exported` are columns that are neither offered nor
    written to a file. `nothing_yet` is what an empty list says. A page with `heavy_rows` holds fewer (half; a third for
    2); counting the rows that match stops at `count_limit`. `extra_context()` may name a template `above_rows`, which
    follows the filters, a `results_note` above the rows, and `all_columns` that the export menu offers.
    """

    action = "view"
    page = "list"
    replica = True
    queryset = None
    table_class = None
    filterset_class = None
    orders = {}
    bulk = ()
    title = ""
    not_exported = ()
    note = ""
    nothing_yet = ""
    heavy_rows = False
    count_limit = None

    def page_title(self):
        return self.title or capfirst(self.model._meta.verbose_name_plural)

    def get_queryset(self):
        """The rows of the list before filters. But for its conditions its SQL depends on the columns alone, not on the
        request: it is kept (kept.py).
        """
        return (self.queryset if self.queryset is not None else self.model._default_manager).all()

    @cached_property
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

    @cached_property
    def list_name(self):
        """The url name under which things are remembered; "" where the address has parameters."""
        match = self.request.resolver_match
        return match.view_name if match and not match.kwargs else ""

    @cached_property
    def memory(self):
        return remembered(self.request.user, self.list_name) if self.list_name else Memory()

    @cached_property
    def offered(self):
        return self.table_class.offered(self.not_exported)

    @cached_property
    def columns(self):
        """The columns shown: those of the address, else those the reader chose last, else the usual ones."""
        return self.choice[0]

    @cached_property
    def choice(self):
        """(columns, names in the address that the list does not have)."""
        named = [name for name in self.request.GET.get("columns", "").split(",") if name]
        found, unknown = chosen_columns(self.offered, named or self.memory.columns or ())
        if not named and not self.memory.columns:
            found = [column for column in self.offered.values() if column.shown]
        return found, unknown if named else []

    def ignored(self):
        """What the address names and the list does not have, in words: an old link or saved view still opens."""
        known = {"columns", "sort", "view", "_pick", *PLACES}
        for name, field in self.filterset.form.fields.items():
            known.update(parameters_of(name, field.widget))
        for name in self.request.GET:
            if name not in known:
                yield f"filter “{name}”"
        if (sort := self.request.GET.get("sort", "")) and sort.lstrip("-") not in self.orders:
            yield f"order “{sort}”"
        if (view := self.request.GET.get("view", ALL)) != ALL and not self.memory.view(view):
            yield f"view “{view}”"
        yield from (f"column “{name}”" for name in self.choice[1])

    def get(self, request):
        if not request.GET and self.memory.default:
            return HttpResponseRedirect(f"{request.path}?{self.memory.default.state}")
        queryset = self.filterset.qs
        wanted, order, falling = self.current_order()
        query = Query(request.GET)
        try:
            page = keyset.read_page(
                with_needs(queryset, self.columns),
                order.key,
                descending=falling,
                size=self.rows_per_page(),
                params=request.GET,
                by_index=order is next(iter(self.orders.values())),
                shape=(type(self), wanted.lstrip("-"), *((type(one), one.name) for one in self.columns)),
                counting=keyset.Counting(self.filterset.is_filtered, self.count_limit or keyset.COUNT_LIMIT),
            )
            if page.total is None:
                raise keyset.BadCursor("beyond the end")
        except (keyset.BadCursor, DataError):
            messages.warning(
                request, "That place in the list does not exist any more; this is its beginning."
            )
            rest = str(query.without(*PLACES))  # "?" alone is what some clients take for this very address
            return HttpResponseRedirect(rest if rest != "?" else request.path)
        table = self.table_class(self.columns)
        places = query.without(*PLACES)
        place = {
            side: str(places.with_(**dict([token.split("=", 1)]))) if token else ""
            for side, token in (("previous", page.previous), ("next", page.next))
        }
        context = {
            "page_title": self.page_title(),
            "filterset": self.filterset,
            **filter_fields(self.filterset),
            "chips": chips(self.filterset, query.without(*PLACES)),
            "ignored": list(self.ignored()),
            "table": table,
            "headers": table.headers(self.orders, wanted, query),
            "rows": page.rows,
            "row_context": self.row_context(page.rows),
            "total": page.total,
            "previous_url": place["previous"],
            "next_url": place["next"],
            "first_url": "" if page.is_first else str(places),
            "last_url": str(places.with_(last="1")) if place["next"] else "",
            "newer_label": order.label_before(falling),
            "older_label": order.label_after(falling),
            "reset_url": self.reset_url() if self.filterset.is_filtered else "",
            "add_url": self.url("add") if self.can("add") else "",
            "kept": self.kept(),
            "note": self.note,
            "nothing_yet": self.nothing_yet,
            **self.tools(),
            **self.extra_context(),
        }
        template = "backoffice/list_results.html" if wants_results(request.htmx) else ""
        return self.render(context, template=template)

    def rows_per_page(self):
        parts = 1 + self.heavy_rows + (len(self.columns) - 1) // MANY_COLUMNS
        return max(PAGE_SIZE // parts, 1)

    def reset_url(self):
        """The list without filters: order and columns stay, and no default view comes instead."""
        kept = {name: value for name, value in self.kept() if name != "view"}
        if self.memory.default:
            kept["view"] = ALL
        return f"{self.request.path}{Query().with_(**kept)}" if kept else self.request.path

    def kept(self):
        """[(name, value)] that the filter form carries on beside its fields."""
        names = ("sort", "columns", "view")
        kept = [(name, value) for name in names if (value := self.request.GET.get(name, ""))]
        if self.memory.default and "view" not in self.request.GET:
            kept.append(("view", ALL))
        return kept

    def state(self):
        """The list as it is seen, as a query string: filters, order and columns, each said."""
        return address_of(self.request.GET.urlencode(), [column.name for column in self.columns])

    def tools(self):
        """What stands above the table: views, columns."""
        if not self.list_name:
            return {}
        state = self.state()
        marker = self.request.GET.get("view", "")
        opened = self.memory.view(marker)
        if opened:
            opened.is_open = True
        return {
            "list_name": self.list_name,
            "views": self.memory.views,
            "open_view": opened,
            "view_changed": opened and opened.differs(state),
            "all_open": not opened and not self.filterset.is_filtered,
            "all_url": f"{self.request.path}?view={ALL}" if self.memory.default else self.request.path,
            "columns_url": f"{fixed_address('list_columns', self.list_name)}?{with_view(state, marker)}",
            "save_view_url": f"{fixed_address('view_add', self.list_name)}?{state}",
            "edit_view_url": f"{reverse('view_edit', args=[opened.id])}?{state}" if opened else "",
            "bulk_actions": (actions := self.bulk_actions()),
            "bulk_pages": (pages := self.bulk_pages()),
            "selectable": bool(actions or pages),
            "bulk_limit": BULK_LIMIT,
            "bulk_url": fixed_address("list_bulk", self.list_name),
            "export_url": fixed_address("list_export", self.list_name),
            "state": state,
            "shared_address": self.request.build_absolute_uri(f"{self.request.path}?{state}"),
        }

    def bulk_actions(self):
        """The actions on many rows that this person may do."""
        return [
            {"name": view.__name__, "label": view.label, "icon": view.icon}
            for view in self.bulk
            if view().may_open(self.request.user)
        ]

    def bulk_pages(self):
        """[{label, icon, url}] of pages about the checked rows; they get the ids as `row`, by POST."""
        return []

    def row_context(self, rows):
        """What the rows template needs beside the rows, read once for the page."""
        return {}

    def extra_context(self):
        return {}


def with_view(state, view):
    return f"{state}&{urlencode({'view': view})}" if view else state


def wants_results(htmx):
    """Whether htmx asks for the table alone: not when it goes back in history, which shows the whole page again."""
    return htmx and not htmx.boosted and not htmx.history_restore_request


def filter_fields(filterset):
    """The fields of a filter bar: pickers, which take room, and those that are rarely wanted stand apart."""
    fields = list(filterset.form)
    more = [
        field
        for field in fields
        if field.name in filterset.rare or isinstance(field.field.widget, PickerWidget)
    ]
    cleaned = getattr(filterset.form, "cleaned_data", {})
    return {
        "plain_filters": [field for field in fields if field not in more],
        "more_filters": more,
        "more_used": sum(cleaned.get(field.name) not in (None, "", []) for field in more),
        "more_open": any(field.errors or getattr(field.field.widget, "typed", "") for field in more),
    }


def open_list(name, user, query=""):
    """The page of a list, in a state, as `user` would see it, without a request of its own; not dispatched.

    Raises Http404 if there is no such list, PermissionDenied if it is not for this person.
    """
    try:
        path = reverse(name)
        match = resolve(path)
    except (NoReverseMatch, Http404):
        raise Http404("There is no such list.") from None
    view_class = getattr(match.func, "view_class", None)
    if view_class is None or not issubclass(view_class, ListView):
        raise Http404("There is no such list.")
    view = view_class(**match.func.view_initkwargs)
    view.require(user)
    request = HttpRequest()
    request.method, request.path, request.user, request.htmx = "GET", path, user, False
    request.GET, request.resolver_match = QueryDict(query), match
    view.setup(request)
    return view


class Order:
    """One order of a list: its key (an expression that is never NULL, with an index on it and the id)."""

    def __init__(self, key, *, rises_first=False, by_time=False):
        self.key = key
        self.rises_first = rises_first
        self.by_time = by_time

    def label_before(self, falling):
        """The button to the page before: where times rise, what is before is older."""
        if self.by_time:
            return "Newer" if falling else "Older"
        return "Previous"

    def label_after(self, falling):
        if self.by_time:
            return "Older" if falling else "Newer"
        return "Next"


def by_time(column="created_at"):
    return Order(keyset.newest(column), by_time=True)


def by_id():
    """Newest first where ids count up: the id itself is the key."""
    return Order(F("id"), by_time=True)
