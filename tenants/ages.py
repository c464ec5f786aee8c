"""How old the queue of what needs attention is, for the page of data health."""

import datetime

from django.urls import reverse

from backoffice.health.ages import Age
from tenants.models import SignLookup


def age_of_attention():
    looked = SignLookup.objects.first()
    note = f"{looked.signs:,} signs, looked up in {looked.seconds:.1f} s." if looked else "Never looked up."
    return [
        Age(
            "Needs attention",
            looked.at if looked else None,
            note,
            reverse("tenants:attentionitem_list"),
            warn_after=datetime.timedelta(minutes=30),
            bad_after=datetime.timedelta(hours=6),
        )
    ]
