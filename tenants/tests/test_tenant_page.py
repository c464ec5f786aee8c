"""The tenant page: its tabs, what each shows, who may, and what it costs."""

import datetime
import json

import pytest
from django.urls import reverse
from django.utils import timezone

from agents.models import Agent
from agents.tests.factories import (
    make_agent,
    make_chat_message,
    make_chat_session,
    make_message,
    make_session,
)
from backoffice import services
from backoffice.figures import follow
from backoffice.figures import tenant as figures
from backoffice.testing_crud import case, check_page, client_with, count_queries, set_column
from billing.overview import read as overview
from billing.tests.factories import make_posting, make_usage
from telephony.tests.factories import make_call, make_number, make_trunk
from tenants.desk.timeline import timeline_of
from tenants.desk.together import read_together
from tenants.desk.usage import usage_of
from tenants.health import credit_of, found_reads
from tenants.models import Organization
from tenants.tests.factories import change, make_organization, make_profile
from tenants.views import TABS

pytestmark = pytest.mark.django_db
MOST_QUERIES = 14
BESIDE_THE_TABS = ["call_check"]
SLUGS = [tab.slug for tab in TABS] + BESIDE_THE_TABS


def url(tenant, slug="overview"):
    name = "organization_detail" if slug == "overview" else f"organization_{slug}"
    return reverse(f"tenants:{name}", args=[tenant.pk])


def ago(**delta):
    return timezone.now() - datetime.timedelta(**delta)


def furnish(tenant):
    """A row of everything that belongs to a tenant, with something wrong about it."""
    agent = make_agent(tenant, voice_provider="azure", config={"temperature": 0.1})
    number = make_number(agent=agent)
    make_number(tenant)
    make_trunk(organization=tenant)
    session = make_session(agent)
    make_message(session)
    make_session(agent, conversation_history=[{"role": "user", "content": "Hi"}])
    make_chat_message(make_chat_session(agent))
    make_call(phone_number=number, status="failed")
    make_usage(agent, cost_usd="0.5")
    make_posting(tenant, "5.00")
    make_organization(owner_id=tenant.owner_id)
    return agent


class TestEveryTab:
    def test_costs_the_same_for_one_row_and_for_many(self, support_client):
        tenant = make_organization(credits_balance="5.00")
        furnish(tenant)
        few = self.queries_of_tabs(support_client, tenant)
        for _ in range(12):
            furnish(tenant)
        many = self.queries_of_tabs(support_client, tenant)
        for slug in SLUGS:
            with case(slug):
                assert len(many[slug]) == len(few[slug]) <= MOST_QUERIES, "\n".join(
                    q[:150] for q in many[slug]
                )

    @staticmethod
    def queries_of_tabs(client, tenant):
        for slug in SLUGS:
            check_page(client.get(url(tenant, slug)))  # what is new about its health is kept once
        return {slug: count_queries(client, url(tenant, slug)) for slug in SLUGS}

    @pytest.mark.parametrize("slug", SLUGS)
    def test_opens_for_a_tenant_that_has_nothing(self, support_client, finance_client, slug):
        tenant = make_organization()
        for client in (support_client, finance_client):
            html = check_page(client.get(url(tenant, slug)))
            assert html.count('aria-current="page"') >= 1 and url(tenant, "timeline") in html

    @pytest.mark.parametrize("slug", SLUGS)
    def test_opens_with_null_wherever_a_column_allows_it(self, support_client, slug):
        tenant = make_organization(credits_balance=None, created_at=None, updated_at=None, name="")
        agent = furnish(tenant)
        for model in (Agent, *(type(row) for row in rows_of(tenant))):
            of = (
                {"pk": agent.pk}
                if model is Agent
                else {"pk__in": [row.pk for row in rows_of(tenant) if type(row) is model]}
            )
            nullable = [
                field.attname
                for field in model._meta.concrete_fields
                if field.null and field.name not in ("organization", "agent", "profile", "owner")
            ]
            for row in model.objects.filter(**of):
                change(row, **dict.fromkeys(nullable))
        check_page(support_client.get(url(tenant, slug)))

    @pytest.mark.parametrize("value", ["infinity", "-infinity", "9999-12-31 23:59:59+00"])
    def test_times_beyond_the_calendar(self, support_client, value):
        tenant = make_organization()
        furnish(tenant)
        set_column(tenant, "created_at", value)
        for row in rows_of(tenant):
            set_column(row, "created_at", value)
        for slug in SLUGS:
            check_page(support_client.get(url(tenant, slug)))

    @pytest.mark.parametrize("config", [[], ["a"], "text", 7, {"config": ["x"]}, {"voice": "x", "model": {}}])
    def test_configurations_of_any_type(self, support_client, config):
        tenant = make_organization()
        make_agent(tenant, config=config, backchannel_words="x", custom_headers=[1])
        for slug in ("overview", "agents"):
            check_page(support_client.get(url(tenant, slug)))

    def test_amounts_that_are_none(self, support_client):
        tenant = make_organization()
        agent = furnish(tenant)
        set_column(make_usage(agent), "cost_usd", "NaN")
        set_column(make_call(tenant), "cost", "NaN")
        for slug in SLUGS:
            check_page(support_client.get(url(tenant, slug)))


