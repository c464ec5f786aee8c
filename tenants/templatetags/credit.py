"""How long a balance lasts and what is spent, for heads of tenants and lists of them: filters, since a template per row
takes longer.
"""

from django import template
from django.utils.html import format_html
from django.utils.safestring import mark_safe

from backoffice.addresses import fixed_address, row_address
from backoffice.templatetags.ui import money, number

register = template.Library()

GONE = mark_safe('<span class="bad">no credit</span>')
NOTHING_SPENT = mark_safe('<span class="muted">nothing spent lately</span>')
NOTHING = mark_safe('<span class="muted">nothing</span>')
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


@register.filter
def spent_a_day(credit, since):
    """What a tenant spends a day, of a tenants.health.Credit, with the way to the rows; `since` is the first day that
    was looked at.
    """
    if not credit.spent:
        return NOTHING
    days, per_day = number(credit.days, 1), money(credit.per_day)
    if credit.deducted >= credit.cost:
        postings = fixed_address("billing:credittransaction_list")
        return format_html(
            '<a href="{}?organization={}&amp;kind=settlement&amp;kind=outside&amp;direction=out&amp;since={}" '
            'title="{} deducted in {} days">{}</a>',
            postings, credit.organization_id, since.isoformat(), money(credit.deducted), days, per_day,
        )  # fmt: skip
    return format_html(
        '<a href="{}" title="{} recorded on usage and calls in {} days">{}</a>',
        row_address("tenants:organization_usage", credit.organization_id),
        money(credit.cost, 4),
        days,
        per_day,
    )
