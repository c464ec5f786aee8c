"""One row: its fields, what belongs to it, its history, and what can be done with it."""

from django.db import connection
from django.utils.functional import cached_property

from backoffice.addresses import fixed_address, row_address
from backoffice.audit import history, history_url, readings
from backoffice.display import present
from backoffice.generic import inline
from backoffice.generic.page import ObjectPage
from backoffice.keyset import COUNT_LIMIT

MOST_RELATED = COUNT_LIMIT // 10


class DetailView(ObjectPage):
    """One row. `fields` are names of fields or of methods of the view (`show_<name>`), or (heading, [names]) groups.

    `related` is [(label, url name of a list, parameter, relation)]: links to lists narrowed to this row, with how many
    rows they have (counting stops at 1,000). `without` are fields that groups() leaves out.
    """

    action = "view"
    page = "detail"
    fields = []
    related = []
    has_history = True
    has_readings = False
    has_inline = True
    editable = frozenset()
    without = frozenset()

    def get(self, request, pk):
        obj = self.object
        self.editable = inline.editable_fields(obj, request.user) if self.has_inline else frozenset()
        context = {
            "page_title": str(obj),
            "object": obj,
            "crumbs": self.crumbs(),
            "groups": self.groups(),
            "related": self.related_links(),
            "events": self.events() if self.has_history else None,
            "history_url": self.history_url() if self.has_history else "",
            "readings": readings(obj) if self.has_readings else None,
            "edit_url": self.url("edit", obj) if self.may_edit() else "",
            "delete_url": self.url("delete", obj) if self.can("delete") else "",
            "actions": list(self.get_actions()),
            "warnings": list(self.warnings()),
            "refreshes": bool(self.editable),
            **self.extra_context(),
        }
        return self.render(context)

    def events(self):
        """The history, as components/history.html takes it."""
        return history(self.object, user=self.request.user)

    def history_url(self):
        """The page of all of it, for the newest are shown only."""
        return self.url("history", self.object) or history_url(self.object)

    def may_edit(self):
        return self.can("change")

    def get_actions(self):
        """{label, icon, url} of each button."""
        for name, view in self.actions():
            if self.request.user.has_perm(view.required_permission()) and view.applies_to(self.object):
                yield {"label": view.label, "icon": view.icon, "url": row_address(name, self.object.pk)}

    def actions(self):
        """[(url name, ActionView subclass)] offered on this page."""
        return []

    def warnings(self):
        """Sentences about what is odd with this row."""
        return []

    def extra_context(self):
        return {}

    def groups(self):
        fields = self.fields if self.fields and isinstance(self.fields[0], tuple) else [("", self.fields)]
        return [{"heading": heading, "items": self.items(names)} for heading, names in fields]

    @cached_property
    def here(self):
        return self.request.get_full_path()

    def items(self, names):
        return [self.item(name) for name in names if name not in self.without]

    def item(self, name):
        if show := getattr(self, f"show_{name}", None):
            label, value = show(self.object)
            return {"name": name, "label": label, "value": value}
        item = present(self.object, name, self.request.user)
        if name in self.editable:
            item["edit_url"] = inline.edit_url(self.object, name, self.here)
        return item

    def related_links(self):
        counts = counted([getattr(self.object, relation) for *_, relation in self.related])
        return [
            {"label": label, "url": f"{fixed_address(url_name)}?{parameter}={self.object.pk}", "count": count}
            for (label, url_name, parameter, _), count in zip(self.related, counts, strict=True)
        ]


def counted(managers):
    """How many rows there are of each of the reverse relations, in one query; counting stops at MOST_RELATED."""
    name = connection.ops.quote_name
    parts = [
        f"(select count(*) from (select from {name(each.model._meta.db_table)}"
        f" where {name(each.field.column)} = %s limit {MOST_RELATED + 1}) counted)"
        for each in managers
    ]
    if not parts:
        return []
    with connection.prepared_cursor() as cursor:
        cursor.execute(f"select {', '.join(parts)}", [each.instance.pk for each in managers])
        return cursor.fetchone()
