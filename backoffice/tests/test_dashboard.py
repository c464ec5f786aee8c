"""The dashboard and the page of figures: every figure is that of the rows which its link opens."""

import datetime
import re
from decimal import Decimal

import pytest

from agents.models import AgentSession
from agents.tests.factories import make_agent, make_message, make_session
from backoffice import testing
from backoffice.figure_models import FigureState
from backoffice.figures import periods
from backoffice.testing_crud import HOSTILE, check_page, client_of, client_with, count_queries, set_column
from backoffice.tests.test_figures import look, money, sql
from billing.tests.factories import make_usage
from telephony.tests.factories import make_call
from tenants.tests.factories import make_organization

# What a figure adds up of the rows of its list; of the others it is their number.
ADDED = {
    "messages": lambda row: row.stored if row.counted is None else row.counted,
    "minutes": lambda row: Decimal(row.duration_seconds or 0) / 60,
    "tokens": lambda row: row.tokens_used or 0,
    "cost": lambda row: money(row.cost_usd),
    "call_cost": lambda row: money(row.cost),
}
COMPARED = ("/", "/figures/", "/figures/?days=7", "/figures/?days=90")


def ago(days, time="12:00:00"):
    return f"{periods.today() - datetime.timedelta(days=days)}T{time}Z"


def fill():
    """Rows of the last months, some of them odd; returns an agent of a tenant that has some of each."""
    agent, other = make_agent(make_organization(name=HOSTILE)), make_agent()
    edges = [(0, "00:00:00"), (1, "00:00:00"), (1, "23:59:59.999999"), (6, "00:00:00"), (7, "23:59:59.999999"),
             (29, "00:00:00"), (30, "23:59:59.999999"), (35, "12:00:00"), (89, "00:00:00")]  # fmt: skip
    for number, (days, time) in enumerate(edges):
        for each in (agent, other) if number % 3 == 0 else (agent,):
            at = ago(days, time)
            make_usage(each, created_at=at, tokens_used=number * 10, model_used=[None, "gpt-4o", HOSTILE][number % 3],
                       cost_usd=[None, Decimal("0.25")][number % 2], channel=["text", None, "fax"][number % 3])  # fmt: skip
            make_call(each.organization, created_at=at, duration_seconds=[None, 90][number % 2],
                      status=["failed", "completed", "busy", None][number % 4])  # fmt: skip
            session = make_session(each, started_at=at, channel=["text", None, "phone"][number % 3],
                                   message_count=[None, 0, 4][number % 3])  # fmt: skip
        make_message(session, created_at=at, latency_ms=100 * (number + 1), role="assistant",
                     content=["Error: no", "Good day"][number % 2])  # fmt: skip
    if not AgentSession.objects.filter(external_id="default").exists():
        make_session(agent, external_id="default", started_at=ago(1))
    set_column(make_usage(other, created_at=ago(2)), "cost_usd", "NaN")
    for row in (make_usage(agent), make_call(agent.organization), make_message(latency_ms=3)):
        set_column(row, "created_at", "infinity")
    timeless = make_session(agent, created_at=None)
    set_column(timeless, "started_at", None)
    make_organization(created_at=ago(3)), make_organization(created_at=None)
    make_usage(other, created_at=ago(-2))  # a clock that is ahead
    look()
    return agent


def rows_of(client, url):
    response = client.get(url)
    assert response.status_code == 200, url
    assert not response.context["ignored"], (url, response.context["ignored"])
    assert not response.context["filterset"].form.errors, url
    assert response.context["next_url"] == "", "more rows than a page holds"
    return response.context["rows"]


def check_link(client, name, number, url):
    added = ADDED.get(name)
    rows = rows_of(client, url)
    found = sum(added(row) for row in rows) if added else len(rows)
    assert found == number, (name, url)


@pytest.fixture
def filled(db):
    return fill()


