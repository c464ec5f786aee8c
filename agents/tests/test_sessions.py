"""Conversations of both stores: what is listed, what is masked, who may see it unmasked, and the log of it."""

import pytest
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.urls import reverse

from agents import transcripts
from agents.models import AgentMessage, AgentSession, ChatMessage, ChatSession
from agents.services import close_session
from agents.tests.factories import (
    make_agent,
    make_chat_message,
    make_chat_session,
    make_message,
    make_session,
)
from backoffice.export import export_columns
from backoffice.generic.lists import open_list
from backoffice.models import AuditEvent, ReadLog
from backoffice.testing_crud import HOSTILE, PageTests, check_page, set_column
from tenants.tests.factories import change

SAID = "Mail me at jane.doe@example.com or call +1 415 555 0100, marmalade."


class DeletablePages(PageTests):
    """Deletion as in CrudTests; such rows are neither added nor edited here."""

    def block(self, obj):
        raise NotImplementedError

    def test_what_something_depends_on_cannot_be_deleted(self, admin_client):
        what = self.block(self.obj)
        html = check_page(admin_client.get(self.url("delete")))
        assert "cannot be deleted" in html and what in html
        check_page(admin_client.post(self.url("delete"), {"reason": "r", "confirm": str(self.obj)}), 422)
        assert self.model.objects.filter(pk=self.obj.pk).exists()

    def test_a_deletion_needs_a_reason_and_leaves_an_entry(self, admin_client):
        check_page(admin_client.post(self.url("delete"), {}), 422)
        response = admin_client.post(
            self.url("delete"), {"reason": "Asked in writing", "confirm": str(self.obj)}
        )
        assert (response.status_code, response.url) == (302, self.url("list"))
        event = AuditEvent.objects.of(self.obj).first()
        assert (event.action, event.reason) == ("delete", "Asked in writing")


class TestSessionPages(DeletablePages):
    model = AgentSession

    def make(self, n):
        return make_session(message_count=n)

    def block(self, obj):
        make_message(obj)
        return "1 agent message"


class TestMessagePages(PageTests):
    model = AgentMessage

    def make(self, n):
        return make_message(content=f"Line {n}")


class TestLegacyChatPages(DeletablePages):
    model = ChatSession

    def make(self, n):
        return make_chat_session()

    def block(self, obj):
        make_chat_message(obj)
        return "1 chat message"


class TestLegacyMessagePages(PageTests):
    model = ChatMessage

    def make(self, n):
        return make_chat_message(text=f"Line {n}")


def from_messages():
    session = make_session()
    make_message(session, content=SAID)
    return session


def from_history():
    return make_session(
        conversation_history=[{"role": "user", "content": SAID, "timestamp": "2026-01-01T10:00:00"}]
    )


def from_legacy():
    chat = make_chat_session()
    make_chat_message(chat, text=SAID)
    return chat


SOURCES = {"messages": from_messages, "history": from_history, "legacy": from_legacy}


def reveal(conversation):
    return reverse(f"agents:{conversation._meta.model_name}_reveal", args=[conversation.pk])


def lines(conversation):
    return ChatMessage if isinstance(conversation, ChatSession) else AgentMessage


@pytest.mark.parametrize("source", SOURCES)
class TestTranscript:
    def test_is_masked_and_its_reading_logged(self, support_client, support, source):
        conversation = SOURCES[source]()
        response = support_client.get(conversation.get_absolute_url())
        html = check_page(response)
        assert response.context["transcript"].source == source
        assert "[email]" in html and "[phone]" in html and "marmalade" in html
        assert "jane.doe" not in html and "555" not in html.split("Transcript")[1].split("</ol>")[0]
        entry = ReadLog.objects.get()
        assert (entry.kind, entry.actor, entry.row_id) == ("transcript", str(support), str(conversation.pk))
        assert entry.organization_id == conversation.agent.organization_id
        assert entry.table_name == conversation._meta.db_table and entry.db_role == "backoffice"

    def test_is_revealed_with_a_reason_that_is_logged(self, support_client, support, source):
        conversation = SOURCES[source]()
        check_page(support_client.get(reveal(conversation)))
        assert "jane.doe" not in check_page(support_client.post(reveal(conversation), {"reason": "  "}), 422)
        assert not ReadLog.objects.exists()
        html = check_page(support_client.post(reveal(conversation), {"reason": "Complaint 12"}))
        assert "jane.doe@example.com" in html and "415 555 0100" in html and "Shown unmasked" in html
        entry = ReadLog.objects.get()
        assert (entry.kind, entry.reason, entry.actor_id) == ("reveal", "Complaint 12", support.pk)
        assert "jane.doe" not in check_page(support_client.get(conversation.get_absolute_url()))

    def test_finance_sees_that_it_took_place_and_nothing_of_it(self, finance_client, source):
        conversation = SOURCES[source]()
        message = lines(conversation).objects.first()
        addresses = [
            conversation.get_absolute_url(),
            *(
                reverse(f"agents:{name}_list")
                for name in ("agentsession", "chatsession", "agentmessage", "chatmessage")
            ),
        ]
        addresses += [message.get_absolute_url()] if message else []
        for address in addresses:
            html = check_page(finance_client.get(address))
            assert "marmalade" not in html and "jane" not in html and "[email]" not in html, address
        check_page(finance_client.get(reveal(conversation)), 403)
        html = check_page(finance_client.post(reveal(conversation), {"reason": "r"}), 403)
        assert "marmalade" not in html and "agents.reveal_transcript" in html
        assert not ReadLog.objects.exists()

    def test_managers_and_admins_read_as_support_does(self, manager_client, admin_client, source):
        conversation = SOURCES[source]()
        for client in (manager_client, admin_client):
            html = check_page(client.get(conversation.get_absolute_url()))
            assert "marmalade" in html and "jane.doe" not in html
            assert "jane.doe" in check_page(client.post(reveal(conversation), {"reason": "r"}))

    def test_hostile_text_is_text(self, support_client, source):
        conversation = SOURCES[source]()
        if source == "history":
            change(
                conversation,
                conversation_history=[{"role": HOSTILE, "content": HOSTILE, "timestamp": HOSTILE}],
            )
        else:
            make = make_message if source == "messages" else make_chat_message
            make(conversation, **{"content" if source == "messages" else "text": HOSTILE})
        for response in (
            support_client.get(conversation.get_absolute_url()),
            support_client.post(reveal(conversation), {"reason": "r"}),
        ):
            assert "&lt;script&gt;" in check_page(response)


