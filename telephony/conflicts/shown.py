"""Conflicts as pages show them: each with its rule, and the way to where it is mended for those who may go there."""

from django.db.models import Q

from backoffice import kept
from telephony.conflicts.looking import follow
from telephony.conflicts.rules import RULES
from telephony.models import Conflict

MOST = 25


def with_ways(rows, user):
    """The rows, each with `of_rule` (None where there is no such rule any more) and `way`: (words, address) or None."""
    for row in rows:
        row.of_rule = RULES.get(row.rule)
        row.way = row.of_rule and row.of_rule.way(row, user)
    return rows


def conflicts_of_number(number, user):
    """Those of a number, and those in which another one has the same digits; None for who may not see conflicts."""
    if not user.has_perm("telephony.view_conflict"):
        return None
    follow()
    found = Conflict.objects.filter(Q(number=number.pk) | Q(partner_id=number.pk)).order_by("place", "id")[
        :MOST
    ]
    return with_ways(list(found), user)


def conflicts_of_trunk(trunk, user):
    """Those of a trunk; None for who may not see conflicts."""
    if not user.has_perm("telephony.view_conflict"):
        return None
    follow()
    return with_ways(list(Conflict.objects.filter(subject_id=trunk.pk)), user)


def conflicts_of_tenant(organization, user):
    """The gravest of a tenant, MOST at the most, as the worker keeps them: the tenant's page has no query to spare."""

    def rows_of(tenant):
        return Conflict.objects.filter(organization=tenant).order_by("place", "id")[:MOST]

    return with_ways(kept.rows("conflicts of a tenant", rows_of, organization.pk), user)
