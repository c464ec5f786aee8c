"""The list of all conversations: what it shows, finds, counts, closes and exports."""

import csv
import datetime
import threading

import pytest
from django.urls import reverse

from agents.conversations import index, turn_export
from agents.models import Conversation, Flag, Store
from agents.tests.factories import (
    make_agent,
    make_chat_message,
    make_chat_session,
    make_message,
    make_session,
)
from backoffice.models import AuditEvent, Job, ReadLog
from backoffice.testing import make_user
from backoffice.testing_crud import HOSTILE, check_page, client_of, set_column
from telephony.tests.factories import make_call
from tenants.tests.factories import make_organization

LIST = "/agents/conversations/"
DAY = datetime.timedelta(days=1)


def utc(*parts):
    return datetime.datetime(*parts, tzinfo=datetime.UTC)


def at_time(session, time):
    for column in ("started_at", "created_at", "last_activity_at"):
        set_column(session, column, time)
    return session


def listed(*records):
    """The rows of the list for sessions and chats, as the index makes them."""
    for record in records:
        store = Store.SESSION if hasattr(record, "external_id") else Store.CHAT
        index.refresh(store, [record.pk])
    rows = [Conversation.objects.of(record).get() for record in records]
    return rows[0] if len(rows) == 1 else rows


def found(client, query=""):
    """The conversations on the page."""
    response = client.get(f"{LIST}{query}")
    check_page(response)
    return list(response.context["rows"])


@pytest.fixture
def manager(db):
    return client_of(make_user("manager"))


@pytest.mark.django_db
class TestFigures:
    def test_session_and_chat_stand_in_one_list(self, manager):
        session = make_session(started_at=utc(2026, 1, 2), created_at=utc(2026, 1, 2))
        chat = make_chat_session(created_at=utc(2026, 1, 1))
        rows = listed(session, chat)
        assert found(manager) == rows
        assert [row.channel for row in rows] == ["text", "legacy"]

    def test_stored_and_counted(self, manager):
        session = make_session(message_count=5)
        make_message(session, role="user")
        make_message(session, role="assistant")
        row = listed(session)
        assert (row.stored, row.counted, row.flags) == (2, 5, ["incomplete"])
        assert ">2</" in manager.get(LIST).content.decode() or "2 <span" in manager.get(LIST).content.decode()

    def test_turns_of_the_json_that_no_row_has_count_too(self):
        history = [
            {"role": "user", "content": "Hello", "timestamp": "2026-01-01T10:00:00"},
            {"role": "assistant", "content": "Good day"},
        ]
        session = make_session(message_count=2, conversation_history=history)
        make_message(session, role="user", content="Hello")
        row = listed(session)
        assert (row.stored, row.in_messages, row.in_history, row.only_in_history) == (2, 1, 2, 1)
        assert row.flags == ["stores_differ"]

    def test_call_gives_caller_and_flags(self):
        agent = make_agent()
        session = make_session(agent, channel="text", message_count=0)
        call = make_call(agent.organization, session_ref=session.external_id, caller_number="+442079460018")
        row = listed(session)
        assert (row.call_id, row.caller) == (call.pk, "+442079460018")
        assert row.flags == ["failed_start", "channel_mismatch"]

    def test_call_of_another_tenant_is_flagged(self):
        session = make_session(channel="phone")
        make_call(make_organization(), session_ref=session.external_id)
        assert Flag.OTHER_TENANT in listed(session).flags

    def test_the_shared_session_is_flagged_as_what_it_is(self, manager):
        row = listed(make_session(external_id="default"))
        assert row.flags[0] == "shared"
        assert "Shared session" in manager.get(LIST).content.decode()

    def test_length_is_from_the_start_to_the_last_activity(self):
        began = utc(2026, 1, 1, 10)
        session = make_session(
            started_at=began,
            last_activity_at=began + datetime.timedelta(minutes=7),
            ended_at=began + 30 * DAY,
        )
        assert listed(session).length_seconds == 420

    @pytest.mark.parametrize("time", [None, "infinity", "-infinity", "294276-12-31", "0044-03-15 BC"])
    def test_times_out_of_range_are_shown(self, manager, time):
        session = at_time(make_session(), time)
        set_column(make_message(session), "created_at", time)
        row = listed(session)
        assert row.length_seconds == 0
        if time != "294276-12-31":
            assert Flag.ODD_TIMES in row.flags or time == "0044-03-15 BC"
        assert found(manager) == [row]

    @pytest.mark.parametrize(
        "history", [{"a": 1}, "text", 7, [[[["deep"]]]], [None, 3, {"role": None}], [{"content": {}}]]
    )
    def test_json_of_any_shape_is_counted(self, history):
        row = listed(make_session(conversation_history=history))
        assert row.stored >= 1
        assert (Flag.ODD_HISTORY in row.flags) == (not isinstance(history, list))


