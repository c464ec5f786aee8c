"""What is remembered about a list for one reader: columns, saved views, the default; one query for all of it."""

import json
from dataclasses import dataclass, field
from functools import cached_property

from django.http import QueryDict
from django.urls import reverse

from backoffice.replicas.choice import reading

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


# In SQL: each list asks this, and the ORM would take a millisecond to build it anew each time.
REMEMBERED = """
    select false as is_view, default_view_id, '', null, '', false, '', columns
    from backoffice_listchoice where user_id = %(user)s and list_name = %(list)s
    union all
    select true, seen.id, seen.name, seen.owner_id,
        coalesce(nullif(trim(concat(owner.first_name, ' ', owner.last_name)), ''), owner.email, ''),
        seen.shared, seen.query, seen.columns
    from backoffice_savedview seen left join backoffice_user owner on owner.id = seen.owner_id
    where (seen.owner_id = %(user)s or seen.shared) and seen.list_name = %(list)s
"""


def remembered(user, list_name):
    """The Memory of a reader for a list: own views and shared ones by name, own columns and default."""
    memory = Memory()
    default = None
    with reading().prepared_cursor() as cursor:
        cursor.execute(REMEMBERED, {"user": user.pk, "list": list_name})
        for is_view, pk, name, owner_id, owner_name, shared, query, columns in cursor:
            columns = None if columns is None else json.loads(columns)
            if is_view:
                mine = owner_id == user.pk
                memory.views.append(View(pk, name, owner_id, owner_name, shared, query, columns, mine))
            else:
                default, memory.columns = pk, columns
    memory.views.sort(key=lambda view: (not view.is_mine, view.name.casefold()))
    for view in memory.views:
        if view.id == default:
            view.is_default, memory.default = True, view
    return memory


def list_url(name, query=""):
    return reverse(name) + (f"?{query}" if query else "")
