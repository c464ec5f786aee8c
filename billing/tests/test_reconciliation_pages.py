"""The page, the job, the nightly check and the command around the reconciliation."""

import datetime
import json
import re
from decimal import Decimal
from html import unescape
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from django.urls import reverse

from agents.tests.factories import make_agent
from backoffice import jobs
from backoffice.models import Job
from backoffice.testing import make_user
from backoffice.testing_crud import PageTests, check_page, client_of
from backoffice.tests.test_export import export
from billing.models import ReconciliationFinding, ReconciliationRun
from billing.reconciliation import runs
from billing.reconciliation.check import Check
from billing.reconciliation.tables import ReconciledTable
from billing.tasks import check_balances
from billing.tests.factories import make_finding, make_outside, make_posting, make_run, make_usage
from telephony.tests.factories import make_call
from tenants.models import Organization
from tenants.tests.factories import make_organization

PAGE = "/billing/reconciliation/"
FINDINGS = "/billing/reconciliation/findings/"


class TestRunPages(PageTests):
    model = ReconciliationRun
    odd_rows = False  # nobody else writes these

    def make(self, n):
        return make_run(drift=n)


def off_by(tenant, amount="0.01"):
    """SQL that moves a balance without its ledger, for a connection of the owner."""
    return (
        "alter table organizations disable trigger record_credit_change;"
        f"update organizations set credits_balance = coalesce(credits_balance, 0) + {amount} where id = '{tenant.pk}';"
        "alter table organizations enable trigger record_credit_change"
    )


class TestPage:
    def test_before_the_first_check_it_says_how_to_begin(self, finance_client, support_client):
        assert "Nothing was checked yet" in check_page(finance_client.get(PAGE))
        assert "Check everything now" in finance_client.get(PAGE).text
        assert "Check everything now" not in check_page(support_client.get(PAGE))

    def test_before_the_first_check_no_balance_is_said_to_explain_itself(self, finance_client):
        for page in (FINDINGS, f"{PAGE}checks/"):
            html = check_page(finance_client.get(page))
            assert "Nothing was checked yet" in html and "explain themselves" not in html
        make_run()
        assert "all balances explain themselves" in check_page(finance_client.get(FINDINGS))

    @pytest.mark.parametrize("first", [None, datetime.date(2026, 3, 2)])
    def test_what_is_pending_opens_its_rows(self, finance_client, settings, first):
        """Also for somebody whose day begins at another hour, and where nothing is settled."""
        settings.SETTLEMENT_FROM = first
        finance_client.user.time_zone = "America/Los_Angeles"
        finance_client.user.save()
        agent = make_agent()
        for hours in (-1, 1):
            at = datetime.datetime(2026, 3, 2, tzinfo=datetime.UTC) + datetime.timedelta(hours=hours)
            make_usage(agent, cost_usd=Decimal(2), created_at=at, model_used=f"usage{hours}")
            make_call(agent=agent, organization=agent.organization, cost=Decimal(3), created_at=at)
        html = check_page(finance_client.get(PAGE, {"q": str(agent.organization_id)}))
        count = 1 if first else 2
        for label, each, list_url in (("usage", 2, "/billing/usage/"), ("calls", 3, "/telephony/calls/")):
            found = re.search(f'href="({list_url}[^"]+)">{label} {count * each}.0000<', html)
            rows = check_page(finance_client.get(unescape(found[1])))
            assert rows.count("row-link") == count
        assert f"{count * 5}.0000" in html

    def test_clean_shows_zero(self, finance_client):
        make_posting(make_organization(name="Clean Ltd"), "12.50")
        make_run(balance=Decimal("12.50"), ledger=Decimal("12.50"))
        html = check_page(finance_client.get(PAGE))
        assert "All balances explain themselves" in html
        row = html.split("Clean Ltd")[1].split("</tr>")[0]
        assert row.count("12.50") == 2 and "0.00" in row and "status--bad" not in row

    def test_a_difference_stands_beside_its_organization_at_once(self, finance_client, owner):
        tenant = make_organization(name="Drifting Ltd")
        make_posting(tenant, "12.50")
        owner(off_by(tenant))
        row = check_page(finance_client.get(PAGE)).split("Drifting Ltd")[1].split("</tr>")[0]
        assert "12.51" in row and "+0.01" in row and f"organization={tenant.pk}" in row

    def test_drift_is_told_with_its_rule_amount_and_way(self, finance_client):
        run = make_run(drift=2, found={"balance": [2, "0.03"]})
        html = check_page(finance_client.get(PAGE))
        assert "2 findings of drift" in html and "Balance is not its ledger" in html and "0.03" in html
        assert f"{FINDINGS}?run={run.pk}&amp;rule=balance" in html
        entry = html.split(f'href="{PAGE}"')[1].split("</a>")[0]
        assert "Reconciliation" in entry and ">2<" in entry

    def test_organizations_are_filtered_by_what_was_found(self, finance_client):
        make_organization(name="Sound Ltd")
        finding = make_finding(organization=make_organization(name="Drifting Ltd"))
        for value, expected in (("drift", True), ("balance", True), ("late", False)):
            html = check_page(finance_client.get(PAGE, {"found": value}))
            assert ("Drifting Ltd" in html, "Sound Ltd" in html) == (expected, False), finding
        make_run()
        assert "Drifting Ltd" not in finance_client.get(PAGE, {"found": "drift"}).text

    def test_the_queries_do_not_grow_with_the_rows(self, finance_client, django_assert_max_num_queries):
        make_run()
        for _ in range(2):
            make_posting()
        finance_client.get(PAGE)
        with django_assert_max_num_queries(20) as few:
            finance_client.get(PAGE)
        for _ in range(10):
            make_posting()
        with django_assert_max_num_queries(len(few)):
            finance_client.get(PAGE)

    def test_findings_are_those_of_the_last_check_unless_one_is_named(self, finance_client):
        old = make_finding(organization=make_organization(name="Old Ltd"))
        make_finding(organization=make_organization(name="New Ltd"))
        html = check_page(finance_client.get(FINDINGS))
        assert "New Ltd" in html and "Old Ltd" not in html
        html = check_page(finance_client.get(FINDINGS, {"run": old.run_id}))
        assert "Old Ltd" in html and "New Ltd" not in html
        for odd in ("x", "-1", "1.5", "99999999999999999999"):
            check_page(finance_client.get(FINDINGS, {"run": odd}))


