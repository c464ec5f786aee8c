"""Months that are closed: frozen, chained, made again with the same fingerprint; what comes later lands in the next."""

import csv
import hashlib
import io
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import ProgrammingError, connection, connections
from django.urls import reverse

from agents.tests.factories import make_agent
from backoffice import jobs, months, testing
from backoffice.models import AuditEvent, Job, ReadLog
from backoffice.services import acting
from backoffice.testing import platform
from backoffice.testing_crud import HOSTILE, PageTests, check_page, form_values, set_column
from billing.models import Statement
from billing.statements import closing, content
from billing.tests.factories import make_back_dated, make_statement, make_usage
from telephony.tests.factories import make_call
from tenants.tests.factories import change, make_organization

AUGUST, SEPTEMBER, OCTOBER = date(2025, 8, 1), date(2025, 9, 1), date(2025, 10, 1)
CLOSE = "/billing/statements/close/"


def at(month, day=1, **clock):
    return datetime(month.year, month.month, day, **clock, tzinfo=UTC)


def make_tenant(**fields):
    return make_organization(created_at=datetime(2025, 1, 1, tzinfo=UTC), **fields)


def read(statement):
    return content.Content(statement.content)


class TestStatementPages(PageTests):
    model = Statement
    odd_rows = False  # a statement cannot be altered

    def make(self, n):
        month = months.before(months.current())
        for _ in range(n % 3):
            month = months.before(month)
        return make_statement(month=month)

    def spread(self, rows, order):
        return "month"

    def test_rows_that_nobody_expected_are_shown(self, admin_client):
        tenant = make_tenant(name=HOSTILE)
        make_back_dated(tenant, "1.00", at(SEPTEMBER), reason=HOSTILE, reference=HOSTILE, kind="outside")
        agent = make_agent(tenant)
        usage = make_usage(agent, created_at=at(SEPTEMBER), model_used=HOSTILE, channel=HOSTILE)
        set_column(usage, "cost_usd", "NaN")
        statement = make_statement(tenant, SEPTEMBER)
        for page in ("list", "detail"):
            assert "&lt;script&gt;" in check_page(admin_client.get(self.url(page, statement.pk)))
        lines = admin_client.get(reverse("billing:statement_csv", args=[statement.pk])).getvalue().decode()
        assert len(list(csv.reader(io.StringIO(lines)))) == 8


