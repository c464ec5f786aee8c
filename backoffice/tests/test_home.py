"""The dashboard counts what its links open, for every role, over empty and odd data."""

import pytest

from agents.tests.factories import make_agent, make_session
from backoffice import testing
from backoffice.testing_crud import check_page, client_of, count_queries, set_column
from billing.tests.factories import make_posting, make_usage
from telephony.tests.factories import make_call, make_number
from tenants.attention import refresh
from tenants.models import AttentionItem
from tenants.tests.factories import change, make_organization


def fill():
    tenant = make_organization(credits_balance="5.00")
    change(make_organization(), credits_balance=None)
    agent = make_agent(tenant)
    change(make_number(), agent=agent)
    make_number(agent=agent)
    make_number()
    make_number(status="released")
    make_session(agent)
    set_column(make_session(agent), "created_at", "infinity")
    make_session(agent, created_at=None)
    make_session(agent, created_at="2020-01-01T00:00:00Z")
    make_call(created_at=None)
    make_call()
    make_posting(tenant)
    change(tenant, credits_balance="1.00")
    make_usage(agent)


@pytest.mark.parametrize("role", ["support", "finance", "manager", "admin"])
def test_every_figure_is_the_number_of_rows_that_it_opens(db, role):
    fill()
    client = client_of(testing.make_user(role))
    response = client.get("/")
    check_page(response)
    tiles = response.context["tiles"] + response.context["attention"]
    assert len(tiles) > 10
    for tile in tiles:
        assert tile["total"].number == len(client.get(tile["url"]).context["rows"]), tile["label"]


def test_numbers_without_agent_are_those_that_the_queue_has(support_client):
    fill()
    refresh()
    figures = {tile["label"]: tile["total"].number for tile in support_client.get("/").context["attention"]}
    for label, kind in [
        ("Active numbers without agent", "number_unassigned"),
        ("Active numbers with another tenant's agent", "number_mismatched"),
    ]:
        assert figures[label] == AttentionItem.objects.filter(kind=kind).count() == 1, label


def test_charts_add_up_to_their_lists(support_client):
    fill()
    for chart in support_client.get("/").context["charts"]:
        assert chart["total"] == sum(number for _, number in chart["points"])
        assert len(chart["points"]) == 30
        dated = [
            row for row in support_client.get(chart["url"]).context["rows"] if row.created_at.year < 9999
        ]
        assert chart["total"] == len(dated), chart["label"]


def test_an_empty_database_has_a_dashboard(support_client):
    check_page(support_client.get("/"))


def test_costs_the_same_for_a_few_rows_and_for_many(support_client):
    fill()
    few = count_queries(support_client, "/")
    for _ in range(5):
        fill()
    assert len(count_queries(support_client, "/")) == len(few)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_days_are_those_of_the_reader(support_client, support, zone):
    type(support).objects.filter(pk=support.pk).update(time_zone=zone)
    make_session()
    chart = support_client.get("/").context["charts"][0]
    assert chart["points"][-1][1] == 1
    html = check_page(support_client.get("/"))
    assert f"Times are in {zone}" in html


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
