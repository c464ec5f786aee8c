"""The rows of a list: each column's cell is compiled once, and those that the reader chose are rendered in their order.

    {% load ui lists %}{% rows %}
    {% cell "name" %}<a class="row-link" href="{{ row.get_absolute_url }}">{{ row }}</a>{% endcell %}
    {% cell "balance" %}{{ row.credits_balance|money }}{% endcell %}
    {% endrows %}

What stands in a cell is what stands inside its <td>; the tag itself, with heading and alignment, comes from the
column. A column without a cell here shows its value by itself (`Column.cell`). Context: rows, table (a
backoffice.tables.Table) and selectable (whether rows can be selected for a bulk action); without a table, all cells in
their order.
"""

import html
from functools import lru_cache

from django import template
from django.utils.html import conditional_escape
from django.utils.safestring import mark_safe

from backoffice.generic import walk
from backoffice.quick_nodes import quick

register = template.Library()


class RowsNode(template.Node):
    def __init__(self, cells):
        self.cells = cells

    def render(self, context):
        selectable = context.get("selectable")
        cells = list(self.chosen(context.get("table")))
        parts = []
        with context.push():
            for row in context["rows"]:
                context["row"] = row
                parts.append("<tr>")
                if selectable:
                    name = html.escape(f"Select {row}")
                    parts.append(
                        f'<td><input type="checkbox" form="bulk" name="row" value="{row.pk}" data-check'
                        f' aria-label="{name}"></td>'
                    )
                for start, content in cells:
                    parts.append(start)
                    parts.append(content(context))
                    parts.append("</td>")
                parts.append("</tr>\n")
        # Pieces of templates, which escape what they show, and the name escaped above; the id is the row's own key.
        return mark_safe("".join(parts))

    def chosen(self, table):
        """(start of the <td>, function that gives what is inside) of each column."""
        if table is None:
            for name, content in self.cells.items():
                yield opening(name.replace("_", " ").capitalize(), False), content
            return
        for column in table.shown:
            content = self.cells.get(column.name)
            yield opening(column.label, column.numeric), content or plain(column)


@lru_cache(maxsize=1000)
def opening(label, numeric):
    return f'<td data-label="{html.escape(label)}"{" class=num" if numeric else ""}>'


def plain(column):
    def content(context):
        return conditional_escape(column.cell(context["row"]))

    return content


@register.inclusion_tag("components/walk.html", takes_context=True)
def record_walk(context, obj):
    """Links to the neighbours of a record in the list that it was opened from."""
    return {"walk": walk.walk(context["request"], obj)}


@register.tag
def rows(parser, token):
    cells = {}
    while True:
        parser.parse(
            ("cell", "endrows")
        )  # what stands between the cells is only for people who read the template
        inner = parser.next_token()
        if inner.contents == "endrows":
            return RowsNode(cells)
        _, name = inner.split_contents()
        cells[name.strip("\"'")] = quick(parser.parse(("endcell",)))
        parser.delete_first_token()