@pytest.mark.usefixtures("db")
class TestContent:
    def test_opening_postings_and_closing_add_up_at_exact_midnights(self):
        tenant = make_tenant()
        midnight, last = at(OCTOBER), at(OCTOBER) - timedelta(microseconds=1)
        make_back_dated(tenant, "100.00", at(SEPTEMBER) - timedelta(microseconds=1))
        make_back_dated(tenant, "10.00", at(SEPTEMBER))
        make_back_dated(tenant, "-3.33", last, kind="settlement")
        make_back_dated(tenant, "7.00", midnight)
        september, october = make_statement(tenant, SEPTEMBER), make_statement(tenant, OCTOBER)
        assert (september.opening, september.closing) == (100, Decimal("106.67"))
        assert (october.opening, october.closing) == (Decimal("106.67"), Decimal("113.67"))
        assert [row["amount"] for row in read(september).data["postings"]] == ["10.00", "-3.33"]
        assert [(row["kind"], row["rows"], row["amount"]) for row in read(september).data["by_kind"]] == [
            ("settlement", 1, "-3.33"),
            ("top_up", 1, "10.00"),
        ]
        assert [row["balance"] for row in read(september).postings][-1] == september.closing

    def test_usage_and_calls_of_the_month_with_what_they_lack(self):
        tenant = make_tenant()
        agent = make_agent(tenant)
        for moment, fields in [
            (at(SEPTEMBER), {"cost_usd": "0.1000", "model_used": "m"}),
            (at(SEPTEMBER, 5), {"cost_usd": None, "model_used": None, "channel": None}),
            (at(SEPTEMBER, 5), {"cost_usd": "0.0001", "model_used": "", "channel": "", "tokens_used": None}),
            (at(OCTOBER), {"cost_usd": "9"}),
            (at(SEPTEMBER) - timedelta(microseconds=1), {"cost_usd": "9"}),
            (None, {"cost_usd": "9"}),
        ]:
            make_usage(agent, created_at=moment, **fields)
        make_call(tenant, created_at=at(SEPTEMBER), duration_seconds=61, cost="0.5000")
        last = make_usage(agent, created_at=at(OCTOBER) - timedelta(microseconds=1), model_used="m")
        set_column(last, "cost_usd", "NaN")
        call = make_call(tenant, created_at=at(SEPTEMBER), duration_seconds=None)
        set_column(call, "cost", "NaN")
        found = read(make_statement(tenant, SEPTEMBER))
        assert found.usage == {
            "rows": 4, "tokens": 300, "cost": "0.1001", "without_cost": 2,
            "parts": [
                {"channel": "text", "model": "m", "rows": 2, "tokens": 200, "cost": "0.1000", "without_cost": 1},
                {"channel": None, "model": None, "rows": 2, "tokens": 100, "cost": "0.0001", "without_cost": 1},
            ],
        }  # fmt: skip
        assert found.calls == {
            "rows": 2, "seconds": 61, "cost": "0.5000", "without_cost": 1, "zero_duration": 1
        }  # fmt: skip

    def test_is_canonical_and_hashed_to_the_byte(self):
        tenant = make_tenant(name='Zoë "& Co" \\ 日本')
        make_back_dated(tenant, "1.00", at(SEPTEMBER), reason="a\nb\t\u2028", reference=None)
        statement = make_statement(tenant, SEPTEMBER)
        text = statement.content
        assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert hashlib.sha256(text.encode()).hexdigest() == statement.sha256

    @pytest.mark.parametrize(
        "setting",
        ["timezone = 'Pacific/Auckland'", "datestyle = 'German'", "extra_float_digits = 0", "lc_time = 'C'"],
    )
    def test_made_again_it_is_the_same_whatever_the_session_is_set_to(self, setting):
        tenant = make_tenant()
        make_back_dated(tenant, "1.50", at(SEPTEMBER))
        make_usage(make_agent(tenant), created_at=at(SEPTEMBER, 30, hour=23), cost_usd="0.0100")
        statement = make_statement(tenant, SEPTEMBER)
        with connection.cursor() as cursor:
            cursor.execute(f"set local {setting}")
        assert content.check(statement).is_same

    def test_closed_again_it_is_the_same_row(self, finance):
        tenant = make_tenant()
        one, other = (
            closing.close_month(tenant.pk, SEPTEMBER, actor=finance, reason=why) for why in ("First", "Again")
        )
        assert one == other and Statement.objects.count() == 1
        event = AuditEvent.objects.of(one).get()
        assert (event.actor, event.reason, event.source) == (str(finance), "First", "app")
        assert event.new["sha256"] == one.sha256 and "content" not in event.new