@pytest.mark.django_db
class TestFilters:
    def test_overlap_finds_a_conversation_that_began_before_and_ended_after(self, manager):
        long = make_session(
            started_at=utc(2026, 1, 1), created_at=utc(2026, 1, 1), last_activity_at=utc(2026, 1, 31)
        )
        short = make_session(
            started_at=utc(2026, 1, 5), created_at=utc(2026, 1, 5), last_activity_at=utc(2026, 1, 5)
        )
        long, short = listed(long, short)
        assert found(manager, "?since=2026-01-10&until=2026-01-12") == [long]
        assert found(manager, "?since=2026-01-05&until=2026-01-05") == [short, long]
        assert found(manager, "?since=2026-02-01") == []
        assert found(manager, "?until=2025-12-31") == []

    def test_days_the_wrong_way_round_are_said_beside_the_field_and_narrow_nothing(self, manager):
        row = listed(make_session())
        for address in (LIST, reverse("agents:conversation_counts")):
            page = manager.get(address, {"since": "2026-11-25", "until": "2026-11-20"})
            html = check_page(page)
            if address == LIST:
                assert "This day is before" in html
                assert list(page.context["rows"]) == [row]
        assert (
            manager.get(
                reverse("agents:sample_add"), {"since": "2026-11-25", "until": "2026-11-20"}
            ).status_code
            == 200
        )

    @pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
    def test_days_at_the_edges_of_the_calendar_are_answered(self, manager, day):
        listed(make_session())
        for address in (LIST, reverse("agents:conversation_counts"), reverse("agents:sample_add")):
            for name in ("since", "until"):
                assert manager.get(address, {name: day}).status_code == 200, (address, name)

    def test_support_is_offered_to_close_many(self):
        listed(make_session())
        page = client_of(make_user("support")).get(LIST)
        assert [action["label"] for action in page.context["bulk_actions"]] == ["Close"]
        assert not client_of(make_user("manager", email="m@example.test")).get(LIST).context["bulk_actions"]

    def test_stale_by_time_and_status(self, manager):
        old = utc(2026, 1, 1)
        stale = make_session(status="active", last_activity_at=old, started_at=old)
        ended = make_session(status="ended", last_activity_at=old, started_at=old)
        stale, ended = listed(stale, ended)
        assert found(manager, "?flag=stale") == [stale]
        assert stale not in found(manager, "?flag=none")

    @pytest.mark.parametrize(
        "query",
        [
            "?channel=phone", "?status=timeout", "?flag=errors", "?stored_from=1&stored_to=1", "?length_from=60",
            "?tokens_from=7&tokens_to=7", "?cost_from=0.5", "?caller=yes", "?review=no&channel=phone", "?q=%2B44+20+7946+0018",
        ],
    )  # fmt: skip
    def test_each_filter_finds_its_rows_and_no_others(self, manager, query):
        agent = make_agent()
        began = utc(2026, 1, 1, 10)
        wanted = make_session(
            agent,
            channel="phone",
            status="timeout",
            started_at=began,
            last_activity_at=began + DAY,
            message_count=1,
        )
        make_message(wanted, role="assistant", content="Error: no model", tokens_used=7, created_at=began)
        make_call(agent.organization, session_ref=wanted.external_id, caller_number="+442079460018")
        usage(agent, wanted, tokens=7, cost="0.7500")
        other = make_session(status="ended", started_at=began, last_activity_at=began)
        make_message(other, created_at=began)
        make_message(other, created_at=began)
        wanted, other = listed(wanted, other)
        assert found(manager, query) == [wanted]
        assert len(found(manager)) == 2

    @pytest.mark.parametrize("value", ["", "x", "-1", "1e9", "\x00", "99999999999999999999"])
    @pytest.mark.parametrize(
        "name", ["since", "until", "stored_from", "cost_to", "flag", "label", "q", "organization"]
    )
    def test_any_value_of_a_filter_is_answered(self, manager, name, value):
        listed(make_session())
        assert manager.get(LIST, {name: value}).status_code == 200

    def test_search_box_takes_ids_of_all_kinds(self, manager):
        session = make_session()
        row, _ = listed(session, make_session())
        for text in (session.external_id, session.pk, session.agent_id, session.agent.organization_id):
            assert found(manager, f"?q={text}") == [row], text

    def test_figures_lead_to_just_their_rows(self, manager):
        listed(
            make_session(channel="voice"), make_session(channel="voice", status="ended"), make_chat_session()
        )
        page = manager.get(reverse("agents:conversation_counts"))
        check_page(page)
        for group in page.context["groups"]:
            for figure in group["figures"]:
                query = figure["url"].removeprefix(LIST)
                assert len(found(manager, query)) == figure["count"], figure


