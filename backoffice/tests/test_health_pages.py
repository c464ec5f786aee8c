"""The pages of data health, as staff see them."""

import datetime

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents.tests.factories import make_agent, make_session
from backoffice import jobs
from backoffice.figures import follow as figures_follow
from backoffice.health import ages, checking, store
from backoffice.health.checking import check_all, check_rows, follow
from backoffice.health.findings import WARN, Finding
from backoffice.health.rules import all_rules
from backoffice.health.sizes import measure
from backoffice.health.wanted import wanted
from backoffice.models import HealthCheck, HealthFinding, HealthRow, Job, TableSize
from backoffice.testing import make_user
from backoffice.testing_crud import check_page, client_of
from telephony.tests.factories import make_call, make_number

SECTIONS = ("schema", "rights", "indexes", "orphans", "oddities", "sizes", "ages")


FEW = (
    "agent_json_name", "call_logs_values", "call_without_agent", "chat_messages_without_chat", "default_session",
    "number_not_e164", "stale_calls",
)  # fmt: skip


@pytest.fixture(autouse=True)
def few_rules(monkeypatch):
    """Enough for pages; test_health_rules has them all."""
    rules = {name: all_rules()[name] for name in FEW}
    monkeypatch.setattr(checking, "all_rules", lambda: rules)


def text_of(response):
    return response.content.decode()


def test_a_clean_database_gives_a_clean_page(manager_client, db):
    check_all()
    page = check_page(manager_client.get("/health/"), 200)
    assert "Everything is there as db/*.sql makes it." in page
    assert "Policies, grants and roles are those of db/*.sql." in page
    assert "Every index that pages need is there." in page
    assert "Every row finds what it belongs to." in page
    assert "No rule found a row." in page


def test_before_the_first_check_the_page_says_so_and_the_catalog_is_read_all_the_same(finance_client, owner):
    owner("alter table agents disable trigger audit_record")
    page = check_page(finance_client.get("/health/"), 200)
    assert "Nothing was checked yet" in page
    assert "Trigger audit_record on public.agents is disabled." in page
    assert "Nothing was checked yet" in text_of(finance_client.get("/health/oddities/"))


def test_every_section_opens_with_and_without_findings(support_client, owner):
    for section in SECTIONS:
        check_page(support_client.get(f"/health/{section}/"), 200)
    owner("drop table chat_messages")
    make_session(external_id="default")
    check_all()
    for section in SECTIONS:
        check_page(support_client.get(f"/health/{section}/"), 200)


def test_an_unknown_section_is_not_found(manager_client, db):
    assert manager_client.get("/health/weather/").status_code == 404


def test_a_fault_shows_at_the_next_look_and_is_gone_when_it_is_mended(manager_client, owner):
    def look():
        HealthCheck.objects.update(at=timezone.now() - datetime.timedelta(minutes=1))
        return text_of(manager_client.get("/health/rights/"))

    assert "Nothing found" in look()
    owner('create policy "Anyone can view" on agent_messages for select to anon using (true)')
    page = look()
    assert "Policy “Anyone can view” on public.agent_messages is not ours and lets anon read rows" in page
    assert "drop policy &quot;Anyone can view&quot; on public.agent_messages;" in page
    owner('drop policy "Anyone can view" on agent_messages')
    assert "Nothing found" in look()


def test_names_of_strangers_are_shown_as_text(manager_client, owner):
    owner('create policy "<script>alert(1)</script>" on agents for select to anon using (true)')
    page = check_page(manager_client.get("/health/rights/"), 200)
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_missing_indexes_come_with_the_command(manager_client, owner):
    ((name,),) = owner(
        "select indexname from pg_indexes where tablename = 'usage_logs' and indexdef like '%%(session_id)'"
    )
    owner(f'drop index public."{name}"')
    page = text_of(manager_client.get("/health/indexes/"))
    assert (
        f"{len(wanted()['indexes']) - 1} of the {len(wanted()['indexes'])} indexes that pages need are there."
        in page
    )
    assert "python manage.py build_indexes" in page
    assert "Slow without it: a conversation&#x27;s cost." in page


def test_a_database_that_does_not_answer_in_time_leaves_the_page_with_what_is_kept(
    manager_client, monkeypatch, db
):
    store.keep(["schema"], [Finding("schema", "kept", "", WARN, "What was found before")])

    def fail():
        raise DatabaseError("canceling statement due to statement timeout")

    monkeypatch.setattr(store, "catalog_findings", fail)
    store.checked("catalog", 1)
    HealthCheck.objects.update(at=timezone.now() - datetime.timedelta(minutes=2))
    page = check_page(manager_client.get("/health/"), 200)
    assert "What was found before" in page
    assert "could not be read just now" in page


