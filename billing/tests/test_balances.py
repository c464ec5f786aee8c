"""Balances and how long they last: exact rules at their edges, sorted and filtered, looked up by the worker."""

import datetime
from decimal import Decimal

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from agents.tests.factories import make_agent
from backoffice import testing
from backoffice.generic import lists
from backoffice.testing_crud import check_page, client_of, count_queries, set_column
from backoffice.tests.test_export import export
from billing.tests.factories import make_outside, make_posting, make_usage
from telephony.tests.factories import make_call, make_number
from tenants import forecast
from tenants.health import credit_of
from tenants.models import Forecast, ForecastRun, Organization
from tenants.tests.factories import change, make_organization

LIST = reverse("billing:balance_list")


def ago(**delta):
    return timezone.now() - datetime.timedelta(**delta)


def spender(balance, cost="7.00", *, age=300, used=3, **fields):
    """A tenant whose usage cost so much, some days ago."""
    tenant = make_organization(created_at=ago(days=age), **fields)
    make_usage(make_agent(tenant), cost_usd=cost, created_at=ago(days=used))
    return change(tenant, credits_balance=balance)


def without_number(tenant, owner):
    """Gives it a balance that was NaN before the ledger was installed."""
    owner("alter table organizations disable trigger record_credit_change")
    owner("update organizations set credits_balance = 'NaN' where id = %s", [tenant.pk])
    owner("alter table organizations enable trigger record_credit_change")
    return tenant


@pytest.fixture
def found(finance_client):
    def rows(**params):
        response = finance_client.get(LIST, params)
        check_page(response)
        assert not response.context["filterset"].form.errors
        return [row.name for row in response.context["rows"]]

    return rows


@pytest.mark.django_db
class TestSpending:
    def of(self, tenant):
        forecast.refresh()
        return Organization.objects.select_related("forecast").get(pk=tenant.pk)

    def test_is_that_of_7_and_of_28_days(self):
        tenant = spender("100.00", "28.00", used=20)
        make_usage(tenant.agents.get(), cost_usd="7.00", created_at=ago(days=6))
        tenant = self.of(tenant)
        assert (tenant.lasts_7.per_day, tenant.lasts_28.per_day) == (1, Decimal("1.25"))
        assert (tenant.lasts_7.days_left, tenant.lasts_28.days_left) == (100, 80)

    def test_of_28_days_is_what_the_tenant_page_says(self):
        for age in (3, 10, 300):
            tenant = spender("50.00", "9.99", age=age, used=1)
            make_call(phone_number=make_number(agent=tenant.agents.get()), cost="0.0101")
            stored, live = self.of(tenant).lasts_28, credit_of(tenant)
            assert (stored.cost, stored.deducted, stored.balance) == (live.cost, live.deducted, live.balance)
            assert abs(stored.days - live.days) < Decimal("0.01")

    def test_is_the_larger_of_what_was_deducted_and_what_was_recorded(self):
        tenant = spender("100.00", "7.00")
        make_posting(tenant, "-7.01", "settlement")
        assert self.of(tenant).lasts_7.spent == Decimal("7.01")
        make_usage(tenant.agents.get(), cost_usd="0.02")
        assert self.of(tenant).lasts_7.spent == Decimal("7.02")

    def test_does_not_count_what_a_person_took_or_what_is_older_or_no_number(self):
        tenant = spender("100.00", "7.00", used=29)
        make_posting(tenant, "-50.00", "correction")
        set_column(make_usage(tenant.agents.get()), "cost_usd", "NaN")
        make_usage(tenant.agents.get(), cost_usd="-5")
        make_usage(tenant.agents.get(), cost_usd="5", created_at=None)
        assert self.of(tenant).lasts_28.spent == 0 and not Forecast.objects.exists()

    def test_deductions_of_the_runtime_count(self):
        tenant = make_organization(created_at=ago(days=2))
        make_posting(tenant, "100.00")
        make_outside(tenant, "-14.00")
        tenant = self.of(tenant)
        assert (tenant.lasts_7.per_day, tenant.lasts_7.days_left) == (2, 43), "a young tenant counts 7 days"
        assert tenant.lasts_28.days_left == 43

    def test_follows_what_changes_and_goes_with_the_tenant(self, owner):
        tenant = spender("100.00")
        assert self.of(tenant).lasts_7.spent == 7
        make_usage(tenant.agents.get(), cost_usd="7")
        assert self.of(tenant).lasts_7.spent == 14
        owner("delete from usage_logs")
        assert self.of(tenant).lasts_7.spent == 0 and not Forecast.objects.exists()
        spender("1.00")
        owner("delete from organizations")
        assert forecast.refresh().tenants == 0 and not Forecast.objects.exists()

    def test_the_balance_is_that_of_the_moment(self, found):
        spender("100.00", name="Aurora")
        forecast.refresh()
        assert found(days7="50") == []
        change(Organization.objects.get(), credits_balance="49.00")
        assert found(days7="50") == ["Aurora"]

    def test_nothing_is_written_where_nothing_changed(self):
        tenant = spender("100.00", age=300)
        forecast.refresh()
        place = "select xmin::text from tenants_forecast where organization_id = %s"
        with connection.cursor() as cursor:
            cursor.execute(place, [tenant.pk])
            before = cursor.fetchone()
            cursor.execute("savepoint again")  # another xmin for whatever is written from here on
            forecast.refresh()
            cursor.execute(place, [tenant.pk])
            assert cursor.fetchone() == before
        assert ForecastRun.objects.get().tenants == 1