def rows_of(tenant):
    agents = tenant.agents.all()
    return [
        *tenant.phone_numbers.all(),
        *tenant.sip_trunks.all(),
        *tenant.calls.all(),
        *tenant.usage_logs.all(),
        *(session for agent in agents for session in agent.sessions.all()),
        *(chat for agent in agents for chat in agent.chat_sessions.all()),
    ]


class TestWhoMay:
    @pytest.mark.parametrize("tab", TABS, ids=lambda tab: tab.slug)
    def test_a_tab_needs_the_tenant_and_its_own_right_and_is_else_not_in_the_bar(self, tab):
        tenant = make_organization()
        furnish(tenant)
        needed = tab.required_permission()
        both = client_with("tenants.view_organization", needed, email="both@example.test")
        html = check_page(both.get(url(tenant, tab.slug)))
        assert f'href="{url(tenant, tab.slug)}" aria-current="page"' in html
        own = client_with(needed, email="own@example.test")
        if needed != "tenants.view_organization":
            assert "tenants.view_organization" in check_page(own.get(url(tenant, tab.slug)), 403)
            only = client_with("tenants.view_organization", email="only@example.test")
            assert needed in check_page(only.get(url(tenant, tab.slug)), 403)
            assert f'<a href="{url(tenant, tab.slug)}"' not in check_page(only.get(url(tenant)))

    def test_without_other_rights_the_overview_shows_no_rows_of_others(self):
        tenant = make_organization()
        agent = change(furnish(tenant), name="Secret agent")
        client = client_with("tenants.view_organization")
        html = check_page(client.get(url(tenant)))
        listed = html[html.index("How signs are found") :]
        assert "Secret agent" not in listed and agent.phone_numbers.first().e164 not in listed

    def test_who_sees_no_sessions_may_see_legacy_chats_nowhere_else(self):
        tenant = make_organization()
        chat = make_chat_session(make_agent(tenant))
        client = client_with("tenants.view_organization", "agents.view_agentsession")
        assert chat.get_absolute_url() not in check_page(client.get(url(tenant, "conversations")))

    def test_an_unknown_tenant_is_404(self, support_client):
        for slug in SLUGS:
            gone = url(make_organization(), slug).replace("-", "0-", 1)
            assert support_client.get(gone).status_code == 404


class TestOverview:
    def test_other_organizations_of_the_owner_with_their_balances(self, support_client):
        profile = make_profile()
        first = profile.organizations.get()
        other = make_organization(owner=profile, name="Sister firm", credits_balance="17.25")
        html = check_page(support_client.get(url(first)))
        assert other.get_absolute_url() in html and "Sister firm" in html and "17.25" in html

    def test_more_than_ten_others_say_so(self, support_client):
        profile = make_profile()
        for _ in range(12):
            make_organization(owner=profile)
        assert "and more" in check_page(support_client.get(url(Organization.objects.first())))

    def test_a_name_that_is_markup_is_text(self, support_client):
        tenant = make_organization(name="<script>alert(1)</script>{{ 7 }}")
        agent = furnish(tenant)
        change(agent, name="<img src=x>", llm_model="<b>x")
        for slug in SLUGS:
            html = check_page(support_client.get(url(tenant, slug)))
            assert "<script>alert" not in html and "<img src=x" not in html and "<b>x" not in html