def usage(agent, session, *, tokens, cost):
    from billing.models import UsageLog
    from tenants.tests.factories import insert

    return insert(
        UsageLog,
        agent=agent,
        organization=agent.organization,
        session=session,
        tokens_used=tokens,
        cost_usd=cost,
    )


@pytest.mark.django_db
class TestClosing:
    def test_many_are_closed_from_the_list_and_the_list_follows_at_once(self):
        support = make_user("support")
        row = listed(make_session(status="active"))
        from agents.services import close_conversation

        close_conversation(row, actor=support, reason="Never closed")
        row.refresh_from_db()
        assert row.status == "ended"
        event = AuditEvent.objects.filter(table_name="agent_sessions").get()
        assert (event.row_id, event.actor, event.reason) == (str(row.source_id), str(support), "Never closed")

    def test_legacy_chat_cannot_be_closed(self):
        from django.core.exceptions import ValidationError

        from agents.services import close_conversation

        row = listed(make_chat_session())
        with pytest.raises(ValidationError, match="legacy chat is never open"):
            close_conversation(row, actor=make_user("support"), reason="x")


def run_export(actor, query="", columns=("conversation", "number", "role", "text"), kind="csv"):
    """The finished job, and its file's rows."""
    job = turn_export.start(query, list(columns), kind, actor=actor)
    from backoffice import jobs

    jobs.run(job.pk)
    job.refresh_from_db()
    assert job.status == Job.Status.SUCCEEDED, job.message
    if kind != "csv":
        return job, None
    with job.result_path.open(newline="", encoding="utf-8") as file:
        return job, list(csv.reader(file))


