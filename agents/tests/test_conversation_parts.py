"""What comes by itself beside a transcript, and what is taken along: news, figures, settings, costs, files."""

import datetime
import json

import pytest
from django.urls import reverse
from django.utils import timezone

from agents.conversations import index, latency
from agents.conversations.settings_then import then_and_now
from agents.models import Store
from agents.tests.factories import (
    make_agent,
    make_chat_message,
    make_chat_session,
    make_message,
    make_session,
)
from agents.tests.test_conversation import SAID, check_page, htmx, open_page, part
from backoffice import services
from backoffice.models import AuditEvent, ReadLog
from backoffice.testing_crud import HOSTILE, set_column
from billing.models import UsageLog
from billing.settlement.run import settle_through
from billing.tests.factories import make_usage
from telephony.tests.factories import make_call
from tenants.tests.factories import change


def ago(**how):
    return timezone.now() - datetime.timedelta(**how)


class TestGoingOn:
    def news(self, client, record, last, opened=""):
        response = htmx(client, part(record, "live"), {"last": last, "opened": opened})
        assert response.status_code == 200
        return response, response.content.decode()

    def test_new_turns_follow_the_last_one(self, support_client):
        session = make_session()
        first = make_message(session, content="first", created_at=ago(seconds=20))
        page = check_page(open_page(support_client, session))
        assert 'hx-trigger="every 5s"' in page and f'name="last" value="{first.pk}"' in page
        response, html = self.news(support_client, session, first.pk)
        assert response.context["bubbles"] == [] and "Updated" in html
        second = make_message(session, content=f"{SAID} {HOSTILE}")
        response, html = self.news(support_client, session, first.pk)
        assert [bubble["number"] for bubble in response.context["bubbles"]] == [2]
        assert 'hx-swap-oob="beforeend:#turns"' in html and f'value="{second.pk}"' in html
        assert "[email]" in html and "jane.doe" not in html and "<script>" not in html
        assert "<dt>Turns</dt><dd><strong>2</strong>" in html

    def test_what_was_empty_when_it_was_opened_is_logged_once_something_is_said(self, support_client):
        session = make_session()
        response = open_page(support_client, session)
        assert response.context["opened"] == "" and not ReadLog.objects.exists()
        make_message(session, content="at last")
        response, html = self.news(support_client, session, response.context["last_key"])
        assert "at last" in html and ReadLog.objects.count() == 1
        self.news(support_client, session, "0", response.context["opened"])
        assert ReadLog.objects.count() == 1

    def test_in_the_middle_of_it_only_the_figures_are_brought_up_to_date(self, support_client):
        session = make_session()
        make_message(session)
        response, html = self.news(support_client, session, "")
        assert response.context["bubbles"] == [] and 'id="totals"' in html and "#turns" not in html

    @pytest.mark.parametrize(
        "fields",
        [
            {"status": "ended"},
            {"status": None},
            {"last_activity_at": ago(minutes=16)},
            {"last_activity_at": ago(days=3)},
            {"last_activity_at": None},
        ],
        ids=["ended", "no status", "16 minutes ago", "3 days ago", "no time"],
    )
    def test_it_stops_when_it_ended_or_nothing_was_said(self, support_client, fields):
        session = make_session()
        message = make_message(session)
        change(session, **fields)
        assert "every 5s" not in check_page(open_page(support_client, session))
        _, html = self.news(support_client, session, message.pk)
        assert "every 5s" not in html and "no longer refreshed" in html

    def test_a_legacy_chat_goes_on_while_something_is_said(self, support_client):
        chat = make_chat_session()
        make_chat_message(chat, timestamp=ago(minutes=1))
        assert "every 5s" in check_page(open_page(support_client, chat))
        old = make_chat_session()
        make_chat_message(old, timestamp=ago(minutes=20))
        assert "every 5s" not in check_page(open_page(support_client, old))

    def test_a_turn_that_was_taken_out_is_said(self, support_client):
        session = make_session()
        make_message(session)
        _, html = self.news(support_client, session, make_agent().pk)
        assert "taken out" in html and "every 5s" not in html

    def test_a_time_without_end_is_no_activity(self, support_client):
        session = make_session()
        make_message(session)
        set_column(session, "last_activity_at", "infinity")
        assert "every 5s" not in check_page(open_page(support_client, session))


