"""Telephone numbers on pages: readable, with what is stored on hover."""

from django import template
from django.utils.html import format_html

from backoffice.templatetags.ui import missing
from telephony.dialling import readable

register = template.Library()


@register.filter
def phone(value, text="not set"):
    """A stored number with spaces and what is stored as its title; what is not E.164 as it is; "not set" for none."""
    if value is None or value == "":
        return missing(value, text)
    shown = readable(str(value))
    if shown == value:
        return value
    return format_html('<span class="phone" title="{}">{}</span>', value, shown)
