"""Conflicts for the dashboard: one Need per rule that found something."""

from django.urls import reverse

from backoffice.needs import Need
from telephony.conflicts.looking import counts
from telephony.conflicts.rules import RULES


def conflicts_that_wait(user):
    """[Need], grave rules first. One row is read: the worker keeps it."""
    if not user.has_perm("telephony.view_conflict"):
        return []
    found, url = counts(), reverse("telephony:conflict_list")
    return [
        Need(spoken(rule), rule.icon, found[name], f"{url}?rule={name}", rule.note, rule.tone)
        for name, rule in RULES.items()
        if found[name]
    ]


def spoken(rule):
    """What a rule is called where nothing else says that it is about numbers."""
    return f"Numbers: {rule.label[0].lower()}{rule.label[1:]}" if rule.of == "number" else rule.label
