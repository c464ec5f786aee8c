"""Why are calls refused: each step of the platform's own flow, what the caller gets, and the way to mend it."""

import pytest
from django.urls import reverse

from agents.tests.factories import make_agent
from backoffice.testing_crud import check_page, client_with, count_queries
from telephony.call_check import TITLES, check_dialled, check_number
from telephony.models import PhoneNumber
from telephony.tests.factories import make_number
from tenants.tests.factories import change, make_organization

pytestmark = pytest.mark.django_db


def working(**fields):
    """A number at which nothing is wrong."""
    agent = make_agent(make_organization(credits_balance="5.00"))
    return make_number(agent=agent, **{"e164": "+14155550100", **fields})


def check(number):
    return check_number(PhoneNumber.objects.select_related("organization", "agent").get(pk=number.pk))


def states(found):
    return [step.state for step in found.steps]


def fails_at(found, place, answer):
    """The step at `place` fails with that answer, those before are fine, those after not reached."""
    assert [step.title for step in found.steps] == list(TITLES)
    assert states(found) == ["ok"] * place + ["fails"] + ["not reached"] * (len(TITLES) - place - 1)
    assert found.verdict == found.failing.answer == answer
    assert found.failing.fix or answer == ""
    return found.failing


def test_a_number_at_which_nothing_is_wrong_is_answered():
    found = check(working())
    assert states(found) == ["ok"] * len(TITLES) and found.failing is None
    assert found.verdict == "The call is taken"


@pytest.mark.parametrize("stored", ["+1 415 555 0100", "+1(415)555-0100", "4155550100", " +14155550100"])
def test_a_number_that_is_not_stored_in_e164_is_not_found(stored):
    step = fails_at(check(working(e164=stored)), 0, "404 Not Found")
    assert f"“{stored}”" in step.found


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ("released", "The status is “released”."),
        (None, "The status is not set."),
        ("Active", "The status is “Active”."),
    ],
)
def test_a_number_that_is_not_active(status, says):
    number = working(status=status)
    step = fails_at(check(number), 1, "404 Not Found")
    assert step.found == says
    assert step.fix[1] == reverse("telephony:phonenumber_reactivate", args=[number.pk])


def test_a_number_without_agent():
    number = change(working(), agent=None)
    step = fails_at(check(number), 3, "404 Not Found")
    assert step.fix[1] == reverse("telephony:phonenumber_edit", args=[number.pk])


def test_another_tenants_agent_answers_and_that_is_odd():
    number = change(working(), agent=make_agent())
    found = check(number)
    assert states(found) == ["ok", "ok", "ok", "ok", "odd", "ok", "ok"]
    assert found.verdict == "The call is taken" and "another tenant's agent answers" in found.odd[0].found


@pytest.mark.parametrize(
    ("balance", "place", "answer"),
    [
        (None, 5, "500 Server Error"),
        ("0.00", 6, "402 Payment Required"),
        ("-0.01", 6, "402 Payment Required"),
    ],
)
def test_a_balance_that_pays_no_call(balance, place, answer):
    number = working()
    change(number.organization, credits_balance=balance)
    fails_at(check(number), place, answer)


class TestDialled:
    @pytest.mark.parametrize(
        "typed", ["+14155550100", "+1 (415) 555-0100", "001 415 555 0100", " +1.415.555.0100 "]
    )
    def test_any_format_hits_the_row(self, typed):
        number = working()
        found = check_dialled(typed)
        assert (found.number, found.dialled) == (number, "+14155550100") and found.failing is None

    @pytest.mark.parametrize("typed", ["(415) 555-0100", "415-5550100", "0415 555 0100"])
    def test_without_country_code_the_only_row_that_ends_so_is_meant(self, typed):
        number = working()
        assert check_dialled(typed).number == number

    def test_two_rows_that_end_alike_are_both_named(self):
        working()
        make_number(e164="+494155550100")
        found = check_dialled("415 555 0100")
        fails_at_first(found)
        assert "“+14155550100”" in found.failing.found and "“+494155550100”" in found.failing.found

    def test_a_row_stored_with_spaces_is_named_as_what_is_in_the_way(self):
        number = working(e164="+1 415 555 0100")
        found = check_dialled("+14155550100")
        fails_at_first(found)
        assert found.number is None and found.others == [number]
        assert (
            "No row holds “+14155550100”" in found.failing.found
            and "“+1 415 555 0100”" in found.failing.found
        )
        assert found.failing.fix[1] == reverse("telephony:phonenumber_edit", args=[number.pk])

    def test_a_number_that_nobody_has(self):
        found = check_dialled("+14155559999")
        fails_at_first(found)
        assert found.failing.fix[1] == reverse("telephony:phonenumber_add") + "?e164=%2B14155559999"

    @pytest.mark.parametrize("typed", ["abc", "12", "+", "%", "\\", "+999999999999999999999999"])
    def test_what_is_no_number_says_so(self, typed):
        working()
        fails_at_first(check_dialled(typed))