class TestLatency:
    def test_each_turn_has_a_bar_that_leads_to_it(self, support_client):
        session = make_session()
        for number, ms in enumerate((100, None, 300, -5, 0), start=1):
            make_message(session, latency_ms=ms, created_at=f"2026-01-01T10:00:0{number}Z")
        response = htmx(support_client, part(session, "latency"))
        html = response.content.decode()
        bars = response.context["chart"].bars
        assert [(bar.number, bar.latency_ms) for bar in bars] == [(1, 100), (3, 300), (5, 0)]
        assert f'href="{session.get_absolute_url()}?turn=3#target"' in html
        assert "<title" in html and "<desc" in html and "<table" in html and "style=" not in html
        check_page(support_client.get(part(session, "latency")))

    def test_many_turns_share_bars_and_the_slowest_is_named(self):
        measured = [(number, 5000 if number == 777 else 100) for number in range(1, 10_001)]
        chart = latency.drawn(measured)
        assert len(chart.bars) == 100 and chart.measured == 10_000
        (slow,) = [bar for bar in chart.bars if bar.is_slow]
        assert (slow.number, slow.first, slow.last, slow.median_ms) == (777, 701, 800, 100)
        assert (chart.p50, chart.p95, chart.top) == (100, 100, 5000)

    def test_nothing_measured_is_said(self, support_client):
        session = make_session()
        make_message(session)
        assert "No latency was recorded" in htmx(support_client, part(session, "latency")).content.decode()
        assert part(session, "latency") not in check_page(open_page(support_client, session))


class TestSettings:
    def edit(self, agent, actor, **fields):
        for name, value in fields.items():
            setattr(agent, name, value)
        services.save(agent, actor=actor, reason="Asked by phone")
        agent.refresh_from_db()

    def told(self, agent, began):
        found = then_and_now(agent, began)
        return {one.label: (str(one.then), str(one.now)) for one in found.differences}

    def test_what_was_changed_since_is_undone(self, support):
        agent = make_agent(system_prompt="Be brief", temperature="0.70", is_published=False)
        began = timezone.now()
        self.edit(agent, support, system_prompt="Be kind", temperature="0.9")
        self.edit(agent, support, system_prompt="Be both")
        change(agent, is_published=True, name="Desk")
        found = self.told(agent, began)
        assert found["System prompt"] == ("Be brief", "Be both")
        assert found["Published"] == ("False", "True") and found["Name"][1] == "Desk"
        assert {float(value) for value in found["Temperature"]} == {0.7, 0.9}
        assert len(found) == 4
        assert self.told(agent, timezone.now()) == {}

    def test_the_configuration_counts(self, support):
        agent = make_agent(llm_model="gpt-4o-mini", config={"llm_model": "gpt-4o", "voice": {"name": "Nova"}})
        began = timezone.now()
        change(agent, config={"config": {"llm_model": "gpt-4.1", "voice": {"name": "Nova"}}})
        assert self.told(agent, began) == {"LLM model": ("gpt-4o", "gpt-4.1")}

    def test_what_was_put_back_does_not_differ(self, support):
        agent = make_agent(system_prompt="one")
        began = timezone.now()
        self.edit(agent, support, system_prompt="two")
        self.edit(agent, support, system_prompt="one")
        assert self.told(agent, began) == {}

    def test_secrets_never_show(self, support, support_client):
        agent = make_agent(
            custom_headers={"Authorization": "Bearer first-secret"}, config={"sip": {"password": "x1"}}
        )
        session = make_session(agent)
        change(
            agent,
            custom_headers={"Authorization": "Bearer second-secret"},
            config={"sip": {"password": "x2"}},
        )
        html = htmx(support_client, part(session, "settings")).content.decode()
        assert "a secret, changed since" in html and "-secret" not in html and "x1" not in html

    def test_where_history_starts_later_that_is_said(self, support_client):
        session = make_session(started_at="2020-01-01T10:00:00Z")
        html = htmx(support_client, part(session, "settings")).content.decode()
        assert "History starts on" in html and "before that nothing is known" in html
        assert "Every setting is as it was then" in html

    def test_without_a_beginning_nothing_is_compared(self, support_client):
        session = make_session(started_at=None, created_at=None)
        assert "not recorded" in htmx(support_client, part(session, "settings")).content.decode()

    def test_an_agent_without_history_says_so(self, db):
        agent = make_agent()
        assert AuditEvent.objects.of(agent).count() == 1
        found = then_and_now(agent, timezone.now())
        assert found.at and not found.is_earliest and found.differences == []


