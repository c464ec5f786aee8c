"""What a change did to one value: two short ones side by side, of long ones only what differs."""

from django import template
from django.utils.html import format_html

from backoffice.display import differences, is_long_pair
from backoffice.templatetags.ui import diff_value, scrolls

register = template.Library()


@register.simple_tag
def changed(old, new):
    """{% changed old new %}, inside a `.diff`."""
    if is_long_pair(old, new):
        return format_html('<div class="compared">{}</div>', differences(old, new))
    return format_html(
        '<del{}><span class="sr-only">from </span>{}</del> <ins{}><span class="sr-only">to </span>{}</ins>',
        scrolls(old),
        diff_value(old),
        scrolls(new),
        diff_value(new),
    )
