"""The ledger's filters, and the exact totals of what they leave."""

from decimal import Decimal

import pytest
from django.db import OperationalError
from django.urls import reverse

from backoffice import testing
from backoffice.testing import platform
from backoffice.testing_crud import check_page, client_of, count_queries
from backoffice.tests.test_export import export
from billing.models import CreditTransaction
from billing.tests.factories import make_adoption, make_outside, make_posting, make_reversal
from billing.totals import TookTooLong, totals_of
from tenants.tests.factories import change, make_organization

LIST = reverse("billing:credittransaction_list")
TOTALS = reverse("billing:credittransaction_totals")
HTMX = {"headers": {"HX-Request": "true"}}


def rows(client, **params):
    response = client.get(LIST, params)
    check_page(response)
    assert not response.context["filterset"].form.errors
    return set(response.context["rows"])


def insert(amount, kind="top_up", **fields):
    """A ledger row as it may stand there, whatever the balance."""
    tenant = fields.pop("tenant", None) or make_organization()
    fields = {
        "organization_name": tenant.name,
        "balance_after": 0,
        "reason": "r",
        "actor": "a",
        "db_role": "x",
        **fields,
    }
    with platform():
        return CreditTransaction.objects.create(
            organization_id=tenant.pk, amount=Decimal(amount), kind=kind, **fields
        )


class TestFilters:
    def test_several_kinds(self, finance_client):
        one, two, three = insert("1"), insert("2", "refund"), insert("3", "goodwill")
        assert rows(finance_client, kind=["top_up", "goodwill"]) == {one, three}
        assert rows(finance_client, kind="refund") == {two}
        assert (
            "Kind: Top-up, Goodwill"
            in finance_client.get(LIST, {"kind": ["top_up", "goodwill"]}).content.decode()
        )

    def test_amounts_are_compared_with_their_signs_the_ends_included(self, finance_client):
        a, b, c = insert("-1000.01"), insert("0.01"), insert("1000.00")
        assert rows(finance_client, amount_from="0.01") == {b, c}
        assert rows(finance_client, amount_from="1,000") == {c}
        assert rows(finance_client, amount_from="1000.01") == set()
        assert rows(finance_client, amount_to="-1000.01") == {a}
        assert rows(finance_client, amount_to="-1000.02") == set()
        assert rows(finance_client, direction="in") == {b, c}
        assert rows(finance_client, direction="out") == {a}

    @pytest.mark.parametrize("value", ["NaN", "Infinity", "1e5", "ten", "1_000"])
    def test_an_amount_that_is_none_says_so(self, finance_client, value):
        html = check_page(finance_client.get(LIST, {"amount_from": value}))
        assert 'id="id_amount_from_error"' in html

    def test_a_month_is_one_of_utc_whatever_zone_the_reader_is_in(self, finance_client, finance):
        type(finance).objects.filter(pk=finance.pk).update(time_zone="Pacific/Kiritimati")
        times = [
            "2026-01-31 23:59:59.999999",
            "2026-02-01 00:00",
            "2026-02-28 23:59:59.999999",
            "2026-03-01 00:00",
        ]
        made = [insert("1", created_at=f"{time}+00") for time in times]
        assert rows(finance_client, month="2026-02") == set(made[1:3])
        assert rows(finance_client, month="2026-01") == {made[0]}
        december = insert("1", created_at="2026-12-31 23:59:59+00")
        assert rows(finance_client, month="2026-12") == {december}

    @pytest.mark.parametrize(
        "value", ["2026", "2026-13", "2026-00", "0000-01", "9999-12", "2026-1", "٢٠٢٦-٠١", "x"]
    )
    def test_a_month_that_is_none_says_so(self, finance_client, value):
        assert 'id="id_month_error"' in check_page(finance_client.get(LIST, {"month": value}))

    def test_who_and_as_which_database_role(self, finance_client):
        one, two = (
            insert("1", actor="Ana Müller", db_role="postgres"),
            insert("2", actor="service_role", db_role="service_role"),
        )
        assert rows(finance_client, who="müll") == {one}
        assert rows(finance_client, db_role="service_role") == {two}
        assert rows(finance_client, db_role="service") == set()