def test_the_overview_costs_the_same_for_one_finding_and_for_hundreds(manager_client, db):
    check_all()

    def queries():
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert manager_client.get("/health/").status_code == 200
        return len(captured)

    queries()  # what Django reads once
    before = queries()
    store.keep(["orphans"], [Finding("orphans", f"r{n}", "", WARN, "Many") for n in range(500)], rules=[])
    for _ in range(20):
        make_call(status="ringing")
    check_rows()
    assert queries() == before


class TestBadge:
    def test_what_is_bad_is_counted_beside_the_entry(self, support_client, db):
        make_session(external_id="default")
        check_rows()
        (bad,) = HealthFinding.objects.filter(level="bad")
        assert bad.rule == "default_session"
        page = text_of(support_client.get("/jobs/"))
        assert 'Data health</span><span class="badge">1</span>' in page

    def test_nothing_stands_there_when_all_is_well(self, support_client, db):
        check_rows()
        assert "Data health</span></a>" in text_of(support_client.get("/jobs/"))


class TestRowsOfARule:
    def test_they_are_listed_with_their_tenant_and_lead_to_the_row(self, support_client, db):
        number = make_number(e164="020 7946 0000")
        check_rows()
        page = check_page(support_client.get("/health/rows/?rule=number_not_e164"), 200)
        assert "Numbers that are not E.164" in page
        assert "calls to these get 404" in page
        assert number.get_absolute_url() in page
        assert number.organization.get_absolute_url() in page

    def test_a_rule_with_a_list_of_its_own_leads_there(self, support_client, db):
        call = make_call(status="active", created_at="2026-01-01T00:00Z")
        check_rows()
        page = text_of(support_client.get("/health/rows/?rule=stale_calls"))
        assert "/telephony/calls/?problem=stale" in page
        assert str(call.pk) in text_of(support_client.get("/telephony/calls/?problem=stale"))

    def test_a_row_that_is_gone_by_now_still_stands_there(self, support_client, owner):
        agent = make_agent(name="{}")
        check_rows()
        owner("delete from agents where id = %s", [agent.pk])
        page = text_of(support_client.get("/health/rows/?rule=agent_json_name"))
        assert "gone by now" in page

    def test_they_come_in_pages(self, support_client, db):
        agent = make_agent()
        for _ in range(60):
            make_call(agent.organization, agent=None)
        check_rows()
        page = text_of(support_client.get("/health/rows/?rule=call_without_agent"))
        assert "60 rows" in page
        assert ">Next<" in page and ">Newer<" not in page

    def test_rows_of_a_kind_that_is_gone_open(self, support_client, db):
        HealthRow.objects.create(rule="default_session", record="gone.model", row_id=None)
        check_page(support_client.get("/health/rows/"), 200)


class TestChecking:
    def test_the_button_reads_the_catalog_at_once_and_starts_a_job(self, manager_client, owner):
        owner("alter table agents disable trigger audit_record")
        answer = manager_client.post("/health/check/")
        job = Job.objects.get(kind=checking.KIND)
        assert answer.url == job.get_absolute_url()
        assert HealthFinding.objects.get(rule="trigger_disabled").level == "bad"
        make_session(external_id="default")
        jobs.run(str(job.pk))
        job.refresh_from_db()
        assert (job.status, job.message) == ("succeeded", "2 findings that are bad.")
        assert job.done == job.total

    def test_a_second_press_joins_the_check_that_runs(self, manager_client, support_client, db):
        manager_client.post("/health/check/")
        assert support_client.post("/health/check/").url == "/health/"
        assert Job.objects.filter(kind=checking.KIND).count() == 1
        assert "A check is under way" in text_of(support_client.get("/health/"))

    def test_finance_may_look_but_not_start_one(self, finance_client, db):
        assert "Check again" not in text_of(finance_client.get("/health/"))
        answer = finance_client.post("/health/check/")
        assert answer.status_code == 403
        assert "check the data&#x27;s health" in text_of(answer)

    def test_the_worker_does_what_is_due_and_no_more(self, db):
        assert follow() is False
        first = {check.part: check.at for check in HealthCheck.objects.all()}
        assert set(first) == {"catalog", "rows", "sizes"}
        follow()
        assert {check.part: check.at for check in HealthCheck.objects.all()} == first
        HealthCheck.objects.update(at=timezone.now() - datetime.timedelta(days=2))
        follow()
        assert all(check.at > first[check.part] for check in HealthCheck.objects.all())