def test_every_tile_and_note_is_what_its_link_opens(filled, support_client):
    response = support_client.get("/")
    check_page(response)
    for tile in response.context["tiles"]:
        assert tile["number"], tile
        check_link(support_client, tile["name"], tile["number"], tile["url"])
    for words, number, url in response.context["notes"]:
        check_link(support_client, words, number, url)
    assert len(response.context["notes"]) == 5


@pytest.mark.parametrize("role", ["support", "finance", "manager", "admin"])
def test_every_role_sees_the_figures(db, role):
    response = client_of(testing.make_user(role)).get("/")
    check_page(response)
    assert [tile["name"] for tile in response.context["tiles"]] == [
        "active", "conversations", "calls", "minutes", "tokens", "cost", "failed_calls", "latency",
    ]  # fmt: skip


def test_every_bar_is_what_its_link_opens(support_client, filled):
    """The first bars with something, and one that may have nothing."""
    first, last = (periods.today() - datetime.timedelta(days=days) for days in (35, 29))
    for period in ("days=7", f"since={first}&until={last}"):
        response = support_client.get(f"/figures/?{period}")
        check_page(response)
        charts = response.context["charts"]
        assert len(charts) == 11
        for chart in charts:
            for bar in [*[bar for bar in chart["bars"] if bar.value][:2], chart["bars"][3]]:
                check_link(support_client, chart["name"], bar.value, bar.url)
            if chart["total"]:
                assert sum(bar.value for bar in chart["bars"]) == chart["number"]


def test_every_part_is_what_its_link_opens(support_client, filled):
    for query in ("channel=null", f"organization={filled.organization_id}", ""):
        response = support_client.get(f"/figures/?{query}")
        cells = [
            (measure.name, cell)
            for part in response.context["parts"]
            for row in part["rows"]
            for measure, cell in zip(part["columns"], row["cells"], strict=True)
            if cell["number"]
        ]
        assert cells
        for name, cell in cells:
            check_link(support_client, name, cell["number"], cell["url"])
        if query:
            for tile in response.context["tiles"]:
                check_link(support_client, tile["name"], tile["number"], tile["url"])


def test_every_tenant_is_what_its_link_opens(support_client, filled):
    for by in ("tokens", "messages", "minutes", "failed_calls"):
        for query in ("", f"&until={periods.today() - datetime.timedelta(days=5)}"):
            tenants = support_client.get(f"/figures/?by={by}{query}").context["tenants"]
            assert tenants["measure"].name == by and tenants["rows"]
            for row in tenants["rows"]:
                check_link(support_client, by, row["number"], row["url"])
            assert len([row for row in tenants["rows"] if not row["tenant"]]) == (by == "conversations")


def test_the_shared_session_is_in_no_tenants_figures(support_client, filled):
    page = support_client.get(f"/figures/?organization={filled.organization_id}").context
    (tile,) = (tile for tile in page["tiles"] if tile["name"] == "conversations")
    names = {row.external_id for row in rows_of(support_client, tile["url"])}
    assert names and "default" not in names


def test_days_are_those_of_utc_for_everybody(support_client, support):
    make_call(created_at=ago(1, "00:00:00")), make_call(created_at=ago(1, "23:59:59"))
    look()
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kolkata"):
        type(support).objects.filter(pk=support.pk).update(time_zone=zone)
        response = support_client.get("/figures/")
        (chart,) = (chart for chart in response.context["charts"] if chart["name"] == "calls")
        assert [bar.value for bar in chart["bars"][-3:]] == [0, 2, 0]
        check_link(support_client, "calls", 2, chart["bars"][-2].url)
        assert "Days are those of UTC" in check_page(response)


def test_the_period_before_is_as_long_and_stands_beside(support_client, filled):
    for _ in range(3):
        make_call(created_at=ago(31))
    look()
    response = support_client.get("/figures/")
    (calls,) = (chart for chart in response.context["charts"] if chart["name"] == "calls")
    assert len(calls["bars"]) == 30
    assert calls["bars"][-2].before == 3 and calls["note"].startswith("before: 6")


