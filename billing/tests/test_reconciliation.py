"""Reconciliation: each rule with a fault that it finds and a near miss that it does not; clean data gives nothing."""

import datetime
import hashlib
import json
from decimal import Decimal

import pytest
from django.db import connection
from django.urls import reverse
from psycopg.rows import tuple_row

from agents.tests.factories import make_agent
from backoffice.demo import load as demo
from backoffice.testing_crud import check_page, client_of
from billing.models import UsageLog
from billing.reconciliation.check import Check, checking
from billing.tests.factories import (
    make_adoption,
    make_back_dated,
    make_finding,
    make_outside,
    make_posting,
    make_reversal,
    make_run,
    make_statement,
    make_usage,
)
from telephony.tests.factories import make_call
from tenants.models import Organization
from tenants.tests.factories import change, make_organization

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


@pytest.fixture
def settlement_on(settings):
    settings.SETTLEMENT_FROM = FIRST


def put(owner, table, **values):
    """A row as the database's owner could write it, of whatever columns the table has; its id, if it has one."""
    owner(
        f"insert into billing.{table} overriding system value"
        f" select (jsonb_populate_record(null::billing.{table}, %s::jsonb)).*",
        [json.dumps(values, default=str)],
    )


def settle(owner, tenant, *rows, amount=None, estimated=()):
    """The settlement of WATERMARK with its posting, for usage and calls; returns its id."""
    day = {"day": WATERMARK, "usage_rate": 1, "call_rate": 1, "with_estimates": True, "actor": "x"}
    times = {"started_at": MIDNIGHT, "finished_at": MIDNIGHT}
    if not owner("select 1 from billing.settlement_day where day = %s", [WATERMARK]):
        put(owner, "settlement_day", id=1, **day, **times)
    cost = {False: Decimal(0), True: Decimal(0)}
    for row in rows:
        cost[isinstance(row, UsageLog)] += cost_of(row)
    total = sum(cost.values()) if amount is None else Decimal(amount)
    posting = make_posting(tenant, -total, "settlement") if total else None
    if posting:
        owner("alter table credit_transactions disable trigger refuse_ledger_change")
        owner("update credit_transactions set db_role = 'backoffice' where id = %s", [posting.pk])
        owner("alter table credit_transactions enable trigger refuse_ledger_change")
    pk = 1000 + len(owner("select 1 from billing.settlement"))
    put(
        owner,
        "settlement",
        id=pk,
        organization_id=tenant.pk,
        organization_name=tenant.name,
        day=WATERMARK,
        usage_cost=cost[True],
        call_cost=cost[False],
        estimated_cost=sum(cost_of(row) for row in estimated),
        late_cost=0,
        amount=total,
        transaction_id=posting and posting.pk,
        created_at=MIDNIGHT,
    )
    for row in rows:
        put(
            owner,
            "settled_row",
            settlement_id=pk,
            source="usage" if isinstance(row, UsageLog) else "call",
            row_id=row.pk,
            organization_id=tenant.pk,
            day=WATERMARK,
            cost=cost_of(row),
            total=cost_of(row),
            is_estimated=row in estimated,
            is_late=False,
            is_current=True,
        )
    return pk


def cost_of(row):
    return (row.cost_usd if isinstance(row, UsageLog) else row.cost) or Decimal("0.5000")


@pytest.fixture
def tenant(db):
    return make_agent().organization


def use(tenant, cost="1.0000", at=MIDNIGHT - SECOND):
    agent = tenant.agents.first()
    return make_usage(agent, cost_usd=cost and Decimal(cost), created_at=at)


def call(tenant, cost="2.0000", at=MIDNIGHT - SECOND):
    return make_call(tenant, cost=Decimal(cost), created_at=at)


