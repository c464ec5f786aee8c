"""What roles may post alone: seen by all, changed by admins with a reason, and it holds at once."""

from decimal import Decimal

import pytest
from django.urls import reverse

from backoffice.models import AuditEvent
from backoffice.testing import platform
from backoffice.testing_crud import PageTests, check_page, form_values
from billing.limits import limit_of, room_of
from billing.models import CreditLimit, CreditRequest
from billing.services import post_or_request
from billing.tests.factories import set_limits
from tenants.tests.factories import make_organization


class TestLimitPages(PageTests):
    model = CreditLimit
    odd_rows = False  # written by admins on our page alone, and the amounts are checked

    def make(self, n):
        with platform():
            return CreditLimit.objects.create(name=f"Role {n}", per_posting=n, per_day=n)


@pytest.fixture
def limit(db):
    return CreditLimit.objects.get(name="Finance")


def edit(client, limit, **typed):
    url = reverse("billing:creditlimit_edit", args=[limit.pk])
    return client.post(url, {**form_values(client.get(url)), "reason": "Agreed", **typed}, follow=True)


def test_an_admin_changes_them_with_a_reason_kept_in_the_history(admin_client, admin, limit, finance):
    html = check_page(edit(admin_client, limit, per_posting="2,500.50", per_day="5000"))
    assert "was saved. It holds from now on." in html and "Agreed" in html
    (event,) = AuditEvent.objects.of(limit)
    assert (event.actor, event.reason) == (str(admin), "Agreed")
    assert event.changes == {"per_posting": [1000.00, 2500.50], "per_day": [20000.00, 5000.00]}
    room = room_of(finance)
    assert not room.why_not(Decimal("-2500.50")) and room.why_not(Decimal("2500.51"))


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"per_posting": "-1"}, "per_posting"),
        ({"per_day": "-0.01", "per_posting": "0"}, "per_day"),
        ({"per_posting": "1.234"}, "per_posting"),
        ({"per_posting": "NaN"}, "per_posting"),
        ({"per_posting": ""}, "per_posting"),
        ({"per_day": "x"}, "per_day"),
        ({"per_day": "99999999999"}, "per_day"),
        ({"per_posting": "20000.01"}, "per_posting"),
        ({"reason": ""}, "reason"),
    ],
)
def test_what_is_no_limit_is_refused_beside_its_field(admin_client, limit, typed, field):
    assert f'id="id_{field}_error"' in check_page(edit(admin_client, limit, **typed), 422)
    limit.refresh_from_db()
    assert (limit.per_posting, limit.per_day) == (1000, 20000)


def test_are_seen_and_not_changed_by_the_others(support_client, finance_client, manager_client, limit):
    for client in (support_client, finance_client, manager_client):
        html = check_page(client.get(limit.get_absolute_url()))
        url = reverse("billing:creditlimit_edit", args=[limit.pk])
        assert url not in html
        assert "billing.change_creditlimit" in check_page(client.post(url, {"per_posting": "9"}), 403)


def test_a_person_of_two_roles_has_the_wider_one(finance, support):
    from django.contrib.auth.models import Group

    support.groups.add(Group.objects.get(name="Finance"))
    assert limit_of(support) == limit_of(finance) == CreditLimit.objects.get(name="Finance")


def test_a_role_without_a_limit_posts_nothing_alone(manager):
    room = room_of(manager)
    assert room.is_none and "posts nothing alone" in room.why_not(Decimal("0.01"))
    made = post_or_request(
        make_organization(), actor=manager, amount=Decimal("0.01"), kind="goodwill", reason="r"
    )
    assert isinstance(made, CreditRequest)


def test_with_a_limit_support_posts_within_it(support):
    set_limits("Support", "5.00", "10.00")
    tenant = make_organization()
    post = lambda amount: post_or_request(  # noqa: E731
        tenant, actor=support, amount=Decimal(amount), kind="goodwill", reason="r"
    )
    kinds = [type(post(amount)) is CreditRequest for amount in ("5.00", "-5.00", "0.01", "5.01")]
    assert kinds == [False, False, True, True]
    tenant.refresh_from_db()
    assert tenant.credits_balance == 0
