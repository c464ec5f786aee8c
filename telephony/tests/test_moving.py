"""Moving a number to another tenant: reviewed in numbers, done once, and never over what changed meanwhile."""

import pytest
from django.urls import reverse

from agents.tests.factories import make_agent
from backoffice.models import AuditEvent
from backoffice.testing_crud import check_page, form_values
from telephony.models import PhoneNumber
from telephony.tests.factories import make_call, make_number
from tenants.suspensions import suspend_tenant
from tenants.tests.factories import change, make_organization

pytestmark = pytest.mark.django_db


@pytest.fixture
def number():
    return make_number(
        agent=make_agent(make_organization(name="Old Ltd", credits_balance="5.00"), name="Old desk")
    )


@pytest.fixture
def agent():
    return make_agent(make_organization(name="New Ltd", credits_balance="7.50"), name="New desk")


def url(number):
    return reverse("telephony:phonenumber_move", args=[number.pk])


def review(client, number, organization, agent=None, activate=True):
    data = {"review": "1", "organization": organization.pk, "agent": agent.pk if agent else ""}
    return client.get(url(number), data | ({"activate": "on"} if activate else {}))


def confirm(client, number, reviewed, reason="Ticket 7"):
    return client.post(url(number), form_values(reviewed) | {"reason": reason})


def test_says_in_numbers_what_it_means_and_moves(support_client, support, number, agent):
    for _ in range(3):
        make_call(phone_number=number)
    assert url(number) in check_page(support_client.get(number.get_absolute_url()))
    check_page(support_client.get(url(number)))
    reviewed = review(support_client, number, agent.organization, agent)
    html = check_page(reviewed)
    for words in (
        "New Ltd pays from now on.",
        "7.50",
        "Answered by New desk.",
        "Old desk no longer answers on it.",
        "active → active.",
        "3 calls stay",
        "3 of them are not closed",
    ):
        assert words in html, words
    number.refresh_from_db()
    assert number.organization.name == "Old Ltd"
    response = support_client.post(url(number), form_values(reviewed) | {"reason": "Ticket 7"}, follow=True)
    assert "belongs to New Ltd now" in check_page(response)
    number.refresh_from_db()
    assert (number.organization, number.agent, number.status) == (agent.organization, agent, "active")
    event = AuditEvent.objects.of(number).first()
    assert (event.actor, event.reason) == (str(support), "Ticket 7")
    assert set(event.changes) == {"organization_id", "agent_id"}
    assert number.calls.filter(organization__name="Old Ltd").count() == 3


def test_without_an_agent_nobody_answers(support_client, number, agent):
    reviewed = review(support_client, number, agent.organization)
    assert "Calls get 404 until an agent is assigned." in check_page(reviewed)
    confirm(support_client, number, reviewed)
    number.refresh_from_db()
    assert (number.organization, number.agent) == (agent.organization, None)


def test_a_released_number_is_used_again(support_client, number, agent):
    change(number, status="released")
    reviewed = review(support_client, number, agent.organization, agent)
    assert "released → active." in check_page(reviewed)
    confirm(support_client, number, reviewed)
    number.refresh_from_db()
    assert (number.status, number.agent) == ("active", agent)


def test_it_can_be_moved_as_released(support_client, number, agent):
    confirm(support_client, number, review(support_client, number, agent.organization, agent, activate=False))
    number.refresh_from_db()
    assert (number.status, number.organization) == ("released", agent.organization)


def test_a_number_suspended_with_its_tenant(support_client, support, number, agent):
    suspend_tenant(number.organization, actor=support, reason="r")
    number.refresh_from_db()
    reviewed = review(support_client, number, agent.organization, agent)
    html = check_page(reviewed)
    assert "restoring that tenant leaves it alone" in html and "suspended → active." in html
    confirm(support_client, number, reviewed)
    number.refresh_from_db()
    assert number.status == "active"


def test_to_a_suspended_tenant_only_as_released(support_client, support, number, agent):
    make_number(agent=agent)
    suspend_tenant(agent.organization, actor=support, reason="r")
    html = check_page(review(support_client, number, agent.organization, agent), 422)
    assert "New Ltd is suspended: restore it first" in html
    check_page(review(support_client, number, agent.organization, agent, activate=False))


@pytest.mark.parametrize("balance", ["0.00", "-1.00", None])
def test_a_tenant_without_credit_is_said(support_client, number, agent, balance):
    change(agent.organization, credits_balance=balance)
    html = check_page(review(support_client, number, agent.organization, agent))
    assert "calls are refused until it is above zero" in html and "Calls are not answered yet" in html


def test_what_cannot_be_is_refused_beside_the_choice(support_client, number, agent):
    html = check_page(review(support_client, number, number.organization), 422)
    assert "belongs to this organization already" in html
    html = check_page(review(support_client, number, agent.organization, number.agent), 422)
    assert 'id="id_agent_error"' in html and "another organization (Old Ltd)" in html
    html = check_page(support_client.get(url(number), {"review": "1", "organization": "x"}), 422)
    assert 'id="id_organization_error"' in html


def test_a_reason_is_asked_for(support_client, number, agent):
    response = confirm(
        support_client, number, review(support_client, number, agent.organization, agent), reason=" "
    )
    assert 'id="id_reason_error"' in check_page(response, 422)
    assert PhoneNumber.objects.get().organization.name == "Old Ltd"


@pytest.mark.parametrize(
    "meanwhile",
    [
        lambda number, agent: change(number, agent=None),
        lambda number, agent: change(number, status="released"),
        lambda number, agent: change(agent.organization, credits_balance="0.00"),
    ],
    ids=["agent", "status", "balance"],
)
def test_what_changed_since_the_review_is_reviewed_again(support_client, number, agent, meanwhile):
    reviewed = review(support_client, number, agent.organization, agent)
    meanwhile(number, agent)
    response = confirm(support_client, number, reviewed)
    html = check_page(response, 409)
    assert "Something changed since you looked" in html and form_values(response)["reason"] == "Ticket 7"
    assert PhoneNumber.objects.get().organization.name == "Old Ltd"
    assert confirm(support_client, number, response).status_code == 302
    assert PhoneNumber.objects.get().organization.name == "New Ltd"


def test_a_second_move_and_a_forged_review_are_refused(support_client, number, agent):
    reviewed = review(support_client, number, agent.organization, agent)
    forged = form_values(reviewed) | {"reviewed": "x", "reason": "r"}
    assert "Begin again" in check_page(support_client.post(url(number), forged), 422)
    assert confirm(support_client, number, reviewed).status_code == 302
    html = check_page(confirm(support_client, number, reviewed), 422)
    assert "belongs to this organization already" in html


def test_the_way_back_leads_to_the_same_page(support_client, number, agent):
    old = number.organization
    confirm(support_client, number, review(support_client, number, agent.organization, agent))
    event = AuditEvent.objects.of(number).first()
    response = support_client.get(reverse("backoffice:auditevent_revert", args=[event.pk]), follow=True)
    assert f"{url(number)}?organization={old.pk}" in (check_page(response) + str(response.redirect_chain))


def test_only_support_moves(finance_client, manager_client, number):
    for client in (finance_client, manager_client):
        check_page(client.get(url(number)), 403)