class TestConversations:
    def rows(self, client, tenant):
        response = client.get(url(tenant, "conversations"))
        check_page(response)
        return response.context["sections"][0]["rows"]

    def test_three_stores_in_one_list_newest_first(self, support_client):
        agent = make_agent()
        nothing = make_session(agent, last_activity_at=ago(hours=5))
        chat = make_chat_session(agent, created_at=ago(hours=4))
        make_chat_message(chat)
        history = make_session(
            agent,
            last_activity_at=ago(hours=3),
            conversation_history=[{"role": "user", "content": "Hello?"}],
        )
        messages = make_session(agent, last_activity_at=ago(hours=2))
        make_message(messages)
        timeless = make_session(agent, last_activity_at=None)
        make_session()
        rows = self.rows(support_client, agent.organization)
        assert [(row.id, row.source) for row in rows] == [
            (messages.pk, "messages"),
            (history.pk, "history"),
            (chat.pk, "legacy"),
            (nothing.pk, "nothing"),
            (timeless.pk, "nothing"),
        ]
        assert rows[2].messages == 1 and rows[2].url == chat.get_absolute_url()

    def test_the_newest_of_many_agents_and_no_more_than_a_page(self, support_client):
        tenant = make_organization()
        sessions = []
        for number in range(6):
            agent = make_agent(tenant)
            sessions += [make_session(agent, last_activity_at=ago(hours=number + 7 * n)) for n in range(6)]
        newest = sorted(sessions, key=lambda row: row.last_activity_at, reverse=True)[:25]
        assert [row.id for row in self.rows(support_client, tenant)] == [row.pk for row in newest]

    def test_the_shared_session_is_flagged(self, support_client):
        session = make_session(external_id="default")
        html = check_page(support_client.get(url(session.agent.organization, "conversations")))
        assert "shared by all tenants" in html

    @pytest.mark.parametrize("history", [[], {}, {"a": 1}, "text", 7, None])
    def test_histories_of_any_type(self, support_client, history):
        session = make_session(conversation_history=history)
        assert len(self.rows(support_client, session.agent.organization)) == 1

    def test_nobody_reads_content_here_and_nothing_is_logged_as_read(self, support_client, finance_client):
        agent = make_agent()
        make_message(make_session(agent), content="my secret is 42")
        make_session(agent, conversation_history=[{"role": "user", "content": "my secret is 42"}])
        make_chat_message(make_chat_session(agent), text="my secret is 42")
        for client in (support_client, finance_client):
            for slug in ("overview", "conversations"):
                html = check_page(client.get(url(agent.organization, slug)))
                assert "my secret" not in html and reverse("agents:agentsession_list") in html


