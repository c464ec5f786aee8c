"""What waits about agents and conversations, for the dashboard."""

from django.db.models import Exists, OuterRef

from agents.models import Sample, SampleItem
from backoffice.addresses import fixed_address
from backoffice.figures.periods import agents_in_use
from backoffice.keyset import total
from backoffice.needs import Need


def reviews(user):
    """Samples with conversations that nobody reviewed yet."""
    if not user.has_perm("agents.review_conversation"):
        return []
    waiting = SampleItem.objects.filter(sample=OuterRef("pk"), reviewed_at=None)
    open_ones = Sample.objects.filter(Exists(waiting))
    url = f"{fixed_address('agents:sample_list')}?state=open"
    return [
        Need(
            "Samples to review",
            "clipboard-check",
            total(open_ones, filtered=True).number,
            url,
            "with conversations left",
            "info",
        )
    ]


def use(user):
    """Agents that nobody talks to, and drafts that many do, as the figures last counted them; managers follow both."""
    if not user.has_perm("agents.view_agent") or not user.has_perm("agents.review_conversation"):
        return []
    counts = agents_in_use()
    url = fixed_address("agents:agent_list")
    return [
        Need(
            "Dead agents",
            "bot-off",
            counts.get("dead", 0),
            f"{url}?use=dead",
            "published, and no conversation for 30 days",
            "info",
        ),
        Need(
            "Busy drafts",
            "file-pen",
            counts.get("drafts", 0),
            f"{url}?use=draft",
            "never published, with conversations in 30 days",
        ),
    ]