class TestTotals:
    def figures(self, client, **params):
        response = client.get(TOTALS, params, **HTMX)
        assert response.status_code == 200
        lines = {row["line"].kind: row["line"] for row in response.context["lines"]}
        return {k: (v.count, v.added, v.taken, v.net) for k, v in lines.items()}, response

    def test_are_exact_to_the_cent_where_floats_would_not_be(self, finance_client):
        tenant = make_organization()
        for amount in ["0.10"] * 3 + ["-0.30", "99999999.99", "-99999999.98", "0.01", "-0.01"]:
            insert(amount, tenant=tenant)
        for amount in ("9999999999.99", "9999999999.99", "-0.01"):
            insert(amount, "refund", tenant=tenant)
        found, response = self.figures(finance_client)
        assert found["top_up"] == (8, Decimal("100000000.30"), Decimal("-100000000.29"), Decimal("0.01"))
        assert found["refund"] == (3, Decimal("19999999999.98"), Decimal("-0.01"), Decimal("19999999999.97"))
        whole = response.context["whole"]["line"]
        assert (whole.count, whole.net) == (11, Decimal("19999999999.98"))
        assert "+19,999,999,999.97" in response.content.decode()

    def test_are_those_of_the_rows_that_the_list_shows_under_every_filter(self, finance, finance_client):
        tenant, other = make_organization(), make_organization()
        first = make_posting(tenant, "100.00")
        make_posting(tenant, "-0.07", "correction")
        make_posting(other, "3.33", "refund", reason="late")
        outside = make_outside(tenant, "-9.99")
        make_outside(other, "0.01")
        make_adoption(outside, actor=finance)
        make_reversal(first, "-99.99")
        for params in [
            {},
            {"organization": tenant.pk},
            {"kind": ["top_up", "outside"]},
            {"outside": "adopted"},
            {"outside": "unexplained"},
            {"reversed": "yes"},
            {"reversed": "wholly"},
            {"direction": "out"},
            {"amount_from": "0.01", "amount_to": "99.99"},
            {"q": "late"},
            {"q": str(other.pk)},
            {"who": "postgres"},
            {"db_role": "postgres", "kind": "outside"},
            {"since": "2000-01-01", "until": "2000-01-02"},
        ]:
            listed = rows(finance_client, **params)
            found, response = self.figures(finance_client, **params)
            whole = response.context["whole"]["line"]
            assert (whole.count, whole.net) == (
                len(listed),
                sum((row.amount for row in listed), Decimal(0)),
            ), params
            assert sum(line[3] for line in found.values()) == whole.net
            for row in [*response.context["lines"], response.context["whole"]]:
                line = row["line"]
                for name, count, amount in (
                    ("url", line.count, line.net),
                    ("added_url", None, line.added),
                    ("taken_url", None, line.taken),
                ):
                    if not amount:
                        continue  # not a link
                    opened = finance_client.get(row[name]).context["rows"]
                    assert sum((posting.amount for posting in opened), Decimal(0)) == amount, (
                        params,
                        row[name],
                    )
                    assert count is None or len(opened) == count

    def test_of_one_tenant_say_whether_the_ledger_is_the_balance(self, finance_client, owner):
        tenant = make_organization()
        make_posting(tenant, "10.00")
        html = self.figures(finance_client, organization=tenant.pk)[1].content.decode()
        assert "The sum of the ledger, 10.00" in html and "is the balance" in html
        owner("alter table organizations disable trigger record_credit_change")
        owner("update organizations set credits_balance = 9.99 where id = %s", [tenant.pk])
        owner("alter table organizations enable trigger record_credit_change")
        html = self.figures(finance_client, organization=tenant.pk)[1].content.decode()
        assert "is not the balance, 9.99" in html and "\N{MINUS SIGN}0.01" in html
        html = self.figures(finance_client, organization=tenant.pk, direction="in")[1].content.decode()
        assert "the balance" not in html, "a part of the ledger is not the balance"

    def test_of_a_tenant_without_a_balance_are_zero(self, finance_client):
        tenant = make_organization(credits_balance=None)
        html = self.figures(finance_client, organization=tenant.pk)[1].content.decode()
        assert "not set</span> counts as zero" in html and "is the balance" in html
        gone = make_posting(make_organization(), "1.00")
        change(make_organization(), credits_balance="5.00")
        assert (
            "the balance" not in self.figures(finance_client, q=str(gone.organization_id))[1].content.decode()
        )

    def test_are_a_page_without_javascript(self, support_client):
        make_posting(make_organization(), "10.00")
        html = check_page(
            support_client.get(TOTALS, {"kind": "top_up", "columns": "id", "after": "x", "sort": "-id"})
        )
        assert f"{LIST}?kind=top_up" in html
        listed = check_page(support_client.get(LIST, {"kind": "top_up"}))
        assert f'hx-get="{TOTALS}?kind=top_up" hx-trigger="load"' in listed
        assert 'hx-trigger="load"' not in check_page(support_client.get(LIST)), (
            "the whole ledger only when asked"
        )

    def test_of_a_filter_that_cannot_be_read_are_not_those_of_more(self, finance_client):
        make_posting()
        html = check_page(finance_client.get(TOTALS, {"since": "nonsense"}))
        assert "A filter could not be read" in html and "10.00" not in html

    def test_that_take_too_long_say_what_helps(self, finance_client, monkeypatch):
        def cancelled(*args, **kwargs):
            error = OperationalError("canceling statement due to statement timeout")
            error.__cause__ = type("E", (Exception,), {"sqlstate": "57014"})()
            raise error

        monkeypatch.setattr("django.db.models.query.QuerySet.__iter__", cancelled)
        with pytest.raises(TookTooLong):
            totals_of(CreditTransaction.objects.all())
        monkeypatch.undo()
        monkeypatch.setattr(
            "billing.views.ledger.totals_of", lambda *args, **kwargs: (_ for _ in ()).throw(TookTooLong())
        )
        assert "Narrow the filter" in check_page(finance_client.get(TOTALS))

    def test_the_list_itself_sums_nothing_up(self, finance_client):
        make_posting()
        sums = [sql for sql in count_queries(finance_client, f"{LIST}?direction=in") if "SUM(" in sql.upper()]
        assert sums == []