def test_the_percentiles_of_latency_are_right_within_5_percent(support_client):
    session = make_session()
    values = [1, 40, 500, 900, 1000, 1100, 1500, 2000, 2500, 60_000]
    for value in values:
        make_message(session, latency_ms=value)
    look()
    (tile,) = (tile for tile in support_client.get("/").context["tiles"] if tile["name"] == "latency")
    check_link(support_client, "latency", len(values), tile["url"])
    from backoffice.figures import read
    from backoffice.figures.measures import Span

    now, before = read.latency(Span(periods.today(), periods.today()))
    ((p50, p95),) = sql(
        "select percentile_disc(0.5) within group (order by latency_ms),"
        " percentile_disc(0.95) within group (order by latency_ms) from agent_messages"
    )
    assert now.p50 == pytest.approx(p50, rel=0.05) and now.p95 == pytest.approx(p95, rel=0.05)
    assert before is None


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("days=8", "days"), ("days=<script>", "days"), ("since=yesterday", "since"), ("since=2026-02-30", "since"),
        ("since=2020-01-01", "since"), ("since=9998-01-01", "since"), ("until=0001-01-01", "until"),
        ("since=2026-05-02&until=2026-05-01", "until"), ("organization=x", "organization"),
        ("organization=00000000-0000-0000-0000-000000000000", "organization"), ("channel=%00", "channel"),
    ],
)  # fmt: skip
def test_what_cannot_be_shown_is_said_beside_its_field(support_client, query, field):
    response = support_client.get(f"/figures/?{query}")
    html = check_page(response, 422)
    assert response.context["form"].errors[field]
    assert "error" in html


def test_an_unknown_channel_and_a_long_period_are_shown(support_client, filled):
    until = periods.today()
    response = support_client.get(f"/figures/?since={until - datetime.timedelta(days=365)}&channel={HOSTILE}")
    check_page(response)
    response = support_client.get(f"/figures/?since={until - datetime.timedelta(days=364)}")
    check_page(response)
    (calls,) = (chart for chart in response.context["charts"] if chart["name"] == "calls")
    assert len(calls["bars"]) == 53 and sum(bar.value for bar in calls["bars"]) == calls["number"] > 10
    assert "active" not in {chart["name"] for chart in response.context["charts"]}


class TestStanding:
    def test_what_was_never_counted_is_said(self, support_client):
        assert "being counted for the first time" in check_page(support_client.get("/"))

    def test_what_is_behind_is_said(self, support_client):
        look()
        assert "behind" not in check_page(support_client.get("/"))
        FigureState.objects.filter(source="call").update(caught_up_at=ago(1))
        html = check_page(support_client.get("/figures/"))
        assert re.search(r"figures are [\d,]+ minutes behind", html)

    def test_a_list_of_conversations_that_is_being_built_is_said(self, support_client):
        look()
        sql("update agents_indexstate set built_at = null")
        assert "list of conversations is being built" in check_page(support_client.get("/"))


def test_costs_the_same_for_a_few_rows_and_for_many(support_client, filled):
    few = [len(count_queries(support_client, address)) for address in COMPARED]
    fill()
    assert [len(count_queries(support_client, address)) for address in COMPARED] == few
    assert max(few) <= 26


def test_one_is_told_as_one(support_client):
    make_call()
    look()
    html = check_page(support_client.get("/figures/"))
    assert "<strong>1</strong> call;" in html and ": 1 call;" in html and "1 calls" not in html


def test_an_empty_database_has_figures(support_client):
    for _ in range(2):
        for address in COMPARED:
            check_page(support_client.get(address))
        look()


def test_only_lists_that_one_may_open_are_counted(filled):
    client = client_with("backoffice.view_figure", "telephony.view_calllog")
    names = {tile["name"] for tile in client.get("/").context["tiles"]}
    assert names == {"calls", "minutes", "failed_calls"}
    html = check_page(client.get("/figures/"))
    assert "Cost of usage" not in html and "Active tenants" not in html
    assert client_with("telephony.view_calllog", email="two@example.test").get("/figures/").status_code == 403