class TestSettlement:
    def test_settlements_that_are_their_postings(self, owner, tenant, settlement_on):
        settle(owner, tenant, use(tenant), call(tenant))
        settle(owner, make_organization())  # nothing to take, so nothing was posted
        result = check()
        assert (found(result), result.found) == ([], {})
        assert (result.settled, result.late, result.pending) == (3, 0, 0)

    def test_a_posting_of_another_amount(self, owner, tenant, settlement_on):
        pk = settle(owner, tenant, use(tenant))
        owner("update billing.settlement set amount = 1.01 where id = %s", [pk])
        assert found() == [("settlement", CENT)]
        assert "it says 1.01, its posting 1.00" in only(check()).detail

    def test_a_posting_that_is_missing(self, owner, tenant, settlement_on):
        pk = settle(owner, tenant, use(tenant))
        owner("update billing.settlement set transaction_id = null where id = %s", [pk])
        # Its posting is one of the back office's without a settlement now.
        assert found() == [("settlement", Decimal("1.00")), ("settlement", Decimal("-1.00"))]

    def test_a_posting_of_another_organization(self, owner, tenant, settlement_on):
        pk = settle(owner, tenant, use(tenant))
        owner(
            "update billing.settlement set organization_id = %s where id = %s", [make_organization().pk, pk]
        )
        assert "another organization's" in check().findings[0].detail

    @pytest.mark.parametrize("off, faults", [("0.0001", 1), ("0", 0)])
    def test_costs_that_are_not_those_of_its_rows(self, owner, tenant, settlement_on, off, faults):
        settle(owner, tenant, use(tenant), call(tenant))
        owner("update billing.settled_row set cost = cost + %s where source = 'call'", [off])
        assert len([rule for rule, _ in found() if rule == "settlement"]) == faults

    def test_the_runtimes_own_settlements_need_no_record(self, tenant):
        make_posting(tenant, "-1.00", "settlement")  # as the platform
        assert found() == []


class TestUsage:
    def test_while_settlement_is_off_nothing_is_late(self, tenant):
        use(tenant)
        call(tenant)
        result = check()
        assert (found(result), result.pending, result.late) == ([], 3, 0)

    def test_the_moment_that_ends_the_watermarks_day_is_pending_and_the_one_before_is_late(
        self, owner, tenant, settlement_on
    ):
        settle(owner, tenant, use(tenant))
        use(tenant, "0.2500", at=MIDNIGHT)
        call(tenant, "0.5000", at=MIDNIGHT + SECOND)
        result = check()
        assert (found(result), result.pending) == ([], Decimal("0.75"))
        use(tenant, "0.0001", at=MIDNIGHT - SECOND)
        result = check()
        assert found(result) == [("late", Decimal("0.0001"))]
        assert (result.drift, result.late, result.pending) == (0, Decimal("0.0001"), Decimal("0.75"))

    def test_before_the_first_day_nothing_is_settled(self, owner, tenant, settlement_on):
        settle(owner, tenant, use(tenant))
        start = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)
        use(tenant, at=start - SECOND)
        use(tenant, at=None)
        assert found() == []
        use(tenant, at=start)
        assert found() == [("late", Decimal("1.0000"))]

    def test_before_the_first_settlement_all_is_pending(self, tenant, settlement_on):
        use(tenant)
        result = check()
        assert (found(result), result.pending) == ([], 1)

    def test_a_cost_that_rose_is_late_and_one_that_fell_is_corrected(self, owner, tenant, settlement_on):
        usage, calls = use(tenant), call(tenant)
        settle(owner, tenant, usage, calls)
        change(usage, cost_usd=Decimal("1.0100"))
        change(calls, cost=Decimal("1.9500"))
        result = check()
        assert found(result) == [("late", CENT), ("corrected", Decimal("0.05"))]
        assert result.drift == 0

    def test_an_estimate_stays_until_there_is_a_cost(self, owner, tenant, settlement_on):
        usage = use(tenant, None)
        settle(owner, tenant, usage, estimated=[usage])
        assert found() == []
        change(usage, cost_usd=Decimal("0.6000"))
        assert found() == [("late", Decimal("0.1"))]

    @pytest.mark.parametrize("odd", ["NaN", "-1.0000"])
    def test_what_is_no_cost_is_not_settled_and_no_drift(self, owner, tenant, settlement_on, odd):
        settle(owner, tenant, use(tenant))
        owner("update usage_logs set cost_usd = %s where id = %s", [odd, use(tenant).pk])
        assert found() == []

    def test_usage_dated_infinity_is_pending(self, owner, tenant, settlement_on):
        settle(owner, tenant, use(tenant))
        late = use(tenant)
        owner("update usage_logs set created_at = 'infinity' where id = %s", [late.pk])
        result = check()
        assert (found(result), result.pending) == ([], 1)

    def test_usage_that_is_gone_with_its_agent_stays_settled(self, owner, tenant, settlement_on):
        usage = use(tenant)
        settle(owner, tenant, usage)
        owner("delete from usage_logs where id = %s", [usage.pk])
        result = check()
        assert (found(result), result.settled) == ([], 1)

    def test_the_page_shows_what_is_pending_now_and_what_was_late(
        self, owner, tenant, settlement_on, finance_client
    ):
        settle(owner, tenant, use(tenant))
        use(tenant, "0.1250", at=MIDNIGHT)
        run = make_run(settled_from=FIRST, watermark=WATERMARK)
        make_finding(run, tenant, "late", amount=Decimal("0.0625"))
        row = check_page(finance_client.get("/billing/reconciliation/", {"q": str(tenant.pk)}))
        for amount in ("1.0000", "0.1250", "0.0625"):
            assert amount in row


