"""How settlement shows on the pages of what it settles."""

from django.urls import reverse
from django.utils.html import format_html, format_html_join

from backoffice.templatetags import ui
from billing.models import SettledRow


def settlements_of(source, row):
    """Links to the settlements that contain a usage record or call, with what each took; "not settled" for none."""
    found = SettledRow.objects.filter(source=source, row_id=row.pk).select_related("settlement")
    return format_html_join(
        ", ",
        '<a href="{}">settlement of {}</a> ({} USD{})',
        (
            (
                part.settlement.get_absolute_url(),
                part.settlement.day,
                ui.cost(part.cost),
                ", estimated" if part.is_estimated else "",
            )
            for part in found.order_by("settlement_id")
        ),
    ) or ui.missing("", "not settled")


def settlement_of(posting):
    """Link from a posting to its settlement."""
    settlement = getattr(posting, "settlement", None)
    if settlement is None:
        return ui.missing("", "none")
    url = reverse("billing:settlement_detail", args=[settlement.pk])
    return format_html('<a href="{}">settlement of {}</a>', url, settlement.day)
