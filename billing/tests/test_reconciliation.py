"""Reconciliation: each rule with a fault that it finds and a near miss that it does not; clean data gives nothing."""

import datetime
from decimal import Decimal

import pytest
from django.db import connection
from django.urls import reverse

from backoffice.testing_crud import check_page, client_of
from billing.reconciliation.check import Check
from billing.tests.factories import (
    make_adoption,
    make_outside,
    make_posting,
    make_reversal,
)
from tenants.tests.factories import make_organization

CENT = Decimal("0.01")
FIRST = datetime.date(2026, 3, 1)
WATERMARK = datetime.date(2026, 3, 10)
MIDNIGHT = datetime.datetime(2026, 3, 11, tzinfo=datetime.UTC)  # the end of the watermark's day
SECOND = datetime.timedelta(seconds=1)


def check(organization=None):
    """The Result of a check inside the test's own transaction."""
    with connection.cursor() as cursor:
        return Check(cursor, organization and organization.pk).run()


def found(result=None):
    """[(rule, amount)] of what a check finds, outside changes left out."""
    return [(finding.rule, finding.amount) for finding in (result or check()).findings]


def only(result):
    (finding,) = result.findings
    return finding


@pytest.fixture
def without_ledger(owner):
    """Runs SQL as somebody who has put the ledger's triggers out of action."""

    def run(statement, params=None):
        owner("alter table organizations disable trigger record_credit_change")
        owner("alter table credit_transactions disable trigger refuse_ledger_change")
        try:
            owner(statement, params)
        finally:
            owner("alter table organizations enable trigger record_credit_change")
            owner("alter table credit_transactions enable trigger refuse_ledger_change")

    return run


class TestBalance:
    def test_clean_data_gives_nothing(self, db):
        tenant = make_organization()
        make_posting(tenant, "10.00")
        make_outside(tenant, "-0.01")
        make_organization(credits_balance=None)
        result = check()
        assert (found(result), result.drift) == ([], 0)
        assert result.balance == result.ledger == Decimal("9.99")

    def test_one_cent_beside_the_ledger_is_found_after_its_last_row(self, without_ledger):
        tenant, other = make_organization(), make_organization()
        make_posting(tenant, "10.00")
        last = make_posting(tenant, "-2.50", "correction")
        make_posting(other, "10.00")
        without_ledger(
            "update organizations set credits_balance = credits_balance + 0.01 where id = %s", [tenant.pk]
        )
        finding = only(check())
        assert (finding.rule, finding.organization_id, finding.amount) == ("balance", tenant.pk, CENT)
        assert (finding.diverged_at, finding.is_after) == (last.created_at, True)
        assert check(tenant).drift == 1 and check(other).drift == 0

    def test_a_row_that_is_gone_is_found_where_the_next_one_begins(self, without_ledger):
        tenant = make_organization()
        make_posting(tenant, "10.00")
        gone = make_posting(tenant, "0.01")
        first = make_posting(tenant, "5.00")
        make_posting(tenant, "5.00")
        without_ledger("delete from credit_transactions where id = %s", [gone.pk])
        result = check()
        assert found(result) == [("balance", CENT), ("chain", CENT)]
        for finding in result.findings:
            assert (finding.diverged_at, finding.is_after) == (first.created_at, False)
            assert str(first.pk) not in finding.organization_name
        assert f"#{first.pk}" in result.findings[1].detail

    def test_a_balance_without_any_row_has_no_time(self, without_ledger):
        tenant = make_organization()
        without_ledger("update organizations set credits_balance = 0.01 where id = %s", [tenant.pk])
        finding = only(check())
        assert (finding.amount, finding.diverged_at, finding.is_after) == (CENT, None, False)

    @pytest.mark.parametrize("odd", [None, "NaN"])
    def test_no_balance_counts_as_zero(self, without_ledger, odd):
        tenant = make_organization()
        without_ledger("update organizations set credits_balance = %s where id = %s", [odd, tenant.pk])
        assert found() == []
        without_ledger("update organizations set credits_balance = 0 where id = %s", [tenant.pk])
        make_posting(tenant, "0.01")
        without_ledger("update organizations set credits_balance = %s where id = %s", [odd, tenant.pk])
        assert found() == [("balance", -CENT)]

    def test_a_row_dated_infinity_is_no_drift(self, without_ledger):
        tenant = make_organization()
        row = make_posting(tenant, "1.00")
        without_ledger("update credit_transactions set created_at = 'infinity' where id = %s", [row.pk])
        assert found() == []
        without_ledger("update organizations set credits_balance = 2 where id = %s", [tenant.pk])
        assert only(check()).diverged_at.year == 9999


