"""Support prepares an erasure with what stands in its way; an admin takes the request up."""

import pytest
from django.urls import reverse

from backoffice.models import AuditEvent
from backoffice.testing_crud import check_page
from tenants.models import Erasure, Organization
from tenants.tests.factories import change, make_profile


@pytest.fixture
def profile(db):
    profile = make_profile(email="ann.oh@mail.example", phone_number="+49 170 7654321")
    change(Organization.objects.get(owner_id=profile.pk), name="Oh Bakery", credits_balance="12.00")
    return profile


def request_page(profile):
    return reverse("tenants:userprofile_request_erasure", args=[profile.pk])


def test_support_sees_what_stands_in_the_way_and_leaves_a_request(profile, support, support_client):
    assert request_page(profile) in check_page(support_client.get(profile.get_absolute_url()))
    html = check_page(support_client.get(request_page(profile)))
    assert "Oh Bakery" in html and "The balance is 12.00" in html
    check_page(support_client.post(request_page(profile), {"reason": ""}), 422)
    check_page(support_client.post(request_page(profile), {"reason": "ann.oh@mail.example asks"}), 422)
    assert not Erasure.objects.exists()
    assert support_client.post(request_page(profile), {"reason": "Ticket 7"}).status_code == 302
    erasure = Erasure.objects.get()
    assert (erasure.status, erasure.owner, erasure.job) == ("requested", support, None)
    assert "ann.oh@mail.example" not in str(AuditEvent.objects.of(erasure).values())
    html = check_page(support_client.post(request_page(profile), {"reason": "Again"}), 422)
    assert "asked for this already" in html
    assert Erasure.objects.count() == 1


def test_an_admin_takes_a_request_up_once(profile, support, support_client, admin_client):
    support_client.post(request_page(profile), {"reason": "Ticket 7"})
    erasure = Erasure.objects.get()
    take_up = reverse("tenants:erasure_take_up", args=[erasure.pk])
    check_page(support_client.post(take_up), 403)
    assert take_up in check_page(admin_client.get(erasure.get_absolute_url()))
    for _ in range(2):
        assert admin_client.post(take_up).url == erasure.get_absolute_url()
    erasure.refresh_from_db()
    assert (erasure.status, erasure.owner, erasure.job.kind) == (
        "searching",
        admin_client.user,
        "person_search",
    )
    assert erasure.reason == f"Ticket 7 (asked for by {support})"


def test_a_profile_that_names_nobody_is_not_requested(support_client):
    profile = make_profile(email="x@no-mail.invalid", phone_number="extension 12")
    html = check_page(support_client.post(request_page(profile), {"reason": "r"}), 422)
    assert "neither a mail address nor a phone number" in html


def test_is_not_for_finance_and_managers(profile, finance_client, manager_client):
    for client in (finance_client, manager_client):
        check_page(client.get(request_page(profile)), 403)
        assert request_page(profile) not in check_page(client.get(profile.get_absolute_url()))
