"""Settlement: off by default, a preview that names whose calls stop, each row once, and every figure opens its rows."""

import datetime
import io
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.management import CommandError, call_command
from django.db import connections
from django.urls import reverse

from agents.tests.factories import make_agent
from backoffice import jobs, testing
from backoffice.environment import day_or_none, rate
from backoffice.models import Job
from backoffice.testing_crud import HOSTILE, PageTests, check_page, form_values, set_column
from billing.models import CreditTransaction, Settlement, SettlementDay
from billing.settlement import run
from billing.settlement.days import settled_days
from billing.settlement.preview import preview
from billing.settlement.run import settle_through
from billing.tasks import settle_nightly
from billing.tests.factories import make_posting, make_price, make_settlement, make_usage
from telephony.tests.factories import make_call
from tenants.models import Organization
from tenants.tests.factories import change, make_organization

FIRST, SECOND, THIRD = (datetime.date(2026, 3, day) for day in (1, 2, 3))
LIST, SETTLE = "/billing/settlements/", "/billing/settlements/settle/"


@pytest.fixture
def on(settings):
    settings.SETTLEMENT_FROM = FIRST
    return settings


def usage(tenant, cost, day=FIRST, **fields):
    agent = fields.pop("agent", None) or make_agent(organization=tenant)
    return make_usage(agent, cost_usd=cost, created_at=f"{day} 12:00+00", **fields)


def call(tenant, cost, day=FIRST):
    return make_call(tenant, cost=cost, created_at=f"{day} 12:00+00")


def settled(actor, through=FIRST):
    return settle_through(through, actor=actor, reason="Daily settlement")


def command(*arguments):
    out = io.StringIO()
    call_command("settle", *arguments, stdout=out)
    return out.getvalue()


class TestSettlementPages(PageTests):
    model = Settlement

    @pytest.fixture(autouse=True)
    def _on(self, on, finance):
        self.finance = finance

    @pytest.fixture(autouse=True)
    def _one_row(self, _on, db):
        self.obj = self.make(0)

    def make(self, n):
        return make_settlement(actor=self.finance)


class TestSettlementDayPages(TestSettlementPages):
    model = SettlementDay

    def make(self, n):
        return SettlementDay.objects.get(day=super().make(n).day)


def test_days_are_written_as_everywhere_else(support_client):
    settlement = make_settlement()
    html = check_page(support_client.get(settlement.get_absolute_url()))
    assert f'<time datetime="{settlement.day}">{settlement.day}</time>' in html
    assert f"{settlement.day:%b}. {settlement.day.day}, {settlement.day.year}" not in html


def test_it_is_off_by_default(finance_client, finance):
    usage(make_organization(), "1.0000")
    html = check_page(finance_client.get(LIST))
    assert "Settlement is off." in html and SETTLE not in html
    assert "SETTLEMENT_FROM" in check_page(finance_client.get(SETTLE))
    for attempt in (lambda: settled(finance), lambda: preview(settled_days(), FIRST)):
        with pytest.raises(ValidationError, match="Settlement is off"):
            attempt()
    for arguments in ((), ("--dry-run",)):
        with pytest.raises(CommandError, match="Settlement is off: SETTLEMENT_FROM"):
            command("--as", finance.email, *arguments)
    response = finance_client.post(SETTLE, {"through": str(FIRST), "reason": "r"})
    assert "Settlement is off" in check_page(response, 422)
    assert not SettlementDay.objects.exists() and not Job.objects.exists()