@pytest.fixture
def database(fresh_database, settings, tmp_path):
    """A database with one organization of 10.00, committed: a check reads over a connection of its own."""
    settings.JOB_FILES_DIR = tmp_path
    with fresh_database.platform():
        fresh_database.tenant = make_organization(name="Acme Ltd")
        make_posting(fresh_database.tenant, "10.00")
    return fresh_database


def drift(database, amount="0.01"):
    with database.connect("postgres", row_factory=None) as connection:
        connection.execute(off_by(database.tenant, amount))


class TestChecking:
    def test_the_button_checks_in_a_job_and_keeps_what_was_found(self, database):
        drift(database)
        with database.django():
            finance = make_user("finance")
            response = client_of(finance).post(f"{PAGE}check/")
            job = Job.objects.get()
            assert response.url == job.get_absolute_url()
            again = client_of(make_user("manager")).post(f"{PAGE}check/")
            assert (again.url, Job.objects.count()) == (reverse("billing:reconciliation"), 1)
            jobs.run(str(job.pk))
            job.refresh_from_db()
            assert (job.status, job.message) == ("succeeded", "1 finding of drift.")
            run = ReconciliationRun.objects.get()
            assert (run.drift, run.actor, run.actor_name) == (1, finance, str(finance))
            finding = run.findings.get()
            assert (finding.rule, finding.amount, finding.is_after) == ("balance", Decimal("0.01"), True)
            html = check_page(client_of(finance).get(finding.url))
            assert "Acme Ltd" in html and "Top-up" in html

    def test_every_night_the_worker_checks(self, database):
        with database.django():
            check_balances(0)
            run = ReconciliationRun.objects.get()
            assert (run.drift, run.actor_name, run.organizations) == (0, "Nightly check", 1)

    def test_a_posting_between_balance_and_ledger_is_no_drift(self, database, monkeypatch):
        with database.django(), database.connect("postgres") as platform:
            original = Check.ledger

            def ledger(check):
                platform.execute("update organizations set credits_balance = credits_balance - 3")
                original(check)

            monkeypatch.setattr(Check, "ledger", ledger)
            run, _ = runs.check_all("Test")
            assert (run.drift, run.balance, run.ledger) == (0, Decimal("10.00"), Decimal("10.00"))
            assert Organization.objects.get().credits_balance == 7

    def test_old_checks_go(self, database, monkeypatch):
        monkeypatch.setattr(runs, "KEPT_RUNS", 2)
        drift(database)
        with database.django():
            for _ in range(3):
                runs.check_all("Test")
            assert ReconciliationRun.objects.count() == 2
            assert ReconciliationFinding.objects.count() == 2