@pytest.mark.django_db
class TestMessageExport:
    @pytest.fixture(autouse=True)
    def _folder(self, settings, tmp_path):
        settings.JOB_FILES_DIR = tmp_path

    def test_one_row_per_message_of_every_store_masked(self):
        session = make_session(conversation_history=[{"role": "user", "content": "Mail anna@example.com"}])
        chat = make_chat_session()
        make_chat_message(chat, text="=1+1", timestamp=utc(2026, 1, 1))
        listed(session, chat)
        _, rows = run_export(make_user("manager"))
        assert rows[0] == ["Conversation", "Turn", "Role", "Text (masked)"]
        assert sorted(row[3] for row in rows[1:]) == ["'=1+1", "Mail [email]"]
        log = ReadLog.objects.get(kind="export")
        assert "2 messages of 2 conversations" in log.detail

    def test_filter_and_chosen_columns(self):
        phone, text = make_session(channel="phone"), make_session(channel="text")
        make_message(phone, content="by phone")
        make_message(text, content="by text")
        listed(phone, text)
        _, rows = run_export(make_user("manager"), "channel=phone", ["text", "role"])
        assert rows == [["Role", "Text (masked)"], ["user", "by phone"]]

    def test_hostile_texts_survive_both_formats(self):
        session = make_session()
        for text in (HOSTILE, "x" * 100_000, "line\nbreak", "+tab\t"):
            make_message(session, content=text)
        listed(session)
        actor = make_user("manager")
        assert len(run_export(actor)[1]) == 5
        job, _ = run_export(actor, kind="xlsx")
        assert job.result_path.stat().st_size > 1000

    def test_many_conversations_are_read_in_pieces(self, monkeypatch, django_assert_max_num_queries):
        monkeypatch.setattr(turn_export, "CONVERSATIONS_FIRST", 1)
        monkeypatch.setattr(turn_export, "CONVERSATIONS_AT_ONCE", 2)
        sessions = [
            at_time(make_session(), datetime.datetime(2026, 1, day, tzinfo=datetime.UTC))
            for day in range(1, 9)
        ]
        for number, session in enumerate(sessions):
            make_message(session, content=f"{number} first", created_at="2026-01-20T00:00:00Z")
            make_message(session, content=f"{number} second", created_at="2026-01-21T00:00:00Z")
        listed(*sessions)
        threads = set()
        read = turn_export.read_turns

        def noted(*given):
            threads.add(threading.current_thread())
            return read(*given)

        monkeypatch.setattr(turn_export, "read_turns", noted)
        _, rows = run_export(make_user("manager"), columns=["text"])
        wanted = [[f"{number} {which}"] for number in range(7, -1, -1) for which in ("first", "second")]
        assert rows[1:] == wanted
        assert len(threads) == 2  # the next ones are read while some are written

    @pytest.mark.parametrize("when", ["cancelled", "failed"])
    def test_that_ends_while_the_next_are_read_is_told(self, monkeypatch, when):
        from backoffice import jobs

        monkeypatch.setattr(turn_export, "CONVERSATIONS_FIRST", 1)
        monkeypatch.setattr(turn_export, "CONVERSATIONS_AT_ONCE", 1)
        monkeypatch.setattr(jobs, "REPORT_EVERY_SECONDS", -1)
        sessions = [make_session() for _ in range(4)]
        for session in sessions:
            make_message(session)
        listed(*sessions)
        job = turn_export.start("", ["text"], "csv", actor=make_user("manager"))
        read = turn_export.read_turns

        def interrupted(cursor, conversations):
            if threading.current_thread() is not threading.main_thread() and conversations:
                if when == "failed":
                    raise ValueError("no such turns")
                cancel.set()
            return read(cursor, conversations)

        cancel = threading.Event()
        step = jobs.Progress.step

        def stepped(progress, rows=1):
            if cancel.is_set():
                Job.objects.filter(pk=job.pk).update(cancel_requested=True)
            step(progress, rows)

        monkeypatch.setattr(turn_export, "read_turns", interrupted)
        monkeypatch.setattr(jobs.Progress, "step", stepped)
        jobs.run(job.pk)
        job.refresh_from_db()
        assert job.status == {"cancelled": Job.Status.CANCELLED, "failed": Job.Status.FAILED}[when]
        assert not job.result_path.exists()

    def test_page_asks_for_columns_and_starts_the_job(self):
        client = client_of(make_user("manager"))
        check_page(client.get(reverse("agents:turn_export") + "?channel=phone"))
        page = client.post(reverse("agents:turn_export"), {"format": "csv", "query": "channel=phone"})
        assert "Choose at least one column." in check_page(page, 422)
        done = client.post(
            reverse("agents:turn_export"), {"format": "csv", "query": "channel=phone", "column": "text"}
        )
        job = Job.objects.get()
        assert done.headers["Location"] == job.get_absolute_url()
        assert job.params == {"query": "channel=phone", "columns": ["text"], "format": "csv"}

    @pytest.mark.parametrize("role", ["support", "finance"])
    def test_only_managers_and_admins_export_what_was_said(self, role):
        page = client_of(make_user(role)).get(reverse("agents:turn_export"))
        assert page.status_code == 403
        assert "agents.export_transcript" in page.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["support", "finance", "manager", "admin"])
def test_every_role_sees_the_list_and_no_content(role):
    session = make_session()
    make_message(session, content="a very secret sentence")
    listed(session)
    client = client_of(make_user(role))
    assert "a very secret sentence" not in check_page(client.get(LIST))
    assert not ReadLog.objects.exists()  # lists are not logged


@pytest.mark.django_db
def test_the_list_costs_the_same_for_one_row_and_for_many(manager, django_assert_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def cost():
        with CaptureQueriesContext(connection) as queries:
            check_page(manager.get(LIST))
        return len(queries)

    listed(make_session())
    manager.get(LIST)
    first = cost()
    listed(*[make_session() for _ in range(30)])
    assert cost() == first <= 11


@pytest.mark.django_db
@pytest.mark.parametrize("sort", ["started", "activity", "length", "messages", "tokens", "cost"])
@pytest.mark.parametrize("sign", ["", "-"])
def test_paging_visits_every_row_once_in_every_order(manager, monkeypatch, sort, sign):
    from backoffice.generic import lists

    monkeypatch.setattr(lists, "PAGE_SIZE", 6)  # half of it on a page: its rows are heavy
    times = [None, "infinity", "-infinity", utc(2026, 1, 1), utc(2026, 1, 1), utc(2026, 1, 2), None]
    listed(*[at_time(make_session(), time) for time in times])
    seen, query = [], f"?sort={sign}{sort}"
    for _ in range(5):
        page = manager.get(f"{LIST}{query}")
        seen += [row.pk for row in page.context["rows"]]
        if not page.context["next_url"]:
            break
        query = page.context["next_url"]
    assert len(seen) == len(set(seen)) == 7