def test_preview_has_the_totals_and_names_whose_calls_stop(on, finance_client):
    on.SETTLEMENT_RATE, on.SETTLEMENT_CALL_RATE = Decimal("10"), Decimal("2")
    rich, poor, broke = (make_organization(name=name) for name in ("Rich", HOSTILE, "Broke"))
    make_posting(rich, "100.00")
    make_posting(poor, "5.00")
    usage(rich, "0.1234"), usage(poor, "0.5000"), usage(broke, "1.0000", SECOND), call(poor, "0.0050")
    usage(rich, "50.0000", THIRD)
    found = preview(settled_days(), SECOND)
    assert (found.rows, found.settlements, len(found.tenants)) == (4, 3, 3)
    assert (found.usage_cost, found.call_cost) == (Decimal("1.6234"), Decimal("0.0050"))
    assert found.amount == Decimal("1.23") + Decimal("5.01") + Decimal("10.00")
    assert [(one.name, one.after) for one in found.stopped] == [(HOSTILE, Decimal("-0.01"))]
    assert [(one.name, one.after) for one in found.sinking] == [("Broke", Decimal("-10.00"))]
    html = check_page(finance_client.get(SETTLE, {"through": str(SECOND)}))
    assert "Calls will stop: 1 tenant" in html and poor.get_absolute_url() in html
    assert rich.get_absolute_url() not in html and "16.24" in html
    assert not SettlementDay.objects.exists(), "nothing is written"


def test_preview_says_what_the_settlement_does(on, finance):
    on.SETTLEMENT_ESTIMATED = True
    make_price("gpt-x", "0.0003")
    tenants = [make_organization() for _ in range(3)]
    for n, tenant in enumerate(tenants):
        (
            usage(tenant, f"0.{n}05", SECOND),
            call(tenant, "0.0050", SECOND),
            usage(tenant, None, model_used="gpt-x"),
        )
    settled(finance, FIRST)
    usage(tenants[0], "7.0000", FIRST)
    found = preview(settled_days(), THIRD)
    done = settled(finance, THIRD)
    assert (found.amount, found.settlements) == (done.amount, done.settlements)
    for tenant in found.tenants.values():
        assert Organization.objects.get(pk=tenant.id).credits_balance == tenant.after


def test_what_is_left_out_is_counted_with_a_way_to_it(on, finance_client):
    tenant = make_organization()
    for n in range(3):
        usage(tenant, None, tokens_used=1000 + n, model_used="new-model")
    set_column(usage(tenant, "1"), "cost_usd", "NaN"), usage(tenant, "-1"), usage(tenant, None, tokens_used=0)
    found = {(one.kind, one.source, one.model): one for one in preview(settled_days(), FIRST).problems}
    one = found["no_price", "usage", "new-model"]
    assert (one.rows, one.tokens, found["odd_cost", "usage", None].rows) == (3, 3003, 2)
    html = check_page(finance_client.get(SETTLE, {"through": str(FIRST)}))
    for problem in found.values():
        rows = finance_client.get(f"/billing/usage/?{problem.query}").context["rows"]
        assert len(rows) == problem.rows
    assert "3,003" in html


def test_rows_left_out_of_a_model_are_those_its_figure_opens(on, finance_client):
    tenant = make_organization()
    for model in ("m", None, "", "null"):
        usage(tenant, None, tokens_used=5, model_used=model)
        usage(tenant, "-1", model_used=model)
        set_column(usage(tenant, "1", tokens_used=5, model_used=model), "cost_usd", "NaN")
    found = preview(settled_days(), FIRST).problems
    assert {(one.kind, one.model): one.rows for one in found} == {
        ("no_price", "m"): 1,
        ("no_price", None): 3,
        ("odd_cost", "m"): 2,
        ("odd_cost", None): 6,
    }
    for problem in found:
        rows = finance_client.get(f"/billing/usage/?{problem.query}").context["rows"]
        assert len(rows) == problem.rows


@pytest.mark.parametrize("text", ["", "nonsense", "2026-13-01", "9999-12-31", "0001-01-01", "2026-02-28"])
def test_a_day_that_cannot_be_settled_says_why(on, finance_client, text):
    html = check_page(finance_client.get(SETTLE, {"through": text}))
    assert ("Dry run" in html) == (text in ("", "nonsense", "2026-13-01"))