class TestLists:
    @pytest.fixture(autouse=True)
    def _tenants(self, db, owner):
        for name, balance in [("minus", "-0.01"), ("zero", "0.00"), ("cent", "0.01"), ("ten", "10.00")]:
            change(make_organization(name=name), credits_balance=balance)
        make_organization(name="unset", credits_balance=None)
        without_number(make_organization(name="nan"), owner)

    @pytest.mark.parametrize(
        ("kind", "names"),
        [
            ("gone", {"minus", "zero"}),
            ("negative", {"minus"}),
            ("empty", {"zero", "unset", "nan"}),
            ("null", {"unset", "nan"}),
            ("positive", {"cent", "ten"}),
        ],
    )
    def test_each_kind_is_exactly_its_rule(self, found, finance_client, kind, names):
        assert set(found(balance=kind)) == names
        tabs = finance_client.get(LIST).context["tabs"]
        for tab in tabs[1:]:
            if tab["url"].endswith(f"={kind}"):
                assert tab["count"] == str(len(names))

    @pytest.mark.parametrize(
        ("under", "names"),
        [
            ("10.00", {"minus", "zero", "cent"}),
            ("10.01", {"minus", "zero", "cent", "ten"}),
            ("-0.01", set()),
            ("0", {"minus"}),
        ],
    )
    def test_a_threshold_is_not_under_itself(self, found, under, names):
        assert set(found(under=under)) == names

    @pytest.mark.parametrize("value", ["NaN", "ten", "1e5", "Infinity"])
    def test_a_threshold_that_is_none_says_so(self, finance_client, value):
        for name in ("under", "days7", "days28"):
            assert f'id="id_{name}_error"' in check_page(finance_client.get(LIST, {name: value}))

    def test_without_credit_there_are_no_days_left(self, found, finance_client):
        forecast.refresh()
        assert set(found(days7="0.01")) == {"minus", "zero", "unset", "nan"}
        assert found(days28="0") == []
        html = check_page(finance_client.get(LIST))
        assert html.count('<span class="bad">no credit</span>') == 8
        assert html.count("nothing spent lately") == 4


class TestOrder:
    @pytest.fixture
    def tenants(self, db, owner):
        spender("70.00", "7.00", name="in 70 days")
        spender("0.01", "7.00", name="today")
        spender("99999999.99", "0.0001", name="in ages")
        spender("-5.00", "7.00", name="gone")
        spender("1.00", "3.00", name="thirds")
        change(make_organization(name="idle"), credits_balance="10.00")
        change(make_organization(name="idle and empty"), credits_balance="0.00")
        without_number(make_organization(name="nan"), owner)
        make_organization(name="unset", credits_balance=None)
        forecast.refresh()

    def test_least_days_first_and_who_spends_nothing_last(self, tenants, found):
        for window in ("days7", "days28"):
            names = found(sort=window)
            assert set(names[:4]) == {"gone", "idle and empty", "nan", "unset"}
            assert names[4:] == ["today", "thirds", "in 70 days", "in ages", "idle"]
            assert found(sort=f"-{window}") == names[::-1]

    def test_by_spending(self, tenants, found):
        names = found(sort="-spent7")
        assert set(names[:3]) == {"in 70 days", "today", "gone"} and names[3:5] == ["thirds", "in ages"]
        assert found(spends="yes", sort="name") == ["gone", "in 70 days", "in ages", "thirds", "today"]
        assert found(spends="no", sort="name") == ["idle", "idle and empty", "nan", "unset"]

    @pytest.mark.parametrize("sort", ["days7", "days28", "balance", "spent7", "spent28", "name"])
    def test_paging_visits_everybody_once(self, tenants, finance_client, monkeypatch, sort):
        for n in range(6):
            spender("1.00", f"0.000{n + 1}", name=f"more {n}")
            spender("1.00", "0.0003", name=f"same {n}")
        forecast.refresh()
        monkeypatch.setattr(lists, "PAGE_SIZE", 4)
        for way in (sort, f"-{sort}"):
            seen, url = [], f"?sort={way}"
            while url:
                response = finance_client.get(LIST + url)
                seen += [row.name for row in response.context["rows"]]
                url = str(response.context["next_url"] or "")
            assert len(seen) == len(set(seen)) == Organization.objects.count(), way


