"""Moving an organization to another owner: reviewed, compared, undone through the same review."""

import threading

import pytest
from django.db import connection
from django.urls import reverse

from agents.tests.factories import make_agent
from backoffice.models import AuditEvent
from backoffice.testing import make_user
from backoffice.testing_crud import check_page, count_queries, form_values
from billing.tests.factories import make_posting
from telephony.tests.factories import make_number
from tenants.models import Organization, UserProfile
from tenants.ownership import ReviewChanged, move_organization, review
from tenants.tests.factories import change, make_login, make_organization, make_profile


def url(tenant):
    return reverse("tenants:organization_owner", args=[tenant.pk])


def owner_of(tenant):
    return Organization.objects.get(pk=tenant.pk).owner_id


@pytest.fixture
def tenant(db):
    return make_organization(name="Lindgren Oy")


@pytest.fixture
def anna(db):
    return make_profile(email="anna@example.test")


def test_a_move_is_reviewed_and_then_made_with_who_and_why(support_client, support, tenant, anna):
    assert url(tenant) in check_page(support_client.get(tenant.get_absolute_url()))
    check_page(support_client.get(url(tenant)))
    response = support_client.get(url(tenant), {"login": " Anna@example.test "})
    check_page(response)
    assert owner_of(tenant) == tenant.owner_id, "a review moves nothing"
    data = form_values(response)
    check_page(support_client.post(url(tenant), {**data, "reason": " "}), 422)
    done = support_client.post(url(tenant), {**data, "reason": "Sold the firm"}, follow=True)
    html = check_page(done)
    assert owner_of(tenant) == anna.pk
    event = AuditEvent.objects.of(tenant).first()
    assert event.changes == {"owner_id": [str(tenant.owner_id), str(anna.pk)]}
    assert (event.actor, event.reason) == (str(support), "Sold the firm")
    assert f"/audit/changes/{event.pk}/revert/" in html


def test_the_new_owner_is_found_by_id_and_by_profile(support_client, tenant, anna):
    for params in ({"login": str(anna.pk)}, {"profile": str(anna.pk)}):
        assert "anna@example.test" in check_page(support_client.get(url(tenant), params))
    html = check_page(support_client.get(url(tenant), {"_pick": "profile", "profile_search": "anna@"}))
    assert f'value="{anna.pk}"' in html


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"login": "nobody@example.test"}, "No login has this mail or id"),
        ({"profile": "00000000-0000-0000-0000-00000000abcd"}, "Select a valid choice"),
        ({"login": "\0"}, "Null characters are not allowed"),
    ],
)
def test_who_is_not_there_is_refused_beside_the_field(support_client, tenant, params, said):
    assert said in check_page(support_client.get(url(tenant), params), 422)


def test_the_owner_of_today_and_two_people_at_once_are_refused(support_client, tenant, anna):
    html = check_page(support_client.get(url(tenant), {"login": str(tenant.owner_id)}), 422)
    assert "owns the organization already" in html
    other = make_profile()
    html = check_page(support_client.get(url(tenant), {"login": str(other.pk), "profile": str(anna.pk)}), 422)
    assert "two different people" in html


def test_the_review_says_what_it_means_in_numbers(support_client, tenant, anna):
    agent = make_agent(tenant)
    make_agent(tenant)
    make_number(agent=agent)
    make_number(tenant, status="released")
    make_posting(tenant, "12.50")
    change(UserProfile.objects.get(pk=tenant.owner_id), subscription_tier="pro", stripe_customer_id="cus_old")
    response = support_client.get(url(tenant), {"login": str(anna.pk)})
    html = " ".join(check_page(response).split())
    assert "Tier: pro → free." in html and "cus_old stays with the old owner" in html
    assert "2 agents, 2 numbers (1 active), 0 SIP trunks, and the balance of 12.50" in html
    assert "is left without an organization" in html and "then owns several organizations" in html
    assert anna.organizations.get().get_absolute_url() in html


def test_a_login_without_profile_and_an_owner_without_one_are_named(support_client, owner, tenant):
    login = make_login("bare@example.test")
    owner("delete from user_profiles where id in (%s, %s)", [login, tenant.owner_id])
    html = check_page(support_client.get(url(tenant), {"login": "bare@example.test"}))
    assert "login has no profile" in html and "not set → not set" in html
    data = form_values(support_client.get(url(tenant), {"login": "bare@example.test"}))
    check_page(support_client.post(url(tenant), {**data, "reason": "r"}, follow=True))
    assert owner_of(tenant) == login


