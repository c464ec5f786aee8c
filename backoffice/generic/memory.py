"""What is remembered about a list for one reader: columns, saved views, the default; one query for all of it."""

from dataclasses import dataclass, field
from functools import cached_property

from django.db.models import BigIntegerField, BooleanField, F, IntegerField, Q, TextField, Value
from django.db.models.functions import Coalesce, Concat, NullIf, Trim
from django.http import QueryDict
from django.urls import reverse

from backoffice.models import ListChoice, SavedView

# Parameters that say which part of the list is seen, not what the list is.
PLACES = ("after", "before", "last")
ALL = "all"


@dataclass
class View:
    """A saved view as its list's page shows it."""

    id: object
    name: str
    owner_id: int | None
    owner: str
    shared: bool
    query: str
    columns: list
    is_mine: bool
    is_default: bool = False
    is_open: bool = False

    @cached_property
    def state(self):
        """The view as parameters of an address."""
        return address_of(self.query, self.columns, self.id)

    def differs(self, state):
        """Whether a list in that state shows something else than the view."""
        mine = QueryDict(address_of(self.query, self.columns))
        return sorted(mine.lists()) != sorted(QueryDict(state).lists())


def address_of(query, columns, view=""):
    """The query string of a list in a state: explicit, so that whoever gets the address sees the same."""
    params = QueryDict(query, mutable=True)
    for name in ("columns", "view", *PLACES):
        params.pop(name, None)
    if columns:
        params["columns"] = ",".join(columns)
    if view:
        params["view"] = str(view)
    return params.urlencode(safe=",")


@dataclass
class Memory:
    columns: list | None = None
    default: View | None = None
    views: list = field(default_factory=list)

    def view(self, pk):
        return next((view for view in self.views if str(view.id) == pk), None)


def remembered(user, list_name):
    """The Memory of a reader for a list: own views and shared ones by name, own columns and default."""
    text = TextField()
    full_name = Trim(Concat("owner__first_name", Value(" "), "owner__last_name", output_field=text))
    owner = Coalesce(NullIf(full_name, Value("")), "owner__email", Value(""), output_field=text)
    views = (
        SavedView.objects.filter(Q(owner=user) | Q(shared=True), list_name=list_name)
        .order_by()
        .values_list(
            Value(1, IntegerField()), "id", "name", F("owner_id"), owner, "shared", "query", "columns"
        )
    )  # fmt: skip
    nothing = Value("", text)
    choice = (
        ListChoice.objects.filter(user=user, list_name=list_name)
        .order_by()
        .values_list(
            Value(0, IntegerField()), "default_view_id", nothing, Value(None, BigIntegerField()), nothing,
            Value(False, BooleanField()), nothing, "columns",
        )
    )  # fmt: skip
    memory = Memory()
    default = None
    for kind, pk, name, owner_id, owner_name, shared, query, columns in choice.union(views, all=True):
        if kind == 0:
            default, memory.columns = pk, columns
        else:
            mine = owner_id == user.pk
            memory.views.append(View(pk, name, owner_id, owner_name, shared, query, columns, mine))
    memory.views.sort(key=lambda view: (not view.is_mine, view.name.casefold()))
    for view in memory.views:
        if view.id == default:
            view.is_default, memory.default = True, view
    return memory


def list_url(name, query=""):
    return reverse(name) + (f"?{query}" if query else "")
