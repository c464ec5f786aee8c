"""How old the index of conversations is, for the page of data health."""

import datetime

from django.urls import reverse

from agents.models import IndexState
from backoffice.health.ages import Age
from backoffice.health.findings import BAD, WARN

MINUTES = datetime.timedelta(minutes=1)
HOURS = datetime.timedelta(hours=1)


def age_of_index():
    state = IndexState.objects.first() or IndexState()
    url = reverse("agents:conversation_list")
    note, level = "Lists and search of conversations.", ""
    if state.built_at is None:
        share = f"{state.done:,} of about {state.total:,} conversations" if state.total else "not begun"
        note, level = f"It is being built: {share}.", WARN if state.caught_up_at else BAD
    return [
        Age("Index of conversations, caught up", state.caught_up_at, note, url, 5 * MINUTES, HOURS, level),
        Age(
            "Index of conversations, compared with all rows",
            state.compared_at,
            "Finds what neither times nor triggers told.",
            url,
            warn_after=48 * HOURS,
        ),
    ]