@pytest.mark.parametrize("what", ["owner", "tier", "number", "balance", "name"])
def test_what_changed_since_the_review_is_reviewed_again(support_client, tenant, anna, what):
    data = {**form_values(support_client.get(url(tenant), {"login": str(anna.pk)})), "reason": "Typed"}
    someone = make_profile()
    if what == "owner":
        change(tenant, owner_id=someone.pk)
    elif what == "tier":
        change(anna, subscription_tier="enterprise")
    elif what == "number":
        make_number(tenant)
    elif what == "balance":
        make_posting(tenant, "1.00")
    else:
        change(tenant, name="Renamed")
    before = owner_of(tenant)
    response = support_client.post(url(tenant), data)
    html = check_page(response, 409)
    assert "Something changed since you looked" in html and form_values(response)["reason"] == "Typed"
    assert owner_of(tenant) == before
    assert support_client.post(url(tenant), form_values(response)).status_code == 302
    assert owner_of(tenant) == anna.pk


@pytest.mark.parametrize("changes", [{"reviewed": "x"}, {"login_id": "x"}, {"login_id": ""}])
def test_a_confirmation_that_is_none_begins_again(support_client, tenant, anna, changes):
    data = form_values(support_client.get(url(tenant), {"login": str(anna.pk)}))
    check_page(support_client.post(url(tenant), {**data, "reason": "r", **changes}), 422)
    assert owner_of(tenant) == tenant.owner_id


def test_a_review_of_somebody_else_does_not_confirm(support_client, tenant, anna):
    data = form_values(support_client.get(url(tenant), {"login": str(anna.pk)}))
    other = make_profile()
    response = support_client.post(url(tenant), {**data, "reason": "r", "login_id": str(other.pk)})
    check_page(response, 409)
    assert owner_of(tenant) == tenant.owner_id


def test_undo_leads_to_the_review_of_the_way_back(support_client, support, tenant, anna):
    facts = review(tenant, anna.pk).facts
    move_organization(tenant, actor=support, reason="r", login_id=anna.pk, facts=facts)
    event = AuditEvent.objects.of(tenant).first()
    undo = reverse("backoffice:auditevent_revert", args=[event.pk])
    assert "Review the move" in check_page(support_client.get(undo))
    response = support_client.post(undo, {}, follow=True)
    assert response.redirect_chain == [(f"{url(tenant)}?login={tenant.owner_id}", 302)]
    data = {**form_values(response), "reason": "Back"}
    assert support_client.post(url(tenant), data).status_code == 302
    assert owner_of(tenant) == tenant.owner_id


def test_only_those_who_may_change_tenants(finance_client, manager_client, admin_client, tenant, anna):
    for client in (finance_client, manager_client):
        assert "tenants.change_organization" in check_page(client.get(url(tenant)), 403)
        check_page(client.post(url(tenant), {"login_id": str(anna.pk), "reason": "r"}), 403)
        assert url(tenant) not in check_page(client.get(tenant.get_absolute_url()))
    check_page(admin_client.get(url(tenant)))


def test_the_review_costs_the_same_however_much_there_is(support_client, tenant, anna):
    address = f"{url(tenant)}?login={anna.pk}"
    few = count_queries(support_client, address)
    for _ in range(20):
        make_agent(tenant)
        make_organization(owner=anna)
    many = count_queries(support_client, address)
    assert len(few) == len(many)
    assert "and more" in support_client.get(address).content.decode()


def test_of_two_moves_at_once_one_is_made(fresh_database):
    with fresh_database.platform():
        tenant, anna, bert = make_organization(), make_profile(), make_profile()
    with fresh_database.django():
        actor = make_user("support")
        facts = {login.pk: review(tenant, login.pk).facts for login in (anna, bert)}
        outcomes = {}

        def move(login):
            try:
                move_organization(tenant, actor=actor, reason="r", login_id=login, facts=facts[login])
                outcomes[login] = "moved"
            except ReviewChanged:
                outcomes[login] = "again"
            finally:
                connection.close()

        threads = [threading.Thread(target=move, args=[login]) for login in facts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes.values()) == ["again", "moved"]
        assert outcomes[owner_of(tenant)] == "moved"