def fails_at_first(found):
    assert states(found) == ["fails"] + ["not reached"] * (len(TITLES) - 1)
    assert found.verdict == "404 Not Found"


class TestPages:
    def test_the_checklist_of_a_typed_number(self, support_client):
        number = change(working(), status="released")
        html = check_page(support_client.get(reverse("telephony:call_check"), {"number": "1 415 555 0100"}))
        assert "404 Not Found" in html and html.count("not reached") >= 5
        assert reverse("telephony:phonenumber_reactivate", args=[number.pk]) in html

    @pytest.mark.parametrize("typed", ["<script>alert(1)</script>", "\0", "9" * 5000, "  "])
    def test_anything_can_be_typed(self, support_client, typed):
        html = check_page(support_client.get(reverse("telephony:call_check"), {"number": typed}))
        assert "<script>alert" not in html

    def test_the_checklist_of_a_row(self, support_client):
        number = change(working(e164="415"), agent=None)
        html = check_page(support_client.get(number.get_absolute_url()))
        url = reverse("telephony:phonenumber_check", args=[number.pk])
        assert url in html
        assert "Stored is “415”" in check_page(support_client.get(url))

    def test_the_way_to_mend_it_is_offered_to_those_who_may(self, support_client, finance_client):
        number = working(status="released")
        page = reverse("telephony:phonenumber_check", args=[number.pk])
        mend = reverse("telephony:phonenumber_reactivate", args=[number.pk])
        assert mend in check_page(support_client.get(page))
        assert mend not in check_page(finance_client.get(page))

    def test_each_number_of_a_tenant_with_what_its_callers_get(self, support_client):
        number = working()
        broken = make_number(number.organization)
        url = reverse("tenants:organization_call_check", args=[number.organization_id])
        html = check_page(support_client.get(url))
        assert "every step is fine" in html and "404 Not Found" in html and str(broken) in html
        assert 'aria-current="page">Calls' in html

    def test_a_number_of_somebody_else_is_said_to_be_so(self, support_client):
        number, tenant = working(), make_organization()
        url = reverse("tenants:organization_call_check", args=[tenant.pk])
        html = check_page(support_client.get(url, {"number": number.e164}))
        assert "This number belongs to" in html and str(number.organization) in html
        assert "No number belongs to this tenant" in html

    def test_needs_the_right_to_see_numbers(self):
        tenant = make_organization()
        client = client_with("tenants.view_organization")
        check_page(client.get(reverse("telephony:call_check")), 403)
        url = reverse("tenants:organization_call_check", args=[tenant.pk])
        assert "telephony.view_phonenumber" in check_page(client.get(url), 403)
        assert url not in check_page(client.get(tenant.get_absolute_url()))

    def test_costs_the_same_for_one_number_and_for_many(self, support_client):
        number = working()
        url = (
            reverse("tenants:organization_call_check", args=[number.organization_id])
            + "?number=%2B14155550100"
        )
        check_page(support_client.get(url))  # what is new about its health is kept once
        few = len(count_queries(support_client, url))
        for _ in range(20):
            make_number(number.organization)
        check_page(support_client.get(url))
        assert len(count_queries(support_client, url)) == few <= 14
