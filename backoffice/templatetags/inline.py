"""A field's value on any page, with the pencil for those who may edit it."""

from html import escape

from django import template
from django.utils.formats import localize
from django.utils.html import conditional_escape
from django.utils.safestring import mark_safe

from backoffice.display import present
from backoffice.generic import inline
from backoffice.templatetags.ui import icon

register = template.Library()

REFOCUS = " data-refocus"


@register.simple_tag
def inline_value(value, label, url, refocus=False):
    """A value with the pencil that edits it in place (generic/inline.py). `refocus`: it was just edited."""
    url, label = escape(url), escape(str(label))
    return mark_safe(  # each piece is escaped; an agent's page has forty of them
        f'<div class="inline"{REFOCUS if refocus else ""}><div class="inline__value">'
        f'{conditional_escape(localize(value))}</div><a class="pencil" href="{url}" title="Edit {label}"'
        f' hx-get="{url}" hx-target="closest .inline" hx-swap="outerHTML">{icon("pencil", 14)}'
        f'<span class="sr-only">Edit {label}</span></a></div>'
    )


@register.filter
def editable_value(item):
    """The value of a record's item {label, value, edit_url}, with its pencil where it has one."""
    url = item.get("edit_url")
    return inline_value(item["value"], item["label"], url) if url else item["value"]


@register.simple_tag(takes_context=True)
def editable(context, obj, name):
    """{% editable owner "full_name" %}: as on the record's own page. The row must have all its columns loaded."""
    request = context["request"]
    if not hasattr(obj, "_editable_fields"):
        obj._editable_fields = inline.editable_fields(obj, request.user)
    url = inline.edit_url(obj, name, request.get_full_path()) if name in obj._editable_fields else ""
    return editable_value(present(obj, name, request.user) | {"edit_url": url})