def test_settling_is_a_job_with_a_reason(on, finance_client, django_capture_on_commit_callbacks):
    tenant = make_organization()
    usage(tenant, "2.0000")
    assert "This field is required" in check_page(
        finance_client.post(SETTLE, {"through": str(FIRST), "reason": ""}), 422
    )
    form = form_values(finance_client.get(SETTLE, {"through": str(FIRST)}))
    response = finance_client.post(SETTLE, form | {"reason": "End of the week"})
    job = Job.objects.get(kind=run.KIND)
    assert (response.status_code, response.url) == (302, job.get_absolute_url())
    assert finance_client.post(SETTLE, form | {"reason": "again"}).url == job.get_absolute_url()
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.status, job.done, job.total) == ("succeeded", 1, 1)
    assert job.message == "1 day settled: 1 settlements, 2.00 credits."
    posting = CreditTransaction.objects.get(kind="settlement")
    assert (posting.actor_id, posting.amount) == (finance_client.user.pk, Decimal("-2.00"))
    assert "Settled through 2026-03-01" in check_page(finance_client.get(LIST))


def test_a_job_of_somebody_who_may_not_any_more_settles_nothing(on, finance):
    usage(make_organization(), "2.0000")
    job = run.start(FIRST, actor=finance, reason="r")
    finance.groups.clear()
    jobs.run(job.pk)
    job.refresh_from_db()
    assert job.status == "failed" and not SettlementDay.objects.exists()


def test_a_cancelled_job_keeps_what_it_did_and_the_next_goes_on(on, finance, monkeypatch):
    monkeypatch.setattr(run, "ORGANIZATIONS_AT_ONCE", 1)
    tenants = [make_organization() for _ in range(3)]
    for tenant in tenants:
        usage(tenant, "1.0000")
    job = run.start(FIRST, actor=finance, reason="r")
    progress_step = jobs.Progress.step
    monkeypatch.setattr(jobs.Progress, "step", lambda *args: (_ for _ in ()).throw(jobs.Cancelled))
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.status, Settlement.objects.count()) == ("cancelled", 1)
    assert settled_days().open.day == FIRST
    monkeypatch.setattr(jobs.Progress, "step", progress_step)
    settled(finance)
    assert [one.amount for one in Settlement.objects.all()] == [1, 1, 1]
    assert settled_days().watermark == FIRST


def test_parallel_runs_settle_everything_once(fresh_database, settings):
    settings.SETTLEMENT_FROM = FIRST
    with fresh_database.platform():
        tenants = [make_organization() for _ in range(12)]
        for tenant in tenants:
            agent = make_agent(organization=tenant)
            for day in (FIRST, SECOND, THIRD):
                usage(tenant, "0.5050", day, agent=agent)
    with fresh_database.django():
        finance = testing.make_user("finance")

        def go(_):
            try:
                return settled(finance, THIRD)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(4) as pool:
            done = list(pool.map(go, range(4)))
        assert sum(one.settlements for one in done) == 36
        assert {one.amount for one in Settlement.objects.all()} == {Decimal("0.50")}
        assert {one.credits_balance for one in Organization.objects.all()} == {Decimal("-1.50")}
        assert settled_days().watermark == THIRD


def test_postings_of_others_meanwhile_are_not_lost(fresh_database, settings):
    settings.SETTLEMENT_FROM = FIRST
    with fresh_database.platform():
        tenant = make_organization()
        agent = make_agent(organization=tenant)
        for day in range(1, 11):
            usage(tenant, "1.0000", datetime.date(2026, 3, day), agent=agent)

    def deduct(_):
        with fresh_database.connect("postgres") as connection:
            for _ in range(20):
                connection.execute(
                    "update organizations set credits_balance = credits_balance - 0.01 where id = %s",
                    [tenant.pk],
                )

    with fresh_database.django():
        finance = testing.make_user("finance")
        with ThreadPoolExecutor(2) as pool:
            others = [pool.submit(deduct, n) for n in range(2)]
            settled(finance, datetime.date(2026, 3, 10))
            [one.result() for one in others]
        assert Organization.objects.get().credits_balance == Decimal("-10.40")
        assert sum(row.amount for row in CreditTransaction.objects.all()) == Decimal("-10.40")


