"""The credit ledger and its plain posting: once, in range, with who and why; changes from outside shown as such."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import ProgrammingError, connection
from django.urls import reverse

from backoffice.services import acting
from backoffice.testing_crud import HOSTILE, PageTests, check_page, form_values
from billing.models import CreditTransaction
from billing.services import post_credit
from billing.tests.factories import make_posting, set_limits
from tenants.tests.factories import change, make_organization


class TestLedgerPages(PageTests):
    model = CreditTransaction
    odd_rows = False  # the ledger cannot be altered: what it may hold comes by inserting, see below

    def make(self, n):
        return make_posting(make_organization(), f"{n + 1}.00")

    def test_rows_that_nobody_expected_are_shown(self, admin_client, owner):
        ((pk,),) = owner(
            "insert into credit_transactions (organization_id, organization_name, amount, balance_after, kind, reason,"
            " reference, note, actor, db_role, created_at)"
            " values (gen_random_uuid(), %s, -0.01, 'NaN', 'outside', %s, %s, %s, %s, '', 'infinity') returning id",
            [HOSTILE, HOSTILE, "x" * 100_000, "x" * 1_000_000, HOSTILE],
        )
        for url in (self.url("list"), self.url("detail", pk)):
            assert "&lt;script&gt;" in check_page(admin_client.get(url))


def test_a_posting_shows_its_sign_and_its_thousands(finance_client):
    html = check_page(finance_client.get(make_posting(amount="1250.00").get_absolute_url()))
    assert "<h1" in html and "+1,250.00 Top-up" in html and html.count("+1,250.00") >= 2


def post_page(organization):
    return reverse("billing:post_credit", args=[organization.pk])


def fill(client, organization, **typed):
    data = form_values(client.get(post_page(organization)))
    return {**data, "kind": "top_up", "amount": "25.50", "reason": "Invoice 7", **typed}


class TestPosting:
    def test_adds_to_the_balance_and_keeps_who_and_why(self, finance_client, finance):
        tenant = make_organization(credits_balance="10.00")
        check_page(finance_client.get(post_page(tenant)))
        data = fill(finance_client, tenant, reference="INV-7", note="by phone")
        html = check_page(finance_client.post(post_page(tenant), data, follow=True))
        assert "was adjusted: 10.00 → 35.50" in html
        row = CreditTransaction.objects.first()
        assert (row.amount, row.balance_after, row.kind) == (Decimal("25.50"), Decimal("35.50"), "top_up")
        assert (row.reason, row.reference, row.note) == ("Invoice 7", "INV-7", "by phone")
        assert (row.actor, row.actor_id, row.db_role) == (str(finance), finance.pk, "backoffice")

    @pytest.mark.parametrize(
        "amount",
        [
            "0",
            "0.00",
            "0.001",
            "1.234",
            "1e9",
            "100000000",
            "-100000000",
            "NaN",
            "sNaN",
            "Infinity",
            "-Infinity",
            "ten",
            "",
            "1,5",
            "١",
            "1e-3",
            "9" * 400,
            "\0",
        ],
    )
    def test_an_amount_that_is_none_is_refused_beside_its_field_and_kept(self, finance_client, amount):
        tenant = make_organization(credits_balance="10.00")
        response = finance_client.post(post_page(tenant), fill(finance_client, tenant, amount=amount))
        assert 'id="id_amount_error"' in check_page(response, 422)
        again = form_values(response)
        assert again["reason"] == "Invoice 7"
        tenant.refresh_from_db()
        assert tenant.credits_balance == 10

    @pytest.mark.parametrize("amount", ["-10.00", "0.01", "89999999.99", "-99999999.99", "5", "+5", " 5 "])
    def test_amounts_in_range_are_posted(self, finance, finance_client, amount):
        set_limits()
        tenant = make_organization(credits_balance="10.00")
        assert (
            finance_client.post(post_page(tenant), fill(finance_client, tenant, amount=amount)).status_code
            == 302
        )
        tenant.refresh_from_db()
        assert tenant.credits_balance == 10 + Decimal(amount.strip())

    def test_a_balance_that_would_not_fit_is_refused_with_a_sentence(self, finance_client):
        tenant = make_organization(credits_balance="10.00")
        response = finance_client.post(post_page(tenant), fill(finance_client, tenant, amount="99999999.99"))
        assert "must stay under 100,000,000" in check_page(response, 422)

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("kind", "settlement"),
            ("kind", "reversal"),
            ("kind", "outside"),
            ("kind", ""),
            ("reason", ""),
            ("reason", " "),
            ("reason", "x" * 501),
            ("reference", "x" * 201),
            ("idempotency_key", ""),
            ("idempotency_key", "x"),
        ],
    )
    def test_other_wrong_input_is_refused(self, finance_client, field, value):
        tenant = make_organization()
        response = finance_client.post(post_page(tenant), fill(finance_client, tenant, **{field: value}))
        check_page(response, 422)
        assert list(response.context["form"].errors) == [field]
        assert not CreditTransaction.objects.exists()

    def test_a_balance_not_set_counts_as_zero(self, finance):
        tenant = make_organization(credits_balance=None)
        row = post_credit(tenant, actor=finance, reason="r", kind="goodwill", amount=Decimal("1.00"))
        assert row.balance_after == 1

    def test_the_same_form_counts_once(self, finance_client):
        tenant = make_organization()
        data = fill(finance_client, tenant)
        for _ in range(3):
            assert finance_client.post(post_page(tenant), data).status_code == 302
        assert CreditTransaction.objects.count() == 1

    def test_the_same_form_with_another_amount_is_refused(self, finance_client):
        tenant = make_organization()
        data = fill(finance_client, tenant)
        finance_client.post(post_page(tenant), data)
        response = finance_client.post(post_page(tenant), {**data, "amount": "99.00"})
        assert "already used for the posting +25.50 Top-up" in check_page(response, 422)
        assert CreditTransaction.objects.count() == 1
        again = form_values(response)
        assert again["amount"] == "99.00" and again["idempotency_key"] != data["idempotency_key"]
        assert finance_client.post(post_page(tenant), again).status_code == 302
        assert CreditTransaction.objects.count() == 2

    def test_two_forms_are_two_postings(self, finance_client):
        tenant = make_organization()
        keys = {fill(finance_client, tenant)["idempotency_key"] for _ in range(3)}
        assert len(keys) == 3

    def test_is_for_finance_and_support_alone(self, manager_client, admin_client):
        tenant = make_organization()
        for client in (manager_client, admin_client):
            html = check_page(client.post(post_page(tenant), {"amount": "5"}), 403)
            assert "billing.request_credit" in html
        assert not CreditTransaction.objects.exists()

    def test_organization_that_is_gone_is_refused(self, finance, owner):
        tenant = make_organization()
        owner("delete from organizations where id = %s", [tenant.pk])
        with pytest.raises(ValidationError, match="no such organization"):
            post_credit(tenant, actor=finance, reason="r", kind="goodwill", amount=Decimal("1.00"))


class TestOutsideChanges:
    def test_are_shown_as_such_and_add_up(self, finance_client):
        tenant = make_organization()
        make_posting(tenant, "10.00")
        change(tenant, credits_balance="7.25")
        row = CreditTransaction.objects.first()
        assert (row.kind, row.amount, row.actor) == ("outside", Decimal("-2.75"), "postgres")
        html = check_page(finance_client.get(row.get_absolute_url()))
        assert "did not come through the back office: database role postgres made it" in html
        response = finance_client.get(reverse("billing:credittransaction_list"), {"kind": "outside"})
        assert response.context["rows"] == [row] and "status--bad" in check_page(response)
        assert "by postgres" in check_page(response)
        assert sum(row.amount for row in CreditTransaction.objects.all()) == Decimal("7.25")

    def test_ledger_of_an_organization_that_is_gone_is_shown(self, finance_client, owner):
        tenant = make_organization(name="Gone Ltd")
        row = make_posting(tenant, "10.00")
        owner("delete from organizations where id = %s", [tenant.pk])
        for url in (row.get_absolute_url(), reverse("billing:credittransaction_list")):
            html = check_page(finance_client.get(url))
            assert "Gone Ltd" in html and tenant.get_absolute_url() not in html
        rows = finance_client.get(reverse("billing:credittransaction_list"), {"q": str(tenant.pk)}).context[
            "rows"
        ]
        assert {row.kind for row in rows} == {"top_up", "closing"}


@pytest.mark.parametrize(
    "statement",
    [
        "update credit_transactions set amount = 1",
        "delete from credit_transactions",
        "update organizations set credits_balance = 1",
    ],
)
def test_nothing_of_the_ledger_can_be_changed_by_the_app(finance, statement):
    make_posting()
    with pytest.raises(ProgrammingError, match="permission denied"), acting(finance, "r"):
        execute(statement)


def execute(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