class TestFindings:
    def test_all_are_in_one_list_with_filters(self, manager_client, owner):
        owner("alter table agents disable trigger audit_record")
        make_session(external_id="default")
        check_all()
        page = check_page(manager_client.get("/health/findings/?level=bad"), 200)
        assert "Trigger audit_record on public.agents is disabled." in page
        assert "The session “default”" in page
        schema = text_of(manager_client.get("/health/findings/?section=schema&q=audit_record"))
        assert "The session “default”" not in schema

    def test_they_are_exported(self, fresh_database, settings, tmp_path):
        settings.JOB_FILES_DIR = tmp_path
        with fresh_database.connect("postgres") as owner:
            owner.execute("alter table agents disable trigger audit_record")
        with fresh_database.django():
            store.check_catalog()
            client = client_of(make_user("manager"))
            client.post("/lists/healthfinding_list/export/", {"query": "level=bad", "format": "csv"})
            job = Job.objects.get(kind="export")
            jobs.run(str(job.pk))
            job.refresh_from_db()
        assert job.status == "succeeded", job.message
        written = job.result_path.read_text()
        assert "Trigger audit_record on public.agents is disabled." in written
        assert "alter table public.agents enable trigger audit_record;" in written

    def test_what_lasts_keeps_the_time_when_it_was_first_seen(self, owner):
        owner("alter table agents disable trigger audit_record")
        store.check_catalog()
        first = HealthFinding.objects.get(rule="trigger_disabled")
        owner("alter table phone_numbers disable trigger audit_record")
        store.check_catalog()
        again = HealthFinding.objects.get(pk=first.pk)
        assert again.first_seen_at == first.first_seen_at
        assert HealthFinding.objects.filter(rule="trigger_disabled").count() == 2


class TestSizes:
    def test_growth_is_since_the_first_measure_of_the_month(self, manager_client, db):
        measure()
        today = TableSize.objects.get(table="public.agents")
        TableSize.objects.create(
            day=today.day - datetime.timedelta(days=20), table="public.agents", rows=1, table_bytes=0,
            index_bytes=today.index_bytes, toast_bytes=today.toast_bytes, dead_rows=0,
        )  # fmt: skip
        TableSize.objects.filter(pk=today.pk).update(table_bytes=3 * 1024 * 1024)
        page = check_page(manager_client.get("/health/sizes/"), 200)
        assert "public.agents" in page
        assert page.count("3.0\xa0MB") >= 2

    def test_a_day_has_one_measure(self, db):
        measure()
        measure()
        assert TableSize.objects.filter(table="public.agents").count() == 1


class TestAges:
    def test_apps_tell_of_theirs(self, manager_client, db):
        page = text_of(manager_client.get("/health/ages/"))
        for label in (
            "Index of conversations",
            "Needs attention",
            "Reconciliation of balances",
            "Settlement",
            "Worker",
        ):
            assert label in page
        assert "No worker runs" in page

    def test_verdicts_follow_the_age(self):
        def verdict(hours):
            at = timezone.now() - datetime.timedelta(hours=hours)
            limits = {"warn_after": datetime.timedelta(hours=1), "bad_after": datetime.timedelta(hours=2)}
            return ages.Age("Thing", at, **limits).verdict

        assert [verdict(0.5), verdict(1.5), verdict(2.5)] == ["good", "warn", "bad"]
        assert ages.Age("Thing", None).verdict == "warn"

    def test_one_that_fails_is_told_and_the_others_are_read(self, monkeypatch, manager_client, db):
        def age_of_something():
            with connection.cursor() as cursor:
                cursor.execute("select 1 from no_such_table")

        monkeypatch.setattr(ages, "PROVIDERS", [age_of_something, *ages.PROVIDERS])
        page = check_page(manager_client.get("/health/ages/"), 200)
        assert "Age of something" in page and "It could not be read." in page
        assert "Needs attention" in page

    def test_failed_jobs_are_told(self, manager_client, db):
        Job.objects.create(
            kind="export", title="x", owner=manager_client.user, status="failed", finished_at=timezone.now()
        )
        assert "1 job failed in the last 7 days." in text_of(manager_client.get("/health/ages/"))


def test_a_finding_has_a_page(finance_client, owner):
    owner("alter table agents disable trigger audit_record")
    store.check_catalog()
    finding = HealthFinding.objects.get(rule="trigger_disabled")
    page = check_page(finance_client.get(f"/health/findings/{finding.pk}/"), 200)
    assert "alter table public.agents enable trigger audit_record;" in page


def test_the_figures_of_the_dashboard_say_how_old_they_are(manager_client, db):
    assert "They are being counted for the first time." in text_of(manager_client.get("/health/ages/"))
    while figures_follow.follow():
        pass
    page = text_of(manager_client.get("/health/ages/"))
    assert "Figures of the dashboard, caught up" in page and "for the first time" not in page