class TestChain:
    def test_a_row_that_does_not_continue_the_one_before(self, without_ledger):
        tenant = make_organization()
        make_posting(tenant, "1.00")
        second = make_posting(tenant, "2.00")
        without_ledger(
            "update credit_transactions set balance_after = balance_after + 0.01 where id = %s", [second.pk]
        )
        finding = only(check())
        assert (finding.rule, finding.amount, finding.diverged_at) == ("chain", CENT, second.created_at)
        without_ledger(
            "update credit_transactions set balance_after = balance_after - 0.01 where id = %s", [second.pk]
        )
        assert found() == []

    def test_a_first_row_begins_at_zero(self, without_ledger):
        row = make_posting(make_organization(), "1.00")
        without_ledger("update credit_transactions set balance_after = 1.01 where id = %s", [row.pk])
        assert found() == [("chain", CENT)]

    def test_a_balance_after_that_is_no_number(self, without_ledger):
        row = make_posting(make_organization(), "1.00")
        without_ledger("update credit_transactions set balance_after = 'NaN' where id = %s", [row.pk])
        assert found() == [("chain", None)]

    def test_two_organizations_are_two_chains(self, db):
        one, other = make_organization(), make_organization()
        for amount in ("1.00", "2.00"):
            make_posting(one, amount)
            make_posting(other, amount)
        assert found() == []

    def test_what_running_the_schema_again_repaired_is_known_and_no_drift(self, owner, without_ledger):
        tenant = make_organization()
        make_posting(tenant, "1.00")
        without_ledger("update organizations set credits_balance = 6 where id = %s", [tenant.pk])
        make_posting(tenant, "1.00")
        assert {rule for rule, _ in found()} == {"balance", "chain"}
        owner(
            "insert into credit_transactions (organization_id, organization_name, amount, balance_after, kind, reason,"
            " actor, db_role) values (%s, '', 5, 7, 'outside', 'Changed while the ledger was off', 'x', 'postgres')",
            [tenant.pk],
        )
        result = check()
        assert (found(result), result.drift) == ([("repaired", Decimal("5.00"))], 0)


class TestVanished:
    def test_a_ledger_that_was_not_closed(self, owner, without_ledger):
        tenant = make_organization(name="Gone Ltd")
        row = make_posting(tenant, "0.01")
        without_ledger("delete from organizations where id = %s", [tenant.pk])
        finding = only(check())
        assert (finding.rule, finding.amount, finding.organization_name) == ("vanished", CENT, "Gone Ltd")
        assert (finding.diverged_at, finding.is_after) == (row.created_at, True)

    def test_an_organization_that_was_deleted_with_its_closing_row(self, owner):
        tenant = make_organization()
        make_posting(tenant, "0.01")
        owner("delete from organizations where id = %s", [tenant.pk])
        assert found() == []


class TestOutside:
    def test_what_nobody_stands_for_is_counted_and_no_drift(self, finance):
        make_outside(amount="-1.00")
        make_outside(amount="0.50")
        make_adoption(make_outside(), actor=finance)
        make_reversal(make_outside())
        half = make_outside(amount="-4.00")
        make_reversal(half, "1.00")
        result = check()
        assert result.found == {"outside": [3, Decimal("5.50")]}
        assert result.drift == 0
        url = f"{reverse('billing:credittransaction_list')}?outside=unexplained"
        assert "3 credit transactions" in check_page(client_of(finance).get(url))
