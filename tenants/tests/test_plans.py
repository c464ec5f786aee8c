"""Tier against Stripe: the filters and the warnings on the profile say the same, at every edge."""

import itertools

import pytest
from django.urls import reverse

from backoffice.testing_crud import check_page
from tenants.models import UserProfile
from tenants.plans import PLAN_MISMATCHES, mismatches_of
from tenants.tests.factories import change, make_profile

LIST = reverse("tenants:userprofile_list")
TIERS = ["free", "pro", "enterprise", "Pro", "gold", "", None]
IDS = ["sub_1", "", " ", None]


@pytest.fixture
def found(finance_client):
    def profiles(**params):
        response = finance_client.get(LIST, params)
        check_page(response)
        assert not response.context["filterset"].form.errors
        return set(response.context["rows"])

    return profiles


def with_plan(tier, subscription=None, customer=None):
    values = {
        "subscription_tier": tier,
        "stripe_subscription_id": subscription,
        "stripe_customer_id": customer,
    }
    return change(make_profile(), **values)


@pytest.mark.parametrize("name", PLAN_MISMATCHES)
def test_filter_and_warning_agree_on_every_combination(found, name):
    made = [with_plan(tier, subscription) for tier, subscription in itertools.product(TIERS, IDS)]
    rule = PLAN_MISMATCHES[name]
    assert found(plan=name) == {profile for profile in made if rule.applies(profile)} != set()


@pytest.mark.parametrize(
    ("tier", "subscription", "names"),
    [
        ("free", None, []),
        (None, None, []),
        ("pro", "sub_1", []),
        ("pro", None, ["unpaid"]),
        ("pro", " ", ["unpaid"]),
        ("enterprise", "sub_1", ["treated_as_free"]),
        ("enterprise", None, ["unpaid", "treated_as_free"]),
        ("Pro", "sub_1", ["treated_as_free"]),
        ("free", "sub_1", ["ungranted"]),
        (None, "sub_1", ["ungranted"]),
    ],
)
def test_each_rule_and_its_near_misses(found, tier, subscription, names):
    profile = with_plan(tier, subscription)
    assert [name for name in PLAN_MISMATCHES if found(plan=name)] == names
    assert bool(found(plan="any")) == bool(names)
    assert len(mismatches_of(profile)) == len(names)


def test_the_profile_says_what_differs(support_client):
    html = check_page(support_client.get(with_plan("enterprise").get_absolute_url()))
    assert "The tier is enterprise, but there is no Stripe subscription." in html
    assert "enterprise gets the free limit" in html
    html = check_page(support_client.get(with_plan(None, "sub_1").get_absolute_url()))
    assert "There is a Stripe subscription, but the tier is not set." in html
    html = check_page(support_client.get(with_plan("pro", "sub_1").get_absolute_url()))
    assert "Stripe subscription, but" not in html and "free limit." not in html


def test_stripe_ids_are_filters(found):
    none, customer, both = (
        with_plan("free"),
        with_plan("free", "", "cus_1"),
        with_plan("pro", "sub_1", "cus_1"),
    )
    only = with_plan("pro", "sub_2", None)
    assert found(stripe="none") == {none}
    assert found(stripe="customer") == {customer}
    assert found(stripe="subscription") == {both, only}
    assert UserProfile.objects.count() == 4
