"""A field's value on any page, with the pencil for those who may edit it."""

from django import template
from django.utils.formats import localize
from django.utils.html import format_html
from django.utils.safestring import mark_safe

from backoffice.display import present
from backoffice.generic import inline
from backoffice.templatetags.ui import icon

register = template.Library()

INLINE = (
    '<div class="inline"{0}><div class="inline__value">{1}</div><a class="pencil" href="{2}" title="Edit {3}"'
    ' hx-get="{2}" hx-target="closest .inline" hx-swap="outerHTML">{4}<span class="sr-only">Edit {3}</span></a></div>'
)
REFOCUS = mark_safe(" data-refocus")


@register.simple_tag
def inline_value(value, label, url, refocus=False):
    """A value with the pencil that edits it in place (generic/inline.py). `refocus`: it was just edited."""
    return format_html(INLINE, REFOCUS if refocus else "", localize(value), url, label, icon("pencil", 14))


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