class TestSources:
    def transcript(self, client, session):
        response = client.get(session.get_absolute_url())
        check_page(response)
        return response.context["transcript"]

    def test_nothing_stored_is_said_and_not_logged(self, support_client):
        for session in (make_session(), make_session(conversation_history=None), make_chat_session()):
            html = check_page(support_client.get(session.get_absolute_url()))
            assert "Nothing of what was said is stored." in html
        assert not ReadLog.objects.exists()

    def test_the_message_table_goes_before_the_history(self, support_client):
        session = from_history()
        make_message(session, content="from the table")
        transcript = self.transcript(support_client, session)
        assert transcript.source == "messages" and len(transcript.turns) == 1

    def test_turns_are_in_the_order_they_were_said(self, support_client):
        session = make_session()
        times = ["2026-01-01T10:00:02Z", None, "2026-01-01T10:00:01Z", "infinity"]
        for n, at in enumerate(times):
            message = make_message(session, content=f"line {n}", created_at=None if at == "infinity" else at)
            if at == "infinity":
                set_column(message, "created_at", at)
        assert [str(turn.text) for turn in self.transcript(support_client, session).turns] == [
            "line 1",
            "line 2",
            "line 0",
            "line 3",
        ]

    @pytest.mark.parametrize(
        "history",
        [
            "text",
            7,
            {"role": "user"},
            [None, 5, "a", []],
            [{"content": {"a": 1}}],
            [{"role": None, "content": None}],
            [{}],
            [{"role": "user", "content": "x", "timestamp": 5}],
            [{"role": ["a"], "content": ["b"], "timestamp": "nonsense"}],
            [[[["deep"]]]],
            True,
        ],
        ids=str,
    )
    def test_history_of_any_shape_is_shown(self, support_client, history):
        assert self.transcript(support_client, make_session(conversation_history=history)).source == "history"

    def test_history_nested_without_end_is_said(self, support_client):
        session = make_session()
        set_column(session, "conversation_history", '{"a":' * 3000 + "1" + "}" * 3000)
        assert "nested too deeply" in check_page(support_client.get(session.get_absolute_url()))
        check_page(support_client.get(reverse("agents:agentsession_list")))

    def test_a_long_transcript_comes_in_pages_that_miss_nothing(self, support_client, monkeypatch):
        monkeypatch.setattr(transcripts, "TURNS_PER_PAGE", 4)
        session = make_session()
        for n in range(10):
            make_message(session, content=f"line {n}", created_at=f"2026-01-01T10:00:{n:02}Z")
        seen, url = [], session.get_absolute_url()
        while url:
            response = support_client.get(url)
            seen += [str(turn.text) for turn in response.context["transcript"].turns]
            url = (
                session.get_absolute_url() + response.context["next_url"]
                if response.context["next_url"]
                else ""
            )
        assert seen == [f"line {n}" for n in range(10)]
        back = support_client.get(session.get_absolute_url() + response.context["previous_url"])
        assert [str(turn.text) for turn in back.context["transcript"].turns] == [
            f"line {n}" for n in range(4, 8)
        ]

    @pytest.mark.parametrize(
        "place",
        ["after=nonsense", "before=x", "after=WyJ4IiwiMDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAwIl0"],
    )
    def test_a_place_in_it_that_does_not_exist_is_friendly(self, support_client, place):
        response = support_client.get(f"{from_messages().get_absolute_url()}?{place}")
        assert response.status_code in (302, 404)

    def test_measures_are_shown_where_recorded(self, support_client):
        session = make_session()
        make_message(
            session, role="assistant", content="Yes", latency_ms=640, tokens_used=12, model_used="gpt-4o"
        )
        html = check_page(support_client.get(session.get_absolute_url()))
        assert "640 ms" in html and "12 tokens" in html and "gpt-4o" in html


