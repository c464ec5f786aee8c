"""The HTML of the first changes of an entry of the audit, short.

Python and not a template: a list has fifty of them with four fields each.
"""

from html import escape

from django.utils.safestring import mark_safe

from backoffice.templatetags.ui import missing

REPLACED = '<span class="missing">a secret, replaced</span>'


def brief_html(action, changes, more):
    """`changes` and `more` are what audit_values.brief_changes() gives. What was made or deleted has a number only."""
    if action != "update":
        count = len(changes) + more
        words = f"{count} value{'' if count == 1 else 's'}" if count else ""
        return mark_safe(f'<span class="muted">{words}</span>')  # a number
    rest = f'<li class="muted">and {more} more</li>' if more else ""
    # Escaped piece by piece.
    return mark_safe(f'<ul class="brief">{"".join([change_html(*change) for change in changes])}{rest}</ul>')


def change_html(label, old, new):
    if new == "[secret, changed]":
        both = REPLACED
    else:
        both = (
            f'<del><span class="sr-only">from </span>{side(old)}</del>'
            f' <ins><span class="sr-only">to </span>{side(new)}</ins>'
        )
    return f'<li><span class="brief__field">{escape(label)}</span> {both}</li>'


def side(text):
    return escape(text) if text else missing(text)
