"""Telephone numbers on pages: readable, with what is stored on hover."""

from html import escape

from django import template
from django.utils.safestring import SafeString

from backoffice.templatetags.ui import missing
from backoffice.texts import short
from telephony.dialling import readable

register = template.Library()
LONGEST = 60  # of what is shown; carriers and hands write any text into these columns


@register.filter
def phone(value, text="not set"):
    """A stored number with spaces and what is stored as its title; "not set" for none.

    What is not E.164 is shown as it is, the beginning of it where it is long.
    """
    if value is None or value == "":
        return missing(value, text)
    value = short(str(value), LONGEST)
    shown = readable(value)
    if shown == value:
        return value
    return SafeString(f'<span class="phone" title="{escape(value)}">{escape(shown)}</span>')
