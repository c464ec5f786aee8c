"""Tables of staff pages: django-tables2 declares the columns, an explicit template renders the rows (7 times faster).

A table offers more columns than it shows: those that it declares, and every plain column of its model beside them.
Which are shown, and in what order, comes from the address or from what the reader chose last (`generic.ListView`).
"""

import copy
from functools import lru_cache

import django_tables2
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.utils.text import capfirst

from backoffice.display import cell_of


class Column(django_tables2.Column):
    """A column.

    `order` names an entry of the view's `orders` by which it sorts; `numeric` sets it to the right. `shown=False` only
    offers it. `accessor` is the path to its value (`owner__full_name`) where that is not the column's name; without a
    cell of its own in the template of the rows the value is shown by `display.cell_of`. `needs` are paths to what the
    cell reads beside the row itself. `export` is the path or expression that stands in an exported file, False for
    none; by itself it is the value, or the name of the related row.
    """

    def __init__(
        self, verbose_name=None, *, order="", numeric=False, shown=True, needs=(), export=None, **kwargs
    ):
        super().__init__(verbose_name=verbose_name, orderable=False, **kwargs)
        self.order = order
        self.numeric = numeric
        self.shown = shown
        self.needs = tuple(needs)
        self.export = export
        self.name = self.label = self.path = ""
        self.field = None

    def bind(self, name, model):
        """A copy that knows its name, heading, path and the model field at the end of it (None where there is none)."""
        bound = copy.copy(self)
        bound.name = name
        bound.label = str(self.verbose_name or capfirst(name.replace("_", " ")))
        bound.path = str(self.accessor or name).replace(".", "__")
        bound.field = field_at(model, bound.path)
        if not bound.needs and bound.field is not None and not self.shown:
            bound.needs = (bound.path,)
        return bound

    def cell(self, row):
        """What stands in a list where the template of the rows has no cell for the column; safe to print."""
        return cell_of(None if self.field is None else self.value(row), self.field)

    def value(self, row):
        """The row at the end of the path, or None where it breaks off."""
        for name in self.path.split("__")[:-1]:
            row = getattr(row, name, None)
        return row


def field_at(model, path):
    """The model field that a path such as `owner__full_name` leads to; None if it leads to none."""
    *relations, last = path.split("__")
    try:
        for name in relations:
            model = model._meta.get_field(name).related_model
        field = model._meta.get_field(last)
    except (FieldDoesNotExist, AttributeError):  # a property, or a relation that is none
        return None
    return field if field.concrete else None


class Table(django_tables2.Table):
    """`Meta.rows` is the template of the rows: a `{% rows %}` with a `{% cell "name" %}` for each column that wants one
    (templatetags/lists.py).
    """

    class Meta:
        rows = ""

    def __init__(self, shown=None):
        """`shown` are the columns to render, as `offered()` gives them; those shown by default without it.

        django-tables2 copies all columns for each table, to render it; here the template of the rows does.
        """
        if shown is None:
            shown = [column for column in self.offered().values() if column.shown]
        self.shown = shown

    @property
    def rows_template(self):
        return self.Meta.rows

    @classmethod
    def offered(cls, hidden=()):
        """{name: bound Column}: those declared, then every other plain column of the model but `hidden`."""
        return offered_columns(cls, tuple(hidden))

    def headers(self, orders, current, query):
        """[{label, numeric, sorted, url}] for the <thead>: `current` is the order in use, such as "-created"."""
        found = []
        query = query.without("after", "before", "last")
        for column in self.shown:
            header = {"label": column.label, "numeric": column.numeric, "sorted": "", "url": ""}
            if column.order in orders:
                order = column.order
                name = current.lstrip("-")
                falling = current.startswith("-")
                header["sorted"] = ("descending" if falling else "ascending") if name == order else ""
                target = order if name == order and falling else f"-{order}"
                if name != order:
                    target = order if orders[order].rises_first else f"-{order}"
                header["url"] = query.without("sort").with_(sort=target)
            found.append(header)
        return found


@lru_cache(maxsize=200)
def offered_columns(table, hidden):
    model = table.Meta.model
    found = {name: column.bind(name, model) for name, column in table.base_columns.items()}
    paths = {column.path for column in found.values()}
    for field in model._meta.concrete_fields:
        plain = not isinstance(field, models.ForeignKey | models.JSONField)
        if plain and field.name not in found and field.name not in paths and field.name not in hidden:
            numeric = isinstance(field, models.IntegerField | models.DecimalField) and not field.primary_key
            label = "ID" if field.primary_key else capfirst(field.verbose_name)
            column = Column(label, numeric=numeric, shown=False)
            found[field.name] = column.bind(field.name, model)
    return found


def chosen_columns(offered, names):
    """(columns, names that the list does not have): the first column, which links to the record, always stays first."""
    first = next(iter(offered))
    wanted = list(dict.fromkeys([first, *names]))
    return [offered[name] for name in wanted if name in offered], [n for n in wanted if n not in offered]


def with_needs(queryset, columns):
    """The queryset with what the columns need beyond what it loads anyway, in the same one query."""
    paths = {path for column in columns for path in column.needs}
    joins = {path.rpartition("__")[0] for path in paths if "__" in path}
    if joins:
        queryset = queryset.select_related(*joins)
    named, deferring = queryset.query.deferred_loading
    parts = {"__".join(path.split("__")[: n + 1]) for path in paths for n in range(path.count("__") + 1)}
    if named & parts and deferring:
        queryset = queryset.defer(None).defer(*(named - parts))
    elif named and not deferring:
        queryset = queryset.only(*named, *parts)
    return queryset