class TestCommand:
    def test_settles_what_waits_and_says_so(self, on, finance):
        usage(make_organization(), "1.2500")
        on.SETTLEMENT_ACCOUNT = finance.email
        assert "2 days settled: 1 settlements, 1.25 credits." in command(
            "--through", str(SECOND), "--as", finance.email
        )
        days = settled_days()
        assert (days.watermark, days.next) == (SECOND, THIRD)
        for again in (["--through", str(SECOND)], ["--day", str(SECOND)], ["--through", str(FIRST)]):
            assert command(*again).startswith("Nothing to settle"), "a scheduler may run it twice"
        assert CreditTransaction.objects.count() == 1

    def test_dry_run_names_tenants_and_writes_nothing(self, on, db):
        tenant = make_organization(name="Nearly broke")
        make_posting(tenant, "1.00")
        usage(tenant, "1.0000"), usage(tenant, None, model_used="new-model")
        text = command("--dry-run", "--through", str(FIRST))
        assert str(tenant.pk) in text and "Nearly broke" in text and "1.00 →" in text
        assert "1 usage row, model new-model, 100 tokens" in text
        assert not SettlementDay.objects.exists()

    def test_refuses_in_sentences(self, on, finance, support):
        for arguments, sentence in (
            (["--through", "tomorrow"], "not a day such as"),
            (["--through", "9999-01-01"], "Only days that are over"),
            (["--day", str(THIRD)], "The next day to settle is 2026-03-01"),
            (["--as", "nobody@example.test"], "Say whose name"),
            (["--as", support.email], "lacks the permission billing.settle"),
        ):
            with pytest.raises(CommandError, match=sentence):
                command(*(["--as", finance.email] if "--as" not in arguments else []), *arguments)
        assert not SettlementDay.objects.exists()

    def test_a_refused_tenant_is_an_error_after_the_others(self, on, finance):
        deep, other = make_organization(), make_organization()
        change(deep, credits_balance="-99999999.00")
        usage(deep, "5.0000"), usage(other, "1.0000")
        with pytest.raises(CommandError, match=str(deep.pk)):
            command("--day", str(FIRST), "--as", finance.email)
        assert Settlement.objects.get().organization_id == other.pk


def test_figures_open_the_rows_that_they_count(on, finance, finance_client):
    tenant = make_organization()
    agent = make_agent(organization=tenant)
    early = usage(tenant, "1.0000", agent=agent)
    settled(finance)
    late, calls = usage(tenant, "2.0000", agent=agent), [call(tenant, "3.0000", SECOND) for _ in range(2)]
    usage(make_organization(), "9.0000", SECOND)
    settled(finance, SECOND)
    settlement = Settlement.objects.get(organization_id=tenant.pk, day=SECOND)
    rows = lambda url, **params: set(finance_client.get(url, params).context["rows"])  # noqa: E731
    assert rows("/billing/usage/", settlement=settlement.pk) == {late}
    assert rows("/telephony/calls/", settlement=settlement.pk) == set(calls)
    assert rows("/billing/usage/", settled_on=str(SECOND), settled_day=str(FIRST)) == {late}
    assert rows("/billing/usage/", settled_on=str(FIRST), estimated="yes") == set()
    assert rows("/billing/usage/", settled="yes", organization=tenant.pk) == {early, late}
    response = finance_client.get(settlement.get_absolute_url())
    html = check_page(response)
    assert len(response.context["parts"]) == 2
    for part in response.context["parts"]:
        assert len(rows(part["url"])) == part["row_count"]
    first, second = (SettlementDay.objects.get(day=day) for day in (FIRST, SECOND))
    assert first.get_absolute_url() in html and f"?settlement={settlement.pk}" in html
    assert settlement.transaction.get_absolute_url() in html
    assert settlement.get_absolute_url() in check_page(
        finance_client.get(settlement.transaction.get_absolute_url())
    )
    assert settlement.get_absolute_url() in check_page(finance_client.get(late.get_absolute_url()))
    assert settlement.get_absolute_url() in check_page(finance_client.get(calls[0].get_absolute_url()))
    html = check_page(finance_client.get(first.get_absolute_url()))
    assert "Of this day, settled later" in html and second.get_absolute_url() in html
    assert f"settled_on={SECOND}&amp;settled_day={FIRST}" in html
    html = check_page(finance_client.get(second.get_absolute_url()))
    assert "Came late, for days before" in html and first.get_absolute_url() in html
    assert rows("/billing/settlements/organizations/", day=str(SECOND), contains="late") == {settlement}
    assert len(rows("/billing/settlements/organizations/", day=str(SECOND))) == second.organizations == 2
    assert second.amount == sum(one.amount for one in Settlement.objects.filter(day=SECOND)) == 17


