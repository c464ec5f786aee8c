"""The form of a posting: before and after, a balance that moves meanwhile, one row however often it is sent."""

import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.db import connections
from django.urls import reverse

from backoffice import testing
from backoffice.testing_crud import HOSTILE, check_page, client_of, count_queries, form_values
from billing.models import CreditRequest, CreditTransaction
from billing.tests.factories import make_posting, make_request, set_limits
from tenants.models import Organization
from tenants.tests.factories import change, make_organization


def page_of(organization):
    return reverse("billing:post_credit", args=[organization.pk])


def fill(client, organization, **typed):
    data = form_values(client.get(page_of(organization)))
    return {**data, "kind": "top_up", "amount": "25.50", "reason": "Invoice 7", **typed}


def balance_of(organization):
    return Organization.objects.values_list("credits_balance", flat=True).get(pk=organization.pk)


def postings_of(organization):
    return CreditTransaction.objects.filter(organization_id=organization.pk).exclude(
        kind__in=["opening", "outside"]
    )


class TestBeforeAndAfter:
    def test_before_stands_on_the_form_and_after_comes_while_typing(self, finance_client):
        tenant = make_organization(credits_balance="10.00")
        html = check_page(finance_client.get(page_of(tenant)))
        assert "<strong>10.00</strong>" in html and "After" not in html
        data = fill(finance_client, tenant, amount="-2.5")
        response = finance_client.post(
            page_of(tenant), {**data, "_preview": "1"}, headers={"HX-Request": "true"}
        )
        html = response.content.decode()
        assert response.status_code == 200 and "<strong>7.50</strong>" in html and "<form" not in html
        assert not postings_of(tenant).exists()

    @pytest.mark.parametrize("amount", ["", "-", "x", "1.234", "NaN", "\0", "100000000"])
    def test_while_nothing_valid_is_typed_there_is_no_after(self, finance_client, amount):
        tenant = make_organization(credits_balance="10.00")
        data = fill(finance_client, tenant, amount=amount, _preview="1")
        response = finance_client.post(page_of(tenant), data, headers={"HX-Request": "true"})
        html = response.content.decode()
        assert response.status_code == 200 and "<strong>10.00</strong>" in html and "After" not in html

    @pytest.mark.parametrize("htmx", [True, False])
    def test_an_amount_that_passes_the_range_has_no_after_but_a_sentence(self, finance_client, htmx):
        tenant = make_organization(credits_balance="10.00")
        data = fill(finance_client, tenant, amount="99999999.99", _preview="1")
        response = finance_client.post(page_of(tenant), data, headers={"HX-Request": "true"} if htmx else {})
        html = response.content.decode()
        assert response.status_code == (200 if htmx else 422)
        assert "Amount and balance must stay under 100,000,000." in html and "After" not in html
        data = {**data, "amount": "500"}
        html = finance_client.post(page_of(tenant), data, headers={"HX-Request": "true"}).content.decode()
        assert "must stay under" not in html and "<strong>510.00</strong>" in html

    def test_a_minus_can_be_typed_on_a_phone(self, finance_client):
        html = check_page(finance_client.get(page_of(make_organization())))
        (field,) = [tag for tag in html.split("<input") if 'name="amount"' in tag]
        assert "inputmode" not in field.split(">")[0]

    def test_without_javascript_a_button_shows_it(self, finance_client):
        tenant = make_organization(credits_balance="10.00")
        data = fill(finance_client, tenant, _preview="1", reason="")
        html = check_page(finance_client.post(page_of(tenant), data), 422)
        data = {**data, "reason": "Invoice 7"}
        response = finance_client.post(page_of(tenant), data)
        assert "<strong>35.50</strong>" in check_page(response)
        again = form_values(response)
        assert {again[name] for name in ("amount", "reason", "idempotency_key")} == {
            "25.50",
            "Invoice 7",
            data["idempotency_key"],
        }
        assert "_preview" in html and not postings_of(tenant).exists()

    def test_a_balance_that_goes_to_zero_or_below_is_said(self, finance_client):
        tenant = make_organization(credits_balance="10.00")
        for amount, said in (("-9.99", False), ("-10", True), ("-11", True), ("1", False)):
            data = fill(finance_client, tenant, amount=amount, _preview="1")
            html = check_page(finance_client.post(page_of(tenant), data))
            assert ("refuses inbound calls at a balance" in html) == said

    @pytest.mark.parametrize("stored", [None, "0.00"])
    def test_a_balance_that_is_not_set_counts_as_zero(self, finance_client, stored):
        tenant = make_organization(credits_balance=stored)
        data = fill(finance_client, tenant)
        assert finance_client.post(page_of(tenant), data).status_code == 302
        assert balance_of(tenant) == Decimal("25.50")


