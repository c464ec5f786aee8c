"""Moving an organization to another login: what it means, in numbers, and the move itself.

Row level security goes by `organizations.owner_id` alone, so the move hands over access at once; the tier stands on the
owner's profile, so another one applies from then on.
"""

import json
from dataclasses import asdict, dataclass

from django.core.exceptions import ValidationError
from django.db import transaction

from backoffice import services
from tenants.models import Organization, UserProfile
from tenants.services import find_logins

COUNT_LIMIT = 1000
OTHERS = 10


class ReviewChanged(Exception):
    """Something that was reviewed is not so any more. `review` is how it is now."""

    def __init__(self, review):
        super().__init__("What was reviewed has changed.")
        self.review = review


@dataclass(frozen=True)
class Party:
    """The owner of before, or the new one: a login, and what its profile says if it has one.

    `others` are the other organizations it owns, [(id, name)], at most OTHERS + 1.
    """

    id: str
    mail: str
    has_login: bool
    has_profile: bool
    profile: str
    tier: str | None
    stripe: list
    others: list

    @property
    def name(self):
        return self.profile or self.mail or self.id


@dataclass(frozen=True)
class Review:
    """What a move means. Counts end at COUNT_LIMIT + 1; the balance is text, as the database has it."""

    organization: str
    name: str
    old: Party
    new: Party
    agents: int
    numbers: int
    active_numbers: int
    trunks: int
    balance: str | None

    @property
    def facts(self):
        """All of it as text, to tell later whether anything changed."""
        return json.dumps(asdict(self), sort_keys=True)


def review(organization, login_id):
    """The Review of moving an organization to a login. Raises ValidationError if that cannot be."""
    if str(organization.owner_id) == str(login_id):
        raise ValidationError("This login owns the organization already.")
    old, new = party(organization.owner_id, organization), party(login_id, organization)
    if not new.has_login:
        raise ValidationError("There is no such login any more.")
    return Review(
        organization=str(organization.pk),
        name=str(organization),
        old=old,
        new=new,
        agents=count(organization.agents),
        numbers=count(organization.phone_numbers),
        active_numbers=count(organization.phone_numbers.active()),
        trunks=count(organization.sip_trunks),
        balance=None if organization.credits_balance is None else str(organization.credits_balance),
    )


def party(login_id, organization):
    login = next((one for one in find_logins(str(login_id)) if str(one.id) == str(login_id)), None)
    profile = UserProfile.objects.filter(pk=login_id).first()
    others = Organization.objects.filter(owner_id=login_id).exclude(pk=organization.pk)
    return Party(
        id=str(login_id),
        mail=(login.email or "") if login else "",
        has_login=login is not None,
        has_profile=profile is not None,
        profile=str(profile) if profile else "",
        tier=profile.subscription_tier if profile else None,
        stripe=[text for text in (profile.stripe_customer_id, profile.stripe_subscription_id) if text]
        if profile
        else [],
        others=[[str(other.pk), str(other)] for other in others.order_by("name", "id")[: OTHERS + 1]],
    )


def count(rows):
    return rows.order_by().values("pk")[: COUNT_LIMIT + 1].count()


@transaction.atomic
def move_organization(organization, *, actor, reason, login_id, facts):
    """Give an organization to another login. Returns the organization.

    `facts` are those of the Review that the actor has seen: raises ReviewChanged if anything in it is not so any more,
    and ValidationError if the move is not possible.
    """
    organization = Organization.objects.select_for_update().get(pk=organization.pk)
    now = review(organization, login_id)
    if now.facts != facts:
        raise ReviewChanged(now)
    before = services.snapshot(organization, ["owner"])
    organization.owner_id = login_id
    return services.save(organization, actor=actor, reason=reason, opened=before)
