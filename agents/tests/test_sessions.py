"""The stores of conversations as their tables are: lists, single messages, recordings, closing."""

import pytest
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.urls import reverse

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
from backoffice.testing_crud import PageTests, check_page

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


class TestMessages:
    def test_list_shows_masked_beginnings_and_is_logged(self, support_client):
        message = make_message(content=SAID + " and much more" * 100)
        html = check_page(
            support_client.get(reverse("agents:agentmessage_list"), {"session": message.session_id})
        )
        assert "[email]" in html and "jane.doe" not in html and "and much more" * 30 not in html
        entry = ReadLog.objects.get()
        assert entry.kind == "transcript" and str(message.session_id) in entry.detail
        assert entry.organization_id == message.session.agent.organization_id

    def test_what_is_cut_off_for_a_list_shows_no_half_of_a_secret(self, support_client):
        words = " ".join(["a.very.long.address.for.a.mailbox.of.mine@mail.example.com"] * 40)
        for make, name, field in (
            (make_message, "agentmessage", "content"),
            (make_chat_message, "chatmessage", "text"),
        ):
            make(**{field: words})
            assert "a.very.long" not in check_page(support_client.get(reverse(f"agents:{name}_list")))

    def test_a_list_of_two_tenants_names_neither(self, support_client):
        make_message(), make_message()
        check_page(support_client.get(reverse("agents:agentmessage_list"), {"last": "1"}))
        entry = ReadLog.objects.get()
        assert entry.organization_id is None and entry.detail == reverse("agents:agentmessage_list")

    def test_an_empty_list_is_not_logged(self, support_client):
        check_page(support_client.get(reverse("agents:agentmessage_list")))
        assert not ReadLog.objects.exists()

    @pytest.mark.parametrize("make", [make_message, make_chat_message])
    def test_record_is_masked_and_logged(self, support_client, make):
        message = make(**{"content" if make is make_message else "text": SAID})
        html = check_page(support_client.get(message.get_absolute_url()))
        assert "[email]" in html and "jane.doe" not in html
        entry = ReadLog.objects.get()
        assert entry.row_id == str(message.pk)
        assert entry.organization_id == message.session.agent.organization_id

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