class TestMovedBalance:
    def test_is_said_before_anything_is_posted(self, finance_client):
        tenant = make_organization(credits_balance="10.00")
        data = fill(finance_client, tenant, note="two\r\nlines", reference="INV-7")
        change(tenant, credits_balance="7.25")
        response = finance_client.post(page_of(tenant), data)
        html = check_page(response, 409)
        assert "The balance moved from 10.00 to 7.25 since this form was opened." in html
        assert "<strong>32.75</strong>" in html
        assert postings_of(tenant).filter(kind="top_up").count() == 0
        again = form_values(response)
        assert {name: again[name] for name in data if name not in ("opened", "csrfmiddlewaretoken")} == {
            name: value for name, value in data.items() if name not in ("opened", "csrfmiddlewaretoken")
        }
        html = check_page(finance_client.post(page_of(tenant), again, follow=True))
        assert "was adjusted: 7.25 → 32.75" in html
        assert balance_of(tenant) == Decimal("32.75")

    def test_of_a_tenant_whose_balance_always_moves_can_be_posted_to(self, finance_client):
        tenant = make_organization(credits_balance="10.00")
        data = fill(finance_client, tenant)
        change(tenant, credits_balance="9.00")
        again = form_values(finance_client.post(page_of(tenant), data))
        change(tenant, credits_balance="8.00")
        html = check_page(finance_client.post(page_of(tenant), again, follow=True))
        assert "was adjusted: 8.00 → 33.50 credits. It had moved from 9.00 meanwhile." in html

    def test_is_said_while_typing_too(self, finance_client):
        tenant = make_organization(credits_balance="10.00")
        data = fill(finance_client, tenant)
        change(tenant, credits_balance="9.00")
        response = finance_client.post(
            page_of(tenant), {**data, "_preview": "1"}, headers={"HX-Request": "true"}
        )
        assert "moved from 10.00 to 9.00" in response.content.decode()
        told = response.context["form"]["opened"].value()
        assert finance_client.post(page_of(tenant), {**data, "opened": told}).status_code == 302

    @pytest.mark.parametrize("opened", ["", "x", "WyIxIl0:x:y", "\0"])
    def test_a_form_that_was_not_opened_here_is_shown_again(self, finance_client, opened):
        tenant = make_organization(credits_balance="10.00")
        response = finance_client.post(page_of(tenant), fill(finance_client, tenant, opened=opened))
        check_page(response, 422)
        assert balance_of(tenant) == 10
        assert finance_client.post(page_of(tenant), {**fill(finance_client, tenant)}).status_code == 302

    def test_a_form_of_another_organization_is_shown_again(self, finance_client):
        one, other = make_organization(credits_balance="10.00"), make_organization(credits_balance="10.00")
        response = finance_client.post(page_of(other), fill(finance_client, one))
        assert "out of date" in check_page(response, 422)
        assert balance_of(other) == 10


