"""Tables of staff pages: django-tables2 for columns and headers, an explicit template for the rows (7 times faster)."""

import django_tables2


class Column(django_tables2.Column):
    """A column. `order` names an entry of the view's `orders` by which it sorts; `numeric` sets it to the right."""

    def __init__(self, verbose_name=None, *, order="", numeric=False, **kwargs):
        super().__init__(verbose_name=verbose_name, orderable=False, **kwargs)
        self.order = order
        self.numeric = numeric


class Table(django_tables2.Table):
    """`Meta.rows` is the template of the rows: one <tr> with one <td> per column for each of `rows`."""

    class Meta:
        rows = ""
        empty_text = ""

    @property
    def rows_template(self):
        return self.Meta.rows

    def headers(self, orders, current, query):
        """[{label, numeric, sorted, url}] for the <thead>: `current` is the order in use, such as "-created"."""
        found = []
        for bound in self.columns.iterall():
            column = bound.column
            order = getattr(column, "order", "")
            header = {
                "label": bound.header,
                "numeric": getattr(column, "numeric", False),
                "sorted": "",
                "url": "",
            }
            if order in orders:
                name = current.lstrip("-")
                falling = current.startswith("-")
                header["sorted"] = ("descending" if falling else "ascending") if name == order else ""
                target = order if name == order and falling else f"-{order}"
                if name != order:
                    target = order if orders[order].rises_first else f"-{order}"
                header["url"] = query.without("after", "before", "last", "sort").with_(sort=target)
            found.append(header)
        return found