@pytest.fixture
def balance_is_odd(database):
    """The organization's balance is no number, which counts as zero."""
    with database.connect("postgres", row_factory=None) as connection:
        connection.execute(off_by(database.tenant, "'NaN'"))


def test_exports_have_the_figures_of_the_pages(database, balance_is_odd):
    with database.django():
        runs.check_all("Test")
        finance = client_of(make_user("finance"))
        found, _ = export(finance, "billing:reconciliationfinding")
        assert [row["Amount"] for row in found] == ["-10"]
        columns = ReconciledTable.base_columns
        found = Organization.objects.annotate(difference=columns["difference"].export)
        assert found.get().difference == -10


def reconcile(*arguments):
    """(exit status, what was printed) of the command."""
    output = StringIO()
    try:
        call_command("reconcile", *arguments, stdout=output)
    except SystemExit as ended:
        return ended.code, output.getvalue()
    except CommandError as error:
        return error.returncode, str(error)
    return 0, output.getvalue()


class TestCommand:
    def test_clean(self, database):
        with database.django():
            status, text = reconcile()
            assert (
                status == 0
                and "All balances explain themselves." in text
                and "1 organization and 1 ledger row as of" in text
            )
            assert reconcile("--quiet") == (0, "")
            assert ReconciliationRun.objects.count() == 2
            assert reconcile("--organization", str(database.tenant.pk))[0] == 0
            assert ReconciliationRun.objects.count() == 2

    def test_drift(self, database):
        drift(database, "-1.25")
        with database.django():
            status, text = reconcile("--quiet")
            assert status == 1
            assert "DRIFT: Balance is not its ledger: 1 (1.25 credits)" in text
            assert (
                f"Acme Ltd ({database.tenant.pk}): Balance 8.75, ledger 10.00. Off by -1.25, after 20" in text
            )
            status, text = reconcile("--json")
            told = json.loads(text)
            assert (status, told["drift"], told["findings"][0]["amount"]) == (1, 1, "-1.25")
            status, text = reconcile("--csv", "--organization", str(database.tenant.pk))
            assert status == 1
            assert text.splitlines()[1].startswith(f"{database.tenant.pk},Acme Ltd,8.75,10.00,-1.25,0,0,")

    def test_credits_have_two_places(self, database):
        drift(database, "1234.50")
        with database.django():
            text = reconcile()[1]
            assert "(1,234.50 credits)" in text and "Off by 1,234.50, after 20" in text

    def test_nothing_but_what_was_asked_for_is_printed(self, database, caplog):
        drift(database)
        with database.django():
            assert reconcile("--json")[0] == 1
            assert caplog.records == []  # they would stand on standard output, before the JSON
            runs.check_all("Nightly check")
            assert [record.levelname for record in caplog.records] == ["ERROR"]

    def test_what_cannot_be_checked_is_neither(self, database, monkeypatch):
        with database.django():
            assert reconcile("--organization", "7")[0] == 2
            assert reconcile("--organization", "00000000-0000-0000-0000-000000000007")[0] == 2

            def fail(check):
                raise DatabaseError("the connection was lost")

            monkeypatch.setattr(Check, "run", fail)
            status, text = reconcile()
            assert status == 2 and "the connection was lost" in text


def test_changes_from_outside_are_in_the_ledger(db, finance_client):
    make_outside(make_organization(name="Runtime Ltd"), "-0.25")
    row = check_page(finance_client.get(PAGE)).split("Runtime Ltd")[1].split("</tr>")[0]
    assert "status--bad" not in row
