"""Tier against Stripe: where what is paid and what the runtime grants do not agree.

The tier stands on the profile and is changed by hand; no code of the platform connects it with Stripe. The runtime's
own quota check knows only `pro` (exactly so) as unlimited: everybody else gets the free limit, enterprise included.
"""

from dataclasses import dataclass
from functools import reduce

from django.db.models import Q

from tenants.models import UserProfile

UNLIMITED = UserProfile.Tier.PRO
HAS_CUSTOMER = Q(stripe_customer_id__regex=r"\S")
HAS_SUBSCRIPTION = Q(stripe_subscription_id__regex=r"\S")
IS_FREE = Q(subscription_tier=UserProfile.Tier.FREE) | Q(subscription_tier=None) | Q(subscription_tier="")

STRIPE = {
    "subscription": HAS_SUBSCRIPTION,
    "customer": HAS_CUSTOMER & ~HAS_SUBSCRIPTION,
    "none": ~HAS_CUSTOMER & ~HAS_SUBSCRIPTION,
}


@dataclass(frozen=True)
class Mismatch:
    """`condition` finds the profiles, `applies` says the same of one; `sentence` may name its tier."""

    label: str
    condition: Q
    applies: object
    sentence: str


def is_free(profile):
    return profile.subscription_tier in (None, "", UserProfile.Tier.FREE)


def has_subscription(profile):
    return bool((profile.stripe_subscription_id or "").strip())


PLAN_MISMATCHES = {
    "unpaid": Mismatch(
        "Paid tier without subscription",
        ~IS_FREE & ~HAS_SUBSCRIPTION,
        lambda profile: not is_free(profile) and not has_subscription(profile),
        "The tier is {tier}, but there is no Stripe subscription.",
    ),
    "ungranted": Mismatch(
        "Subscription, but a free tier",
        IS_FREE & HAS_SUBSCRIPTION,
        lambda profile: is_free(profile) and has_subscription(profile),
        "There is a Stripe subscription, but the tier is {tier}.",
    ),
    "treated_as_free": Mismatch(
        "Treated as free by the runtime",
        ~IS_FREE & ~Q(subscription_tier=UNLIMITED),
        lambda profile: not is_free(profile) and profile.subscription_tier != UNLIMITED,
        "The platform's own quota check knows only “pro”: {tier} gets the free limit.",
    ),
}


def any_mismatch():
    return reduce(lambda one, other: one | other, (rule.condition for rule in PLAN_MISMATCHES.values()))


def mismatches_of(profile):
    """The sentences that apply to a profile."""
    tier = profile.subscription_tier or "not set"
    return [rule.sentence.format(tier=tier) for rule in PLAN_MISMATCHES.values() if rule.applies(profile)]
