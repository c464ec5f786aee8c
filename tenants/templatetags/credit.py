"""How long a balance lasts, for heads of tenants and lists of them: a filter, since a template per row takes longer."""

from django import template
from django.utils.safestring import mark_safe

from backoffice.templatetags.ui import number

register = template.Library()

GONE = mark_safe('<span class="bad">no credit</span>')
NOTHING_SPENT = mark_safe('<span class="muted">nothing spent lately</span>')
LESS_THAN_A_DAY = mark_safe('<span class="bad">less than a day</span>')


@register.filter
def lasting(credit):
    """Of a tenants.health.Credit, in words: "12 days"."""
    if credit.is_gone:
        return GONE
    days = credit.days_left
    if days is None:
        return NOTHING_SPENT
    if days > 3650:
        return "over ten years"
    if days < 1:
        return LESS_THAN_A_DAY
    return f"{number(days, 1 if days < 10 else 0)} days"
