"""How old the last look for conflicts is, for the page of data health."""

import datetime

from django.urls import reverse

from backoffice.health.ages import Age
from telephony.conflicts.looking import state


def age_of_conflicts():
    looked = state()
    note = "Never looked."
    if looked:
        note = f"Looked over everything in {looked.seconds:.1f} s; it follows what changes."
    return [
        Age(
            "Conflicts of numbers and trunks",
            looked.at if looked else None,
            note,
            reverse("telephony:conflict_list"),
            warn_after=datetime.timedelta(minutes=30),
            bad_after=datetime.timedelta(hours=6),
        )
    ]