class TestLimits:
    def test_are_told_with_what_is_left_of_today(self, finance_client):
        set_limits(per_posting="100.00", per_day="150.00")
        tenant = make_organization()
        finance_client.post(page_of(tenant), fill(finance_client, tenant, amount="-40"))
        html = check_page(finance_client.get(page_of(tenant)))
        assert "<strong>110.00</strong>" in html and "150.00" in html

    def test_what_is_above_is_announced_and_becomes_a_request(self, finance_client, finance):
        set_limits(per_posting="100.00", per_day="150.00")
        tenant = make_organization(credits_balance="10.00")
        data = fill(finance_client, tenant, amount="-100.01", reference="R", note="N")
        html = check_page(finance_client.post(page_of(tenant), {**data, "_preview": "1"}))
        assert "A second person has to approve this." in html and "posts 100.00 credits at once" in html
        html = check_page(finance_client.post(page_of(tenant), data, follow=True))
        assert "they wait for a second person" in html
        (request,) = CreditRequest.objects.all()
        assert (request.amount, request.kind, request.reason) == (Decimal("-100.01"), "top_up", "Invoice 7")
        assert (request.reference, request.note, request.balance_before) == ("R", "N", 10)
        assert (request.requested_by, request.requested_by_name) == (finance.pk, str(finance))
        assert balance_of(tenant) == 10 and not postings_of(tenant).exists()

    def test_splitting_an_amount_runs_into_the_daily_limit(self, finance_client):
        set_limits(per_posting="100.00", per_day="250.00")
        tenants = [make_organization() for _ in range(3)]
        for tenant in tenants:
            finance_client.post(page_of(tenant), fill(finance_client, tenant, amount="100"))
        assert [balance_of(tenant) for tenant in tenants] == [100, 100, 0]
        (request,) = CreditRequest.objects.all()
        assert request.organization_id == tenants[2].pk
        assert "50.00 are left" in check_page(
            finance_client.post(page_of(tenant), fill(finance_client, tenant, amount="50.01", _preview="1"))
        )

    def test_support_asks_for_everything(self, support_client, finance_client):
        tenant = make_organization()
        assert "becomes a request" in check_page(support_client.get(page_of(tenant)))
        support_client.post(page_of(tenant), fill(support_client, tenant, amount="0.01"))
        assert CreditRequest.objects.get().amount == Decimal("0.01") and balance_of(tenant) == 0

    def test_requests_that_wait_stand_beside_the_form(self, finance_client, support):
        tenant = make_organization()
        asked = make_request(support, tenant, reason=HOSTILE)
        html = check_page(finance_client.get(page_of(tenant)))
        assert asked.get_absolute_url() in html and "&lt;script&gt;" in html


class TestSentTwice:
    def test_leads_to_the_posting_it_made(self, finance_client):
        tenant = make_organization()
        data = fill(finance_client, tenant)
        finance_client.post(page_of(tenant), data)
        response = finance_client.post(page_of(tenant), data, follow=True)
        assert "This form was already sent: this is the posting it made" in check_page(response)
        assert response.redirect_chain[0][0] == postings_of(tenant).get().get_absolute_url()

    def test_leads_to_the_request_it_made_even_after_it_was_approved(self, support_client, support):
        tenant = make_organization()
        data = fill(support_client, tenant)
        support_client.post(page_of(tenant), data)
        response = support_client.post(page_of(tenant), data, follow=True)
        assert "this is the request it made" in check_page(response)
        assert CreditRequest.objects.count() == 1

    def test_after_the_limit_was_reached_by_it_is_no_request(self, finance_client):
        set_limits(per_posting="30.00", per_day="30.00")
        tenant = make_organization()
        data = fill(finance_client, tenant)
        for _ in range(2):
            finance_client.post(page_of(tenant), data)
        assert balance_of(tenant) == Decimal("25.50") and not CreditRequest.objects.exists()

    def test_back_and_changed_after_a_request_is_refused_with_a_fresh_key(self, support_client):
        tenant = make_organization()
        data = fill(support_client, tenant)
        support_client.post(page_of(tenant), data)
        response = support_client.post(page_of(tenant), {**data, "reason": "Another"})
        assert "already used for the request" in check_page(response, 422)
        support_client.post(page_of(tenant), form_values(response))
        assert {row.reason for row in CreditRequest.objects.all()} == {"Invoice 7", "Another"}

    def test_the_key_of_a_posting_makes_no_request_either(self, finance_client):
        tenant = make_organization()
        data = fill(finance_client, tenant)
        finance_client.post(page_of(tenant), data)
        check_page(finance_client.post(page_of(tenant), {**data, "amount": "5000"}), 422)
        assert not CreditRequest.objects.exists()