@pytest.fixture
def thaw(owner):
    """Changes a statement as the database's owner could."""

    def run(statement, **values):
        assignments = ", ".join(f"{column} = %s" for column in values)
        owner("alter table billing.statement disable trigger user")
        owner(f"update billing.statement set {assignments} where id = %s", [*values.values(), statement.pk])
        owner("alter table billing.statement enable trigger user")

    return run


def statement_faults():
    return [(f.organization_id, f.amount) for f in check().findings if f.rule == "statement"]


class TestStatements:
    MARCH, APRIL = datetime.date(2026, 3, 1), datetime.date(2026, 4, 1)

    @pytest.fixture
    def two_months(self, db):
        """A tenant with an opening, two closed months, and a posting of March that came after its closing."""
        tenant = make_organization()
        make_back_dated(tenant, "5.00", datetime.datetime(2026, 2, 28, 23, 59, 59, tzinfo=datetime.UTC))
        make_back_dated(tenant, "10.00", datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC))
        march = make_statement(tenant, self.MARCH)
        make_back_dated(tenant, "-1.00", datetime.datetime(2026, 3, 31, tzinfo=datetime.UTC))
        make_back_dated(tenant, "2.00", datetime.datetime(2026, 4, 30, tzinfo=datetime.UTC))
        return march, make_statement(tenant, self.APRIL)

    def test_months_that_add_up(self, two_months):
        march, april = two_months
        assert (march.opening, march.closing, april.closing) == (5, 15, 16)
        make_back_dated(make_organization(), "3.00", datetime.datetime(2026, 3, 5, tzinfo=datetime.UTC))
        assert statement_faults() == []

    def test_what_comes_after_the_last_closing_is_no_fault(self, two_months):
        make_back_dated(
            Organization.objects.get(pk=two_months[0].organization_id),
            "4.00",
            datetime.datetime(2026, 4, 1, tzinfo=datetime.UTC),
        )
        assert statement_faults() == []

    def test_a_content_that_was_changed(self, two_months, thaw):
        march, _ = two_months
        thaw(march, content=march.content + " ")
        ((organization, amount),) = statement_faults()
        assert (organization, amount) == (march.organization_id, Decimal(0))
        sha256 = hashlib.sha256((march.content + " ").encode()).hexdigest()
        thaw(march, sha256=sha256)
        assert statement_faults() == []

    def test_a_closing_that_is_off_is_found_there_and_where_the_next_month_opens(self, two_months, thaw):
        march, _ = two_months
        thaw(march, closing=march.closing + CENT)
        assert [amount for _, amount in statement_faults()] == [CENT, -CENT]

    def test_a_first_opening_is_the_ledger_before(self, two_months, thaw):
        march, april = two_months
        thaw(march, opening=march.opening + CENT, closing=march.closing + CENT)
        thaw(april, opening=april.opening + CENT, closing=april.closing + CENT)
        assert [amount for _, amount in statement_faults()] == [CENT]

    def test_a_row_that_is_gone_from_a_closed_month(self, two_months, without_ledger):
        march, _ = two_months
        without_ledger(
            "delete from credit_transactions where organization_id = %s and amount = 10",
            [march.organization_id],
        )
        assert statement_faults() == [(march.organization_id, Decimal("10.00"))]


def test_the_demo_is_clean(fresh_database):
    with fresh_database.connect("postgres", row_factory=tuple_row) as connection:
        demo.load(connection, until=datetime.datetime(2026, 3, 10, 12, tzinfo=datetime.UTC))
    with fresh_database.django(), checking() as of_all:
        result = of_all.run()
    assert (result.drift, result.balance) == (0, result.ledger)
    assert result.organizations > 10