def test_figures_open_their_rows(finance_client):
    ledger, usage = make_organization(name="by ledger"), spender("10.00", name="by usage")
    make_posting(ledger, "100.00")
    taken = make_outside(ledger, "-7.00")
    settled = make_posting(ledger, "-7.00", "settlement")
    forecast.refresh()
    html = check_page(finance_client.get(LIST))
    since = timezone.localdate() - datetime.timedelta(days=7)
    url = (
        f"/billing/ledger/?organization={ledger.pk}&kind=settlement&kind=outside&direction=out&since={since}"
    )
    assert url.replace("&", "&amp;") in html
    assert set(finance_client.get(url).context["rows"]) == {taken, settled}
    assert reverse("tenants:organization_usage", args=[usage.pk]) in html
    assert f'href="{settled.get_absolute_url()}"' in html, "the last posting"


def test_costs_the_same_for_one_tenant_and_for_thirty(finance_client):
    spender("1.00")
    forecast.refresh()
    few = count_queries(finance_client, LIST)
    for _ in range(29):
        spender("1.00")
    forecast.refresh()
    assert len(count_queries(finance_client, LIST)) == len(few)


def test_spending_is_looked_up_on_demand(support_client, client):
    spender("70.00", name="Aurora")
    html = check_page(support_client.get(LIST))
    assert "spending was not looked up yet" in html and "nothing spent lately" not in html
    url = reverse("billing:balances_refresh")
    html = check_page(support_client.post(url, {"next": f"{LIST}?sort=name"}, follow=True))
    assert "1 tenants spent something" in html and "70 days" in html
    assert support_client.get(url).status_code == 405
    assert client.post(url).status_code == 302 and ForecastRun.objects.count() == 1


def test_an_export_has_the_days_as_numbers(fresh_database, settings, tmp_path):
    settings.JOB_FILES_DIR = tmp_path
    with fresh_database.platform():
        spender("3.00", "7.00", name="three")
        spender("1.00", "21.00", name="third")
        change(make_organization(name="idle"), credits_balance="1.00")
        spender("-1.00", "7.00", name="gone")
    with fresh_database.django():
        forecast.refresh()
        found, _ = export(client_of(testing.make_user("finance")), "billing:balance", "sort=days7")
    days = {row["Organization"]: (row["Days left (7 days)"], row["A day (7 days)"]) for row in found}
    assert list(days) == ["gone", "third", "three", "idle"]
    assert days["gone"] == ("0", "1.0000000000") and days["idle"] == ("", "")
    assert days["third"] == ("0.3333", "3.0000000000") and days["three"][0] == "3.0000"
    assert all(row["Last posting"] for row in found)


def test_two_look_ups_at_once_are_one(fresh_database):
    with fresh_database.platform():
        spender("70.00")
    with fresh_database.django():
        with fresh_database.connect() as other:
            other.execute("select pg_advisory_lock(%s)", [forecast.LOCK])
            assert forecast.refresh() is None
            other.execute("select pg_advisory_unlock(%s)", [forecast.LOCK])
        assert forecast.refresh().tenants == 1


def test_days_left_are_columns_of_the_list_of_organizations(support_client):
    spender("70.00", name="Aurora")
    forecast.refresh()
    url = reverse("tenants:organization_list")
    assert "70 days" not in check_page(support_client.get(url))
    html = check_page(support_client.get(url, {"columns": "name,lasts_7,lasts_28"}))
    assert html.count("70 days") == 1 and html.count("280 days") == 1