def test_the_form_costs_few_queries(finance_client, support):
    tenant = make_organization()
    few = count_queries(finance_client, page_of(tenant))
    for n in range(6):
        make_posting(tenant, f"{n + 1}.00")
        make_request(support, tenant)
    assert len(count_queries(finance_client, page_of(tenant))) == len(few) <= 12


# At once


def sender(user, url):
    """A function that sends a form as `user` from a thread of its own; asked about a moved balance, it sends again."""

    def send(data):
        try:
            client = client_of(user)
            response = client.post(url, data)
            if response.status_code == 409:
                response = client.post(url, form_values(response))
            return response.status_code
        finally:
            connections.close_all()

    return send


def test_fifty_posts_of_one_form_at_once_make_one_row(fresh_database):
    with fresh_database.platform():
        tenant = make_organization(credits_balance="1.00")
    with fresh_database.django():
        finance = testing.make_user("finance")
        data = fill(client_of(finance), tenant)
        with ThreadPoolExecutor(50) as pool:
            assert list(pool.map(sender(finance, page_of(tenant)), [data] * 50)) == [302] * 50
        assert [row.amount for row in postings_of(tenant)] == [Decimal("25.50")]
        assert balance_of(tenant) == Decimal("26.50") and not CreditRequest.objects.exists()


def test_fifty_posts_of_one_form_above_the_limit_make_one_request(fresh_database):
    with fresh_database.platform():
        tenant = make_organization(credits_balance="1.00")
    with fresh_database.django():
        finance = testing.make_user("finance")
        data = fill(client_of(finance), tenant, amount="1000.01")
        with ThreadPoolExecutor(50) as pool:
            assert list(pool.map(sender(finance, page_of(tenant)), [data] * 50)) == [302] * 50
        assert CreditRequest.objects.get().amount == Decimal("1000.01")
        assert balance_of(tenant) == 1 and not postings_of(tenant).exists()


def test_postings_at_once_beside_the_runtime_are_exact(fresh_database):
    """Twenty people's forms while the platform deducts: nothing is lost, nothing counts twice."""
    with fresh_database.platform():
        tenant = make_organization(credits_balance="100.00")

    def deduct():
        with fresh_database.connect("postgres") as connection:
            for _ in range(20):
                connection.execute(
                    "update public.organizations set credits_balance = credits_balance - 0.37 where id = %s",
                    [tenant.pk],
                )

    with fresh_database.django():
        finance = testing.make_user("finance")
        forms = [fill(client_of(finance), tenant, amount=f"{n}.01") for n in range(1, 21)]
        runtime = threading.Thread(target=deduct)
        runtime.start()
        with ThreadPoolExecutor(20) as pool:
            assert set(pool.map(sender(finance, page_of(tenant)), forms)) == {302}
        runtime.join()
        expected = 100 + sum(Decimal(f"{n}.01") for n in range(1, 21)) - 20 * Decimal("0.37")
        rows = list(CreditTransaction.objects.filter(organization_id=tenant.pk).order_by("id"))
        assert balance_of(tenant) == expected == sum(row.amount for row in rows)
        assert len(rows) == 41
        running = Decimal(0)
        for row in rows:
            running += row.amount
            assert row.balance_after == running