class TestUsage:
    def test_days_are_those_of_the_readers_zone(self, support_client, support):
        type(support).objects.filter(pk=support.pk).update(time_zone="Asia/Tokyo")
        agent = make_agent()
        zone = datetime.timezone(datetime.timedelta(hours=9))
        today = timezone.now().astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        make_usage(agent, tokens_used=5, cost_usd="1.50", created_at=today + datetime.timedelta(seconds=1))
        make_usage(agent, tokens_used=7, created_at=today - datetime.timedelta(seconds=1))
        make_usage(agent, tokens_used=11, created_at=today - datetime.timedelta(days=30))
        make_usage(agent, tokens_used=13, created_at=None)
        response = support_client.get(url(agent.organization, "usage"))
        usage = response.context["usage"]
        assert len(usage.days) == 30 and usage.days[-1].date == today.date()
        assert [day.tokens for day in usage.days[-2:]] == [7, 5] and usage.tokens == 12
        assert (str(usage.cost), usage.unpriced, usage.records) == ("1.5000", 1, 2)
        html = check_page(response)
        assert "Days in Asia/Tokyo" in html and "1 of 2 records have tokens and no cost" in html

    def test_kept_figures_and_rows_say_the_same(self, owner, monkeypatch):
        """Whole days come out of the figures, the ends out of the rows; what nobody follows, out of the rows alone."""
        tenant = make_organization()
        agent = make_agent(tenant)
        now = timezone.now()
        for hours in range(0, 32 * 24, 9):
            at = now - datetime.timedelta(hours=hours)
            make_usage(agent, tokens_used=hours, cost_usd=None if hours % 3 else "0.25", created_at=at)
            make_call(tenant, cost="0.10", status="failed" if hours < 48 else "completed", created_at=at)
        of_rows = figures.kept()
        assert of_rows.until is None
        while follow.follow():
            pass
        of_figures = figures.kept()
        assert of_figures.until is not None
        for zone in ("UTC", "Asia/Tokyo", "America/Los_Angeles"):
            with timezone.override(zone):
                usage = usage_of(tenant, of_figures)
                assert usage == usage_of(tenant, of_rows) and usage.records > 70
        assert credit_of(tenant, of_figures) == credit_of(tenant, of_rows)
        both = [read_together(found_reads(tenant, kept)) for kept in (of_figures, of_rows)]
        assert both[0] == both[1] and [kind for ((_, kind, *_),) in filter(None, both[0])] == [
            "failing_calls"
        ]
        for month in (now.date().replace(day=1), (now - datetime.timedelta(days=25)).date().replace(day=1)):
            for cut in ("organization", "model", "channel"):
                with monkeypatch.context() as patch:
                    patch.setattr(figures, "kept", lambda using=None: of_rows)
                    added_up = overview.read(overview.CUTS[cut], month)
                assert overview.read(overview.CUTS[cut], month) == added_up and added_up.whole.rows
        change(tenant.usage_logs.last(), tokens_used=5)
        owner("update figures.mark set at = at - interval '3 minutes'")
        assert figures.kept().until is None

    def test_sums_beyond_an_integer(self, support_client):
        agent = make_agent()
        for _ in range(3):
            make_usage(agent, tokens_used=2_000_000_000)
        assert "6,000,000,000" in check_page(support_client.get(url(agent.organization, "usage")))