def test_the_whole_ledger_can_be_exported_with_every_column(fresh_database, settings, tmp_path):
    settings.JOB_FILES_DIR = tmp_path
    with fresh_database.platform():
        tenant = make_organization(name="Aurora")
        outside = make_outside(tenant, "-5.00")
        first = make_posting(tenant, "10.00", reason="Invoice 9")
        back = make_reversal(first, "-1.00")
    with fresh_database.django():
        finance = testing.make_user("finance")
        make_adoption(outside, actor=finance, reason="The runtime deducts")
        client = client_of(finance)
        query = f"columns={client.get(LIST).context['all_columns']}"
        found, _ = export(client, "billing:credittransaction", query)
    assert [row["Posting"] for row in found] == [str(back.pk), str(first.pk), str(outside.pk)]
    assert (found[0]["Reverses"], found[0]["Amount"]) == (str(first.pk), "-1.00")
    assert (found[1]["Reason"], found[1]["Reference"], found[1]["From outside"]) == ("Invoice 9", "", "")
    row = found[2]
    assert (row["From outside"], row["Database role"], row["By"]) == ("adopted", "postgres", "postgres")
    assert (row["Stood for by"], row["Stood for because"]) == (str(finance), "The runtime deducts")
    assert (row["Balance after"], row["Note"], row["Organization's id"]) == ("-5.00", "", str(tenant.pk))
