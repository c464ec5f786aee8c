"""What waits about tenants, for the dashboard."""

from django.utils.http import urlencode

from backoffice.addresses import fixed_address
from backoffice.keyset import total
from backoffice.needs import Need
from tenants.models import AttentionItem, Erasure


def signs(user):
    """Signs of the queue: of tenants that are one's own, that one follows, and all of them for who works on them."""
    if not user.has_perm("tenants.view_attentionitem"):
        return []
    waiting = AttentionItem.objects.waiting()
    found = [
        Need(
            "Signs of tenants assigned to you",
            "user-check",
            count(waiting.assigned_to(user.pk)),
            queue_url(assigned="me"),
            "look at these first",
        ),
        Need(
            "Signs of tenants that you follow",
            "star",
            count(waiting.followed_by(user.pk)),
            queue_url(followed="me"),
        ),
    ]
    if user.has_perm("tenants.act_on_tenant"):
        found.append(Need("Needs attention", "bell-ring", count(waiting), queue_url(), "all signs that wait"))
    return found


def erasures(user):
    """People whose data is to be erased, and is not yet."""
    if not user.has_perm("tenants.erase_person"):
        return []
    return [
        Need(
            label,
            "user-x",
            count(Erasure.objects.filter(status=status)),
            f"{fixed_address('tenants:erasure_list')}?{urlencode({'status': status})}",
            note,
        )
        for status, label, note in (
            (Erasure.Status.REQUESTED, "Erasures asked for", "a search comes next"),
            (Erasure.Status.FOUND, "Erasures that were searched", "confirm what is to go"),
        )
    ]


def queue_url(**query):
    return f"{fixed_address('tenants:attentionitem_list')}{'?' if query else ''}{urlencode(query)}"


def count(queryset):
    return total(queryset, filtered=True).number