class TestLaterCorrections:
    def test_a_reversal_lands_in_the_next_month_with_a_link(self, finance_client):
        tenant = make_tenant()
        paid = make_back_dated(tenant, "50.00", at(SEPTEMBER, 3))
        september = make_statement(tenant, SEPTEMBER)
        make_back_dated(tenant, "-20.00", at(OCTOBER, 4), kind="reversal", reverses=paid)
        october = make_statement(tenant, OCTOBER)
        (row,) = read(october).data["postings"]
        assert (row["of_month"], row["reverses"], row["late"]) == ("2025-09", str(paid.pk), False)
        assert september.get_absolute_url() in check_page(finance_client.get(october.get_absolute_url()))
        assert (october.opening, october.closing) == (september.closing, 30)
        assert content.check(september).is_same

    def test_a_posting_that_came_late_stands_in_the_next_month_and_the_closed_one_stays(self, finance_client):
        tenant = make_tenant()
        make_back_dated(tenant, "50.00", at(SEPTEMBER, 3))
        september = make_statement(tenant, SEPTEMBER)
        late = make_back_dated(tenant, "5.00", at(SEPTEMBER, 20))
        older = make_back_dated(tenant, "0.25", at(AUGUST, 20))
        assert content.check(september).is_same
        october = make_statement(tenant, OCTOBER)
        assert [(row["id"], row["late"], row["of_month"]) for row in read(october).data["postings"]] == [
            (str(older.pk), True, "2025-08"),
            (str(late.pk), True, "2025-09"),
        ]
        assert (october.opening, october.closing) == (50, Decimal("55.25"))
        assert "Came late, for" in check_page(finance_client.get(october.get_absolute_url()))
        make_back_dated(tenant, "1.00", at(SEPTEMBER, 21))
        assert content.check(october).is_same and content.check(september).is_same

    def test_a_corrected_call_and_late_usage_are_changes_of_the_next_month_once(self, finance_client):
        tenant = make_tenant()
        call = make_call(tenant, created_at=at(SEPTEMBER), duration_seconds=0, cost="1.2000")
        usage = make_usage(make_agent(tenant), created_at=at(SEPTEMBER), cost_usd="0.5000", tokens_used=10)
        september = make_statement(tenant, SEPTEMBER)
        change(call, cost="0.8000", duration_seconds=90)
        make_usage(usage.agent, created_at=at(SEPTEMBER), cost_usd=None, tokens_used=7)
        check = content.check(september)
        assert check.is_intact and not check.is_same
        assert ("calls: cost", "1.2000", "0.8000") in check.differences
        october = make_statement(tenant, OCTOBER)
        assert read(october).data["changes"] == [
            {
                "month": "2025-09", "usage_rows": 1, "tokens": 7, "usage_cost": "0.0000", "usage_without_cost": 1,
                "calls": 0, "seconds": 90, "call_cost": "-0.4000", "calls_without_cost": 0,
            }
        ]  # fmt: skip
        html = check_page(finance_client.get(october.get_absolute_url()))
        assert september.get_absolute_url() in html and "Changes to closed months" in html
        november = make_statement(tenant, date(2025, 11, 1))
        assert read(november).data["changes"] == []
        assert content.check(october).is_same and content.check(november).is_same
        change(call, cost="1.2000")
        (back,) = read(make_statement(tenant, date(2025, 12, 1))).data["changes"]
        assert (back["month"], back["call_cost"], back["seconds"]) == ("2025-09", "0.4000", 0)
        assert content.check(october).is_same, "what another statement says of a month is not its own"

    def test_a_settlement_of_a_closed_months_day_names_that_month(self, owner):
        tenant = make_tenant()
        make_statement(tenant, SEPTEMBER)
        posting = make_back_dated(tenant, "-1.00", at(OCTOBER, hour=1), kind="settlement")
        owner(
            "insert into billing.settlement_day (day, usage_rate, call_rate, with_estimates, actor)"
            " values ('2025-09-30', 1, 1, false, 'x')"
        )
        owner(
            "insert into billing.settlement (organization_id, organization_name, day, usage_cost, call_cost,"
            " estimated_cost, late_cost, amount, transaction_id) values (%s, 'x', '2025-09-30', 1, 0, 0, 0, 1, %s)",
            [tenant.pk, posting.pk],
        )
        (row,) = read(make_statement(tenant, OCTOBER)).data["postings"]
        assert (row["of_month"], row["late"]) == ("2025-09", False)

    def test_a_deleted_organization_keeps_its_statements_and_ends_with_its_balance(
        self, owner, finance_client
    ):
        tenant = make_tenant()
        make_back_dated(tenant, "5.00", at(SEPTEMBER))
        make_usage(make_agent(tenant), created_at=at(SEPTEMBER))
        september = make_statement(tenant, SEPTEMBER)
        owner("delete from organizations where id = %s", [tenant.pk])
        html = check_page(finance_client.get(september.get_absolute_url() + "?check=1"))
        assert "say something else" in html and "is deleted" in html
        assert closing.to_close(OCTOBER) == [(tenant.pk, tenant.name)]
        with acting_finance(finance_client.user):
            october = closing.close_month(tenant.pk, OCTOBER, actor=finance_client.user, reason="r")
        assert (october.opening, read(october).changes, read(october).usage["rows"]) == (5, [], 0)


