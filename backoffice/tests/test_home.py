"""The dashboard says first what needs the reader, by role; the shell around every page; one's own settings."""

import pytest

from agents.models import Conversation
from agents.tests.factories import make_agent, make_conversation, make_sample, make_session
from backoffice import testing
from backoffice.models import Job
from backoffice.needs import Need
from backoffice.services import log_read
from backoffice.testing_crud import check_page, client_of, count_queries, set_column
from backoffice.tests.test_figures import look
from billing.models import ReconciliationRun
from billing.tests.factories import make_bulk_posting, make_finding, make_outside, make_request
from tenants.attention import refresh
from tenants.care import assign_tenant
from tenants.models import AttentionItem, Care, Follow, Organization
from tenants.tests.factories import change, make_erasure, make_organization

OF_ROLE = {
    "support": ["Failed jobs", "Needs attention", "Signs of tenants assigned to you", "Signs of tenants that you follow"],
    "finance": ["Balances at or under zero", "Bulk postings to decide", "Changes of credit from outside",
                "Findings of the last reconciliation", "Requests to decide"],
    "manager": ["Busy drafts", "Dead agents", "Needs attention", "Requests to decide", "Reveals by staff",
                "Samples to review"],
    "admin": ["Erasures asked for", "Failed jobs", "Reveals by staff"],
}  # fmt: skip
# Lists without rows of their own behind the number.
NOT_ROWS = {"Findings of the last reconciliation", "Days to settle"}


def fill(user):
    """Something to do of every kind, for this person."""
    tenant = make_organization(credits_balance="5.00")
    number = Job.objects.count()
    other = testing.make_user("manager", email=f"other{number}@example.test")
    change(make_organization(), credits_balance="-1.00")
    change(make_organization(), credits_balance=None)
    make_outside(tenant)
    make_request(testing.make_user("support", email=f"asks{number}@example.test"), tenant)
    make_bulk_posting(tenant)
    make_finding()
    ReconciliationRun.objects.update(drift=3)
    Job.objects.create(kind="export", title="Export", owner=user, status="failed")
    dead = make_agent(tenant, is_published=True)
    set_column(dead, "created_at", "2026-01-01T00:00:00Z")
    session = make_session(make_agent(tenant, is_published=False))
    make_sample(other, Conversation.objects.filter(pk=make_conversation(record=session).pk))
    log_read("reveal", session, actor=other, reason="Asked for")
    make_erasure(testing.make_user("admin", email=f"erases{number}@example.test"), status="requested")
    refresh()
    for organization in Organization.objects.filter(pk__in=AttentionItem.objects.values("organization")):
        if not Care.objects.filter(organization=organization).exists() and user.has_perm(
            "tenants.act_on_tenant"
        ):
            assign_tenant(organization, actor=user)
        Follow.objects.get_or_create(organization=organization, user=user)
    look()


@pytest.mark.parametrize("role", OF_ROLE)
def test_every_need_is_the_number_of_rows_that_it_opens(db, role):
    user = testing.make_user(role)
    fill(user)
    client = client_of(user)
    response = client.get("/")
    check_page(response)
    needs = response.context["needs"]
    assert set(OF_ROLE[role]) <= {need.label for need in needs}
    for need in needs:
        page = client.get(need.url)
        assert page.status_code == 200, need
        if need.label not in NOT_ROWS and "to close" not in need.label:
            assert need.count == len(page.context["rows"]), need.label
            assert not page.context["ignored"], need.label


def test_with_nothing_to_do_nothing_alarms(finance_client):
    look()
    response = finance_client.get("/")
    html = check_page(response)
    assert [need.label for need in response.context["needs"] if "to close" not in need.label] == []
    assert "Nothing waits in:" in html and "need--bad" not in html


def test_the_gravest_comes_first_and_many_are_told_as_such(support_client, monkeypatch):
    found = [Need("Soft", "info", 1, "/a", tone="info"), Need("Odd", "info", 1, "/o", tone="<b>"),
             Need("Bad", "info", 10_000, "/b", tone="bad"), Need("Quiet", "info", 0, "/q", tone="bad")]  # fmt: skip
    monkeypatch.setattr("backoffice.needs.NEEDS", [lambda user: found])
    response = support_client.get("/")
    html = check_page(response)
    assert [need.label for need in response.context["needs"]] == ["Bad", "Soft", "Odd"]
    assert "10,000+" in html and "<b>" not in html


def test_ones_own_request_does_not_wait_for_oneself(finance_client, finance):
    make_request(finance)
    assert "Requests to decide" not in {need.label for need in finance_client.get("/").context["needs"]}


def test_an_account_without_role_is_told_so(db):
    user = testing.make_user("support")
    user.groups.clear()
    assert "Your account has no role" in check_page(client_of(user).get("/"))


@pytest.mark.parametrize("role", ["finance", "manager"])
def test_costs_the_same_for_a_few_rows_and_for_many(db, role):
    user = testing.make_user(role)
    client = client_of(user)
    fill(user)
    few = count_queries(client, "/")
    fill(user)
    assert len(count_queries(client, "/")) == len(few) <= 26


def test_navigation_shows_what_the_role_may_open_and_where_one_is(manager_client, support_client):
    html = check_page(manager_client.get("/tenants/organizations/"))
    assert 'href="/audit/changes/"' in html and 'href="/tenants/organizations/" aria-current="page"' in html
    assert 'href="/audit/changes/"' not in check_page(support_client.get("/"))


class TestOwnSettings:
    def test_zone_and_theme_are_saved(self, support_client, support):
        data = {"first_name": "Sam", "last_name": "Lee", "time_zone": "Asia/Tokyo", "theme": "dark"}
        html = check_page(support_client.post("/me/", data, follow=True))
        assert "Your settings were saved." in html and 'data-theme="dark"' in html and "Asia/Tokyo" in html

    @pytest.mark.parametrize("zone", ["", "Mars/Base", "../../etc/passwd", "utc+1", "\0"])
    def test_a_zone_that_is_none_is_refused(self, support_client, zone):
        html = check_page(support_client.post("/me/", {"time_zone": zone, "theme": "dark"}), 422)
        assert 'id="id_time_zone_error"' in html

    def test_rights_cannot_be_sent_along(self, support_client, support):
        data = {
            "time_zone": "UTC",
            "theme": "auto",
            "is_superuser": "on",
            "email": "x@example.test",
            "groups": "1",
        }
        support_client.post("/me/", data)
        support.refresh_from_db()
        assert (support.is_superuser, support.email) == (False, "support@example.test")

    @pytest.mark.parametrize(
        ("target", "landed"),
        [
            ("/jobs/", "/jobs/"),
            ("https://evil.example/", "/"),
            ("//evil.example", "/"),
            ("javascript:alert(1)", "/"),
            ("/\\evil.example", "/"),
            ("", "/"),
        ],
    )
    def test_switching_the_theme_leads_back_to_our_pages_only(self, support_client, target, landed):
        assert support_client.post("/me/theme/", {"theme": "dark", "next": target}).url == landed

    def test_a_zone_of_an_older_calendar_does_not_break_pages(self, support_client, support):
        type(support).objects.filter(pk=support.pk).update(time_zone="Mars/Base")
        check_page(support_client.get("/tenants/organizations/"))