class TestTimeline:
    def entries(self, tenant, user, **options):
        return timeline_of(tenant, user, **options).entries

    def happenings(self, support):
        """A change by staff, one from outside, a release, money; and a neighbour's."""
        tenant = make_organization(name="Before")
        tenant.name = "After"
        services.save(tenant, actor=support, reason="Renamed as asked")
        agent = make_agent(tenant, name="Desk")
        change(agent, version=2, is_published=True)
        make_posting(tenant, "5.00", reason="Invoice 7")
        change(tenant, credits_balance="4.00")
        furnish(make_organization())
        return tenant

    def test_everything_newest_first_with_who_and_why(self, support_client, support):
        tenant = self.happenings(support)
        entries = self.entries(tenant, support, limit=100)
        assert [entry.at for entry in entries] == sorted((entry.at for entry in entries), reverse=True)
        html = check_page(support_client.get(url(tenant, "timeline")))
        for text in ("“Renamed as asked”", str(support), "Invoice 7", "+5.00", "−1.00", "released", "Desk"):
            assert text in html, text
        assert "outside the back office, as postgres" in html
        assert tenant.agents.get().get_absolute_url() in html

    @pytest.mark.parametrize(
        ("kind", "found"),
        [
            ("staff", {("staff", "organizations")}),
            (
                "outside",
                {
                    ("outside", "organizations"),
                    ("outside", "agents"),
                    ("outside", "user_profiles"),
                    ("release", "agents"),
                    ("money", "credit_transactions"),
                },
            ),
            ("release", {("release", "agents")}),
            ("money", {("money", "credit_transactions")}),
            ("note", set()),
        ],
    )
    def test_kinds_are_filtered(self, support, support_client, kind, found):
        tenant = self.happenings(support)
        entries = self.entries(tenant, support, kind=kind, limit=100)
        assert {(entry.kind, entry.table_name) for entry in entries} == found
        html = check_page(support_client.get(url(tenant, "timeline"), {"kind": kind}))
        assert ("Nothing matches" in html) == (not found)

    def test_changes_of_the_owners_profile_belong_to_it(self, support):
        profile = change(make_profile(), subscription_tier="pro")
        entries = self.entries(profile.organizations.get(), support)
        assert any(
            entry.table_name == "user_profiles" and entry.changes == [("Tier", "free", "pro")]
            for entry in entries
        )

    def test_paging_visits_every_entry_once(self, support, support_client):
        tenant = self.happenings(support)
        for number in range(70):
            change(tenant, name=f"Name {number}")
        whole = [(entry.rank, entry.id) for entry in self.entries(tenant, support, limit=1000)]
        assert len(whole) > 70
        for size in (1, 7, len(whole)):
            place, seen = "", []
            while True:
                page = timeline_of(tenant, support, place=place, limit=size)
                seen += [(entry.rank, entry.id) for entry in page.entries]
                if not (place := page.next):
                    break
            assert seen == whole
        response = support_client.get(url(tenant, "timeline"))
        following = support_client.get(url(tenant, "timeline") + response.context["next_url"])
        assert "Newest" in check_page(following) and len(following.context["timeline"].entries) == 30

    @pytest.mark.parametrize("place", ["x", "eA", "W10", "WzEsMl0", "bnVsbA", "\0", "🤷"])
    def test_a_place_that_does_not_exist_leads_to_the_beginning(self, support_client, place):
        tenant = make_organization()
        response = support_client.get(url(tenant, "timeline"), {"after": place})
        assert (response.status_code, response.url) == (302, url(tenant, "timeline"))

    def test_what_the_reader_may_not_see_is_left_out(self):
        tenant = make_organization()
        furnish(tenant)
        client = client_with("tenants.view_organization", "agents.view_agent")
        tables = {entry.table_name for entry in self.entries(tenant, client.user, limit=100)}
        assert tables == {"organizations", "agents"}
        money = self.entries(tenant, client.user, kind="money")
        assert money == [] and check_page(client.get(url(tenant, "timeline"), {"kind": "money"}))

    def test_secrets_are_not_in_it(self, support_client):
        tenant = make_organization()
        make_trunk("hush-1", organization=tenant)
        agent = make_agent(tenant, config={"sip": {"password": "hush-2"}}, custom_headers={"X": "hush-3"})
        change(agent, config={"sip": {"password": "hush-4"}})
        for slug in ("overview", "timeline"):
            assert "hush" not in check_page(support_client.get(url(tenant, slug)))

    def test_a_deleted_record_is_named_and_not_linked(self, support_client, owner):
        number = make_number()
        tenant = number.organization
        owner("delete from phone_numbers where id = %s", [number.pk])
        entries = [entry for entry in self.entries(tenant, support_client.user) if entry.action == "delete"]
        assert [(entry.record, entry.url) for entry in entries] == [(f"phone number {number.e164}", "")]
        check_page(support_client.get(url(tenant, "timeline")))


def test_numbers_of_signs_are_json(support_client):
    tenant = make_organization()
    furnish(tenant)
    response = support_client.get(url(tenant))
    assert json.dumps([sign.numbers for sign in response.context["signs"]])


def test_the_page_says_when_it_looked_at_some_of_the_agents_only(support_client, monkeypatch):
    from tenants.views import tab_pages, tabs

    tenant = make_organization()
    for n in range(3):
        make_agent(tenant, name=f"Agent {n}")
    assert "were looked at here" not in check_page(support_client.get(tenant.get_absolute_url()))
    for module in (tabs, tab_pages):
        monkeypatch.setattr(module, "AGENTS_LOOKED_AT", 2)
    assert "only the newest 2 were looked at here" in check_page(
        support_client.get(tenant.get_absolute_url())
    )
