"""The fields of forms, each with its label, help and errors."""

from django import template
from django.utils.safestring import mark_safe

from backoffice import filters, widgets

register = template.Library()


@register.simple_tag
def field(bound, css="", plain=False):
    """A BoundField; `css` is a class for what is around it, `plain` says nothing of being optional."""
    return mark_safe(widgets.whole_field(bound, css, plain))


@register.simple_tag
def filter_field(bound, css=""):
    """A BoundField of a FilterSet's form."""
    return mark_safe(filters.field_html(bound, css))


@register.simple_tag
def field_notes(bound):
    """Only its errors and help, for what is shown in another way."""
    return mark_safe(widgets.notes(bound, bound.errors))