class TestCosts:
    def test_usage_call_and_ledger_lines_are_told(self, support_client, finance, settings):
        settings.SETTLEMENT_FROM = datetime.date(2025, 1, 1)
        agent = make_agent()
        session = make_session(agent)
        at = "2025-01-01 12:00+00"
        make_usage(
            agent, session=session, tokens_used=1000, cost_usd="0.5", model_used="gpt-4o", created_at=at
        )
        make_usage(agent, session=session, tokens_used=None, cost_usd=None, created_at=at)
        make_usage(agent, tokens_used=7777, cost_usd="9", created_at=at)
        make_call(
            agent.organization, session_ref=session.external_id, cost="0.25", duration_seconds=90,
            status="completed", created_at=at,
        )  # fmt: skip
        html = htmx(support_client, part(session, "costs")).content.decode()
        assert "2 usage records" in html and "1,000" in html and "0.5000" in html and "7,777" not in html
        assert "1:30" in html and "0.2500" in html and "Nothing of it is settled" in html
        settle_through(datetime.date(2025, 1, 1), actor=finance, reason="Daily settlement")
        html = htmx(support_client, part(session, "costs")).content.decode()
        assert "2 records" in html and "0.7500" in html and "\N{MINUS SIGN}9.75" in html

    def test_odd_usage_is_shown(self, support_client):
        session = make_session()
        set_column(make_usage(session.agent, session=session, model_used=HOSTILE[:100]), "cost_usd", "NaN")
        html = htmx(support_client, part(session, "costs")).content.decode()
        assert "NaN" in html and "<script>" not in html

    def test_many_records_are_cut(self, support_client):
        session = make_session()
        for _ in range(52):
            make_usage(session.agent, session=session)
        assert UsageLog.objects.filter(session=session).count() == 52
        html = check_page(support_client.get(part(session, "costs")))
        assert "52 usage records" in html and "All of them" in html

    def test_the_recording_of_the_call_is_played_from_its_lines(self, support_client, settings):
        session = make_session(channel="phone")
        make_message(session, created_at="2026-01-01T10:00:05Z")
        call = make_call(
            session.agent.organization,
            session_ref=session.external_id,
            recording_url="/demo/audio/x.wav",
            created_at="2026-01-01T10:00:00Z",
        )
        make_call(session_ref=session.external_id, recording_url="https://evil.example/x.wav")
        index.refresh(Store.SESSION, [session.pk])
        html = check_page(open_page(support_client, session))
        assert f'src="{call.get_absolute_url()}recording/"' in html and "evil.example" not in html
        assert 'data-began="1767261600.000"' in html
        assert "data-seek" in html and 'data-at="1767261605.000"' in html and "Caller" in html


FORMATS = ("json", "text", "markdown", "html")