def acting_finance(user):
    return acting(user, "r")


class TestRules:
    def test_a_month_that_is_not_over_stays_open(self, finance):
        tenant = make_tenant()
        with pytest.raises(ValidationError, match="is not over yet"):
            closing.close_month(tenant.pk, months.current(), actor=finance, reason="r")
        assert closing.close_month(tenant.pk, months.before(months.current()), actor=finance, reason="r")

    def test_months_are_closed_one_after_the_other(self, finance):
        tenant = make_tenant()
        make_statement(tenant, SEPTEMBER)
        with pytest.raises(ValidationError, match="October 2025 has to be closed first"):
            closing.close_month(tenant.pk, date(2025, 11, 1), actor=finance, reason="r")
        with pytest.raises(ValidationError, match="August 2025 lies before the first month"):
            closing.close_month(tenant.pk, AUGUST, actor=finance, reason="r")
        closing.close_month(tenant.pk, OCTOBER, actor=finance, reason="r")

    def test_a_month_before_the_organization_was_there_is_refused(self, finance):
        tenant = make_tenant()
        with pytest.raises(ValidationError, match="did not exist in December 2024"):
            closing.close_month(tenant.pk, date(2024, 12, 1), actor=finance, reason="r")
        with pytest.raises(ValidationError, match="no such organization"):
            closing.close_month(Statement().pk, SEPTEMBER, actor=finance, reason="r")

    @pytest.mark.parametrize(
        "sql", ["update billing.statement set closing = 0", "delete from billing.statement"]
    )
    def test_nobody_changes_a_statement_not_even_the_owner(self, finance, sql):
        make_statement(make_tenant(), SEPTEMBER)
        with pytest.raises(ProgrammingError, match="permission denied"), acting(finance, "r"):
            execute(sql)
        with pytest.raises(ProgrammingError, match="is frozen"), platform():
            execute(sql)

    def test_without_a_reason_nothing_is_closed(self, finance):
        with pytest.raises(ProgrammingError, match="a reason"):
            closing.close_month(make_tenant().pk, SEPTEMBER, actor=finance, reason="")


def execute(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)