class TestMessages:
    def test_list_shows_masked_beginnings_and_is_logged(self, support_client):
        message = make_message(content=SAID + " and much more" * 100)
        html = check_page(
            support_client.get(reverse("agents:agentmessage_list"), {"session": message.session_id})
        )
        assert "[email]" in html and "jane.doe" not in html and "and much more" * 30 not in html
        entry = ReadLog.objects.get()
        assert entry.kind == "transcript" and str(message.session_id) in entry.detail

    def test_what_is_cut_off_for_a_list_shows_no_half_of_a_secret(self, support_client):
        words = " ".join(["a.very.long.address.for.a.mailbox.of.mine@mail.example.com"] * 40)
        for make, name, field in (
            (make_message, "agentmessage", "content"),
            (make_chat_message, "chatmessage", "text"),
        ):
            make(**{field: words})
            assert "a.very.long" not in check_page(support_client.get(reverse(f"agents:{name}_list")))

    def test_an_empty_list_is_not_logged(self, support_client):
        check_page(support_client.get(reverse("agents:agentmessage_list")))
        assert not ReadLog.objects.exists()

    @pytest.mark.parametrize("make", [make_message, make_chat_message])
    def test_record_is_masked_and_logged(self, support_client, make):
        message = make(**{"content" if make is make_message else "text": SAID})
        html = check_page(support_client.get(message.get_absolute_url()))
        assert "[email]" in html and "jane.doe" not in html
        assert ReadLog.objects.get().row_id == str(message.pk)

    def test_recording_is_logged_and_not_for_finance(self, support_client, finance_client):
        message = make_message(audio_url="/demo/audio/x.wav")
        address = message.get_absolute_url() + "recording/"
        assert address in check_page(support_client.get(message.get_absolute_url()))
        assert address in check_page(support_client.get(message.session.get_absolute_url()))
        assert support_client.get(address).url == "/demo/audio/x.wav"
        entry = ReadLog.objects.get(kind="recording")
        assert entry.organization_id == message.session.agent.organization_id
        assert "<audio" not in check_page(finance_client.get(message.get_absolute_url()))
        check_page(finance_client.get(address), 403)

    def test_there_is_no_export_of_what_was_said(self, manager):
        for name in ("agentsession", "agentmessage", "chatsession", "chatmessage"):
            page = open_list(f"agents:{name}_list", manager)
            page.request.GET = QueryDict("columns=" + ",".join(page.offered))
            sources = {str(source) for _, source in export_columns(page)[0]}
            assert len(sources) > 3
            assert not sources & {"content", "text", "audio_url", "conversation_history", "context_data"}


class TestClosing:
    def close(self, session):
        return reverse("agents:agentsession_close", args=[session.pk])

    def test_ends_the_session_once(self, support_client, support):
        session = make_session()
        check_page(support_client.get(self.close(session)))
        assert "was closed." in check_page(
            support_client.post(self.close(session), {"reason": "Stale"}, follow=True)
        )
        session.refresh_from_db()
        assert session.status == "ended" and session.ended_at is not None
        event = AuditEvent.objects.of(session).get()
        assert (set(event.new), event.reason) == ({"status", "ended_at"}, "Stale")
        assert "has ended already" in check_page(
            support_client.post(self.close(session), {"reason": "r"}), 422
        )
        assert self.close(session) not in check_page(support_client.get(session.get_absolute_url()))

    @pytest.mark.parametrize("status", [None, "timeout", "zombie"])
    def test_ends_sessions_of_odd_status(self, support, status):
        assert close_session(make_session(status=status), actor=support, reason="r").status == "ended"

    def test_twice_is_refused(self, support):
        with pytest.raises(ValidationError, match="ended already"):
            close_session(make_session(status="ended"), actor=support, reason="r")


class TestRecord:
    def test_the_shared_session_is_marked(self, support_client):
        session = make_session(external_id="default")
        assert "callers of different tenants" in check_page(support_client.get(session.get_absolute_url()))
        assert "shared" in check_page(support_client.get(reverse("agents:agentsession_list")))

    def test_search_is_by_session_id_and_agent(self, support_client):
        agent = make_agent()
        session = make_session(agent, external_id="session_abc")
        make_session()
        for q in ("session_abc", str(session.pk), str(agent.pk)):
            assert support_client.get(reverse("agents:agentsession_list"), {"q": q}).context["rows"] == [
                session
            ], q
        rows = support_client.get(
            reverse("agents:agentsession_list"), {"organization": agent.organization_id}
        ).context["rows"]
        assert rows == [session]