def test_settlements_of_an_organization_that_is_gone_are_shown(on, finance, finance_client, owner):
    tenant = make_organization(name="Gone Ltd")
    usage(tenant, "1.0000")
    settled(finance)
    settlement = Settlement.objects.get()
    owner("delete from organizations where id = %s", [tenant.pk])
    for url in (settlement.get_absolute_url(), reverse("billing:settlement_list")):
        html = check_page(finance_client.get(url))
        assert "Gone Ltd" in html and tenant.get_absolute_url() not in html


def test_the_first_day_moved_later_leaves_the_days_between_alone(on, finance):
    tenant = make_organization()
    usage(tenant, "1.0000")
    settled(finance)
    usage(tenant, "2.0000", SECOND), usage(tenant, "4.0000", THIRD)
    on.SETTLEMENT_FROM = THIRD
    assert settled_days().next == THIRD
    settled(finance, THIRD)
    assert Settlement.objects.get(day=THIRD).amount == 4


def test_every_night_it_settles_by_itself_if_asked_to(on, finance):
    usage(make_organization(), "1.0000")
    settle_nightly(0)
    assert not Job.objects.exists()
    on.SETTLEMENT_AUTOMATIC, on.SETTLEMENT_ACCOUNT = True, finance.email.upper()
    settle_nightly(0)
    settle_nightly(0)
    job = Job.objects.get(kind=run.KIND)
    assert (job.owner, job.params["through"]) == (finance, str(settled_days().last))


@pytest.mark.parametrize("text", ["", "0", "1.5", "999999.999999", "0.000001"])
def test_a_rate_in_the_settings_is_a_number(monkeypatch, text):
    monkeypatch.setenv("SETTLEMENT_RATE", text or "1")
    assert rate("SETTLEMENT_RATE") == Decimal(text or "1")


@pytest.mark.parametrize("text", ["NaN", "-1", "1000000", "Infinity", "0.0000001", "one", "1,5"])
def test_a_rate_that_is_none_stops_the_start_with_a_sentence(monkeypatch, text):
    monkeypatch.setenv("SETTLEMENT_RATE", text)
    with pytest.raises(ImproperlyConfigured, match="SETTLEMENT_RATE is a number from 0 up to a million"):
        rate("SETTLEMENT_RATE")


def test_the_first_day_in_the_settings_is_a_day_or_empty(monkeypatch):
    for text, day in (("", None), (" ", None), ("2026-03-01", FIRST)):
        monkeypatch.setenv("SETTLEMENT_FROM", text)
        assert day_or_none("SETTLEMENT_FROM") == day
    monkeypatch.setenv("SETTLEMENT_FROM", "1 March")
    with pytest.raises(ImproperlyConfigured, match="a day such as 2026-12-01"):
        day_or_none("SETTLEMENT_FROM")