class TestPages:
    def test_closing_one_shows_it_first(self, finance_client):
        tenant = make_tenant()
        make_back_dated(tenant, "5.00", at(SEPTEMBER), reason="Invoice 77")
        check_page(finance_client.get(CLOSE))
        url = f"{CLOSE}?month=2025-09&organization={tenant.pk}"
        html = check_page(finance_client.get(url))
        assert "Invoice 77" in html and not Statement.objects.exists()
        data = form_values(finance_client.get(url))
        assert 'id="id_reason_error"' in check_page(finance_client.post(CLOSE, data), 422)
        response = finance_client.post(CLOSE, {**data, "reason": "Month end"}, follow=True)
        assert "is closed: it stays as it is" in check_page(response)
        statement = Statement.objects.get()
        assert (statement.closing, statement.actor_id) == (5, finance_client.user.pk)
        assert "This month is closed." in check_page(finance_client.get(url))
        assert "has to be closed first" in check_page(
            finance_client.get(f"{CLOSE}?month=2025-12&organization={tenant.pk}")
        )

    @pytest.mark.parametrize("month", ["", "2025", "2025-13", "0999-01", "9999-01", "x", "2025-09-01", "\0"])
    def test_a_month_that_is_none_is_refused_beside_its_field(self, finance_client, month):
        response = finance_client.get(CLOSE, {"month": month})
        assert 'id="id_month_error"' in check_page(response) and "previewed" not in response.context
        check_page(finance_client.post(CLOSE, {"month": month, "reason": "r"}), 422)

    def test_closing_all_is_a_job_that_goes_on_where_it_stopped(self, finance_client):
        tenants = [make_tenant() for _ in range(3)]
        make_statement(tenants[0], SEPTEMBER)
        make_statement(tenants[1], date(2025, 7, 1))
        url = f"{CLOSE}?month=2025-09"
        response = finance_client.get(url)
        assert (response.context["waiting"], response.context["behind"]) == (2, 1)
        data = {**form_values(response), "reason": "Month end"}
        assert finance_client.post(CLOSE, data).status_code == 302
        job = Job.objects.get()
        jobs.run(job.pk)
        job.refresh_from_db()
        assert (job.status, job.message) == ("succeeded", "1 closed, 1 refused.")
        lines = finance_client.get(reverse("job_result", args=[job.pk])).getvalue().decode()
        assert "August 2025 has to be closed first" in lines
        assert {row.organization_id for row in Statement.objects.filter(month=SEPTEMBER)} == {
            tenants[0].pk,
            tenants[2].pk,
        }

    def test_an_open_month_is_not_closed_for_all_either(self, finance_client):
        data = {"month": months.slug_of(months.current()), "reason": "r"}
        assert "is not over yet" in check_page(finance_client.post(CLOSE, data), 422)
        assert not Job.objects.exists()

    def test_is_for_finance_alone(self, support_client, manager_client, admin_client):
        for client in (support_client, manager_client, admin_client):
            assert "billing.close_month" in check_page(client.get(CLOSE), 403)
            check_page(client.post(CLOSE, {"month": "2025-09", "reason": "r"}), 403)

    def test_files_hold_the_statement_and_fetching_them_is_logged(self, support_client):
        tenant = make_tenant(name="=HYPERLINK(1)")
        make_back_dated(tenant, "-5.00", at(SEPTEMBER), reason="=1+1", kind="correction")
        statement = make_statement(tenant, SEPTEMBER)
        response = support_client.get(reverse("billing:statement_content", args=[statement.pk]))
        assert hashlib.sha256(response.content).hexdigest() == statement.sha256
        response = support_client.get(reverse("billing:statement_csv", args=[statement.pk]))
        rows = list(csv.DictReader(io.StringIO(response.getvalue().decode())))
        assert [row["section"] for row in rows] == [
            "opening", "posting", "by kind", "usage total", "calls", "closing"
        ]  # fmt: skip
        assert (rows[1]["reason"], rows[1]["amount"], rows[-1]["amount"]) == ("'=1+1", "-5.00", "-5.00")
        assert [entry.kind for entry in ReadLog.objects.of(statement)] == ["export", "export"]

    def test_neighbours_are_linked_and_the_chain_is_said(self, support_client):
        tenant = make_tenant()
        make_back_dated(tenant, "5.00", at(SEPTEMBER))
        september, october = make_statement(tenant, SEPTEMBER), make_statement(tenant, OCTOBER)
        html = check_page(support_client.get(october.get_absolute_url()))
        assert september.get_absolute_url() in html and "equals the opening balance" in html
        html = check_page(support_client.get(september.get_absolute_url() + "?check=1"))
        assert october.get_absolute_url() in html and "the same fingerprint" in html


def test_twenty_closings_at_once_make_one_statement(fresh_database):
    with fresh_database.platform():
        tenant = make_tenant(credits_balance="1.00")
    with fresh_database.django():
        finance = testing.make_user("finance")

        def close(n):
            try:
                return closing.close_month(tenant.pk, SEPTEMBER, actor=finance, reason=f"Month end {n}").pk
            finally:
                connections.close_all()

        with ThreadPoolExecutor(10) as pool:
            found = set(pool.map(close, range(20)))
        assert found == {Statement.objects.get().pk}