class TestFiles:
    def get(self, client, record, name, page="download"):
        response = client.get(part(record, page), {"format": name})
        assert response.status_code == 200
        return response, b"".join(response.streaming_content).decode()

    @pytest.mark.parametrize("name", FORMATS)
    @pytest.mark.parametrize("make", [make_session, make_chat_session])
    def test_they_hold_all_turns_masked_and_are_logged(self, manager_client, make, name):
        record = make()
        say = make_message if make is make_session else make_chat_message
        field = "content" if make is make_session else "text"
        for n in range(160):
            say(record, **{field: f"line {n}. {SAID}"})
        manager_client.post(part(record, "reveal"), {"reason": "Complaint 12"})
        response, text = self.get(manager_client, record, name)
        assert all(f"line {n}" in text for n in (0, 159)) and text.count("marmalade") == 160
        assert "email" in text and "jane.doe" not in text and "555 0100" not in text, "revealed or not"
        assert response["Content-Disposition"].startswith('attachment; filename="conversation-')
        assert response["X-Content-Type-Options"] == "nosniff"
        entry = ReadLog.objects.filter(kind="export").get()
        assert (
            entry.detail.startswith("downloaded as") and entry.organization_id == record.agent.organization_id
        )

    def test_json_is_json(self, manager_client):
        session = make_session(started_at="2026-01-01T10:00:00Z")
        make_message(
            session, content=HOSTILE, role="assistant", latency_ms=5, created_at="2026-01-01T10:00:01Z"
        )
        set_column(make_message(session, content='{"a": 1}'), "created_at", "infinity")
        _, text = self.get(manager_client, session, "json")
        found = json.loads(text)
        assert [turn["text"] for turn in found["turns"]] == [HOSTILE, '{\n  "a": 1\n}']
        assert found["turns"][0]["at"] == "2026-01-01T10:00:01+00:00" and found["turns"][1]["at"] is None
        assert found["turns"][0]["latency_ms"] == 5 and found["conversation"]["is_masked"]
        _, text = self.get(manager_client, make_session(), "json")
        assert json.loads(text)["turns"] == []

    def test_html_needs_nothing_and_runs_nothing(self, manager_client):
        session = make_session(external_id="<script>alert(1)</script> <!-- turns -->")
        make_message(session, content=f"{HOSTILE}\n```\n</pre><script>\n```", role="system")
        _, html = self.get(manager_client, session, "html")
        assert "<script" not in html and "src=" not in html and "default-src 'none'" in html
        assert html.count("<li") == 1

    def test_markdown_stays_text(self, manager_client):
        session = make_session(external_id="# [x](javascript:alert(1))")
        make_message(session, content="# Title\n1. one\n<b>bold</b> [a](http://evil.example) ![i](x)\n- x")
        make_message(session, content="````\n```\n````\n")
        make_message(session, content='{"a": "```"}')
        _, text = self.get(manager_client, session, "markdown")
        assert "> \\# Title" in text and "> 1\\. one" not in text and "> \\1. one" in text
        assert "\\<b\\>" in text and "\\[a\\](http" in text and "\\!\\[i\\]" in text and "> \\- x" in text
        assert "````\n```\n````" in text and '````json\n{\n  "a": "```"\n}\n````' in text

    @pytest.mark.parametrize(
        ("name", "file"),
        [
            ("../../etc/passwd", "conversation-etc-passwd.json"),
            ('a"\r\nX: y', "conversation-a-X-y.json"),
            ("日本", "conversation-unnamed.json"),
            ("x" * 255, f"conversation-{'x' * 60}.json"),
        ],
    )
    def test_names_are_safe(self, manager_client, name, file):
        response, _ = self.get(manager_client, make_session(external_id=name), "json")
        assert response["Content-Disposition"] == f'attachment; filename="{file}"'

    @pytest.mark.parametrize("make", [make_session, make_chat_session])
    def test_whoever_reads_may_copy_what_is_masked_and_it_is_logged(self, support_client, make):
        record = make()
        make_message(record, content=SAID) if make is make_session else make_chat_message(record, text=SAID)
        assert part(record, "copy") in check_page(open_page(support_client, record))
        _, text = self.get(support_client, record, "markdown", page="copy")
        assert "marmalade" in text and "jane" not in text
        assert ReadLog.objects.get(kind="export").detail == "copied as Markdown, masked"
        check_page(support_client.get(part(record, "copy") + "?format=json"), 404)

    def test_only_those_with_the_right_to_it_are_offered_and_given_any(self, support_client, manager_client):
        session = make_session()
        make_message(session)
        for name in FORMATS:
            url = f"{part(session, 'download')}?format={name}"
            assert "agents.export_transcript" in check_page(support_client.get(url), 403)
        assert part(session, "download") not in check_page(open_page(support_client, session))
        assert part(session, "download") in check_page(open_page(manager_client, session))
        check_page(manager_client.get(part(session, "download") + "?format=exe"), 404)

    def test_a_megabyte_and_a_thousand_turns_go_through(self, manager_client, owner):
        session = make_session()
        make_message(session, content="x" * 1_000_000)
        owner(
            "insert into agent_messages (session_id, role, content) select %s, 'user', 'Line ' || n"
            " from generate_series(1, 1000) n",
            [session.pk],
        )
        for name in FORMATS:
            _, text = self.get(manager_client, session, name)
            assert len(text) > 1_000_000 and "Line 1000" in text


def test_readings_and_changes_come_by_themselves(support_client, support):
    session = make_session()
    make_message(session)
    open_page(support_client, session)
    html = htmx(support_client, part(session, "record")).content.decode()
    assert str(support) in html and "opened a transcript" in html
    check_page(support_client.get(reverse("agents:agentsession_record", args=[session.pk])))
