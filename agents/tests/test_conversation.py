"""The page of a conversation: what it shows of each store, what is masked, who may see it unmasked, the log of it."""

import datetime
import re
import time

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from agents.conversations import index, reveals
from agents.models import AgentMessage, ChatMessage, ChatSession, Store
from agents.tests.factories import (
    make_agent,
    make_chat_message,
    make_chat_session,
    make_message,
    make_session,
)
from backoffice.models import ReadLog
from backoffice.testing_crud import HOSTILE, MEGABYTE, check_page, count_queries, set_column
from telephony.tests.factories import make_call
from tenants.tests.factories import change

SAID = "Mail me at jane.doe@example.com or call +1 415 555 0100, marmalade."


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


@pytest.fixture(params=SOURCES)
def conversation(request, db):
    return SOURCES[request.param]()


def part(record, name):
    return reverse(f"agents:{record._meta.model_name}_{name}", args=[record.pk])


def open_page(client, record, query=""):
    response = client.get(record.get_absolute_url() + query)
    check_page(response)
    return response


def texts(response):
    """What is shown of each turn, as it stands in the page."""
    return ["".join(one.html for one in bubble["parts"]) for bubble in response.context["bubbles"]]


def htmx(client, url, data=None, **headers):
    return client.get(url, data or {}, headers={"HX-Request": "true", **headers})


def reveal(client, record, reason="Complaint 12"):
    return client.post(part(record, "reveal"), {"reason": reason}, follow=True)


class TestPrivacy:
    def test_it_is_masked_and_the_opening_logged(self, support_client, support, conversation):
        html = check_page(open_page(support_client, conversation))
        assert "[email]" in html and "[phone]" in html and "marmalade" in html
        assert "jane.doe" not in html and "555 0100" not in html
        entry = ReadLog.objects.get()
        assert (entry.kind, entry.actor, entry.row_id) == ("transcript", str(support), str(conversation.pk))
        assert entry.organization_id == conversation.agent.organization_id
        assert entry.table_name == conversation._meta.db_table and entry.db_role == "backoffice"

    def test_it_is_revealed_with_a_reason_and_what_that_was_is_logged(
        self, support_client, support, conversation
    ):
        check_page(support_client.get(part(conversation, "reveal")))
        refused = support_client.post(part(conversation, "reveal"), {"reason": "  "})
        assert "jane.doe" not in check_page(refused, 422)
        assert not ReadLog.objects.exists()
        html = check_page(reveal(support_client, conversation))
        assert "jane.doe@example.com" in html and "415 555 0100" in html and "Shown unmasked until" in html
        entry = ReadLog.objects.get(kind="reveal")
        assert (entry.reason, entry.actor_id) == ("Complaint 12", support.pk)
        assert entry.detail == "1 mail address, 1 phone number in 1 of 1 turn"
        assert "jane.doe" in check_page(open_page(support_client, conversation)), "it lasts"

    def test_it_is_masked_again_after_ten_minutes(self, support_client, conversation, monkeypatch):
        reveal(support_client, conversation)
        later = timezone.now() + reveals.LASTS
        monkeypatch.setattr(reveals.timezone, "now", lambda: later)
        assert "jane.doe" not in check_page(open_page(support_client, conversation))

    def test_it_is_masked_again_when_asked(self, support_client, conversation):
        reveal(support_client, conversation)
        support_client.post(part(conversation, "mask"))
        assert "jane.doe" not in check_page(open_page(support_client, conversation))

    def test_a_reveal_is_for_one_person_and_one_conversation(
        self, support_client, manager_client, conversation
    ):
        other = from_messages()
        reveal(support_client, conversation)
        assert "jane.doe" not in check_page(open_page(support_client, other))
        assert "jane.doe" not in check_page(open_page(manager_client, conversation))

    def test_a_reveal_ends_with_the_right_to_it(self, support_client, support, conversation):
        reveal(support_client, conversation)
        group = support.groups.get()
        group.permissions.remove(group.permissions.get(codename="reveal_transcript"))
        assert "jane.doe" not in check_page(open_page(support_client, conversation))

    def test_parts_of_the_page_are_masked_as_it_is(self, support_client, conversation):
        (bubble,) = open_page(support_client, conversation).context["bubbles"]
        parts = [
            part(conversation, "turns") + "?first=1&last=5",
            part(conversation, "live") + "?last=0",
            f"{part(conversation, 'turns').removesuffix('turns/')}turn/{bubble['key']}/",
        ]
        for url in parts:
            html = htmx(support_client, url).content.decode()
            assert "marmalade" in html and "jane.doe" not in html and "0100" not in html, url
        reveal(support_client, conversation)
        for url in parts:
            assert "jane.doe" in htmx(support_client, url).content.decode(), url

    def test_pieces_of_an_open_page_are_not_logged_again(self, support_client, conversation):
        opened = open_page(support_client, conversation).context["opened"]
        for name, params in (
            ("turns", {"first": 1, "last": 5}),
            ("live", {"last": "0"}),
            ("detail", {"q": "marm"}),
        ):
            htmx(support_client, part(conversation, name), {**params, "opened": opened})
        open_page(support_client, conversation, f"?first=1&opened={opened}")
        assert ReadLog.objects.count() == 1

    def test_whoever_has_not_opened_it_is_logged_by_every_way_in(
        self, support_client, manager_client, conversation
    ):
        opened = open_page(support_client, conversation).context["opened"]
        for count, (name, params) in enumerate(
            (
                ("turns", {"first": 1, "last": 5}),
                ("live", {"last": "0"}),
                ("detail", {"q": "marm"}),
                ("turns", {"first": 1, "last": 5, "opened": opened}),  # somebody else's
            ),
            start=2,
        ):
            htmx(manager_client, part(conversation, name), params, **{"HX-Target": "transcript"})
            assert ReadLog.objects.count() == count, name

    def test_finance_sees_that_it_took_place_and_nothing_of_it(self, finance_client, conversation):
        lines = ChatMessage if isinstance(conversation, ChatSession) else AgentMessage
        message = lines.objects.first()
        addresses = [
            conversation.get_absolute_url(),
            conversation.get_absolute_url() + "?q=marmalade",
            *(
                reverse(f"agents:{name}_list")
                for name in ("agentsession", "chatsession", "agentmessage", "chatmessage")
            ),
        ]
        addresses += [message.get_absolute_url()] if message else []
        for address in addresses:
            html = check_page(finance_client.get(address)).replace("?q=marmalade", "")
            assert "marmalade" not in html and "jane" not in html and "[email]" not in html, address
        assert "not what was said" in check_page(open_page(finance_client, conversation))
        for name in ("reveal", "turns", "live", "download", "copy"):
            for ask in (finance_client.get, lambda url: htmx(finance_client, url)):
                assert "marmalade" not in check_page(ask(part(conversation, name)), 403)
        asked = htmx(finance_client, conversation.get_absolute_url(), **{"HX-Target": "transcript"})
        assert asked.status_code == 403
        html = check_page(finance_client.post(part(conversation, "reveal"), {"reason": "r"}), 403)
        assert "agents.reveal_transcript" in html
        assert not ReadLog.objects.exists()

    def test_managers_and_admins_read_as_support_does(self, manager_client, admin_client, conversation):
        for client in (manager_client, admin_client):
            html = check_page(open_page(client, conversation))
            assert "marmalade" in html and "jane.doe" not in html
            assert "jane.doe" in check_page(reveal(client, conversation))

    def test_nothing_stored_is_said_and_not_logged(self, support_client):
        for record in (make_session(), make_session(conversation_history=None), make_chat_session()):
            html = check_page(open_page(support_client, record))
            assert "Nothing of what was said is stored." in html
        assert not ReadLog.objects.exists()

    def test_escapes_in_json_hide_nothing(self, support_client):
        session = make_session()
        make_message(
            session, content='{"mail": "jane.doe\\u0040example.com", "tel": "\\u002b1 415 555 0100"}'
        )
        html = check_page(open_page(support_client, session))
        assert "[email]" in html and "[phone]" in html and "jane.doe" not in html and "555 0100" not in html


class TestHostile:
    def test_markup_is_text(self, support_client, conversation):
        if isinstance(conversation, ChatSession):
            make_chat_message(conversation, text=HOSTILE)
        elif conversation.messages.exists():
            make_message(conversation, content=HOSTILE, model_used=HOSTILE, role="system")
        else:
            history = [{"role": HOSTILE, "content": HOSTILE, "timestamp": HOSTILE}]
            change(conversation, conversation_history=history)
        for response in (open_page(support_client, conversation), reveal(support_client, conversation)):
            assert "&lt;script&gt;" in check_page(response)

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
            [{"role": "tool", "content": "x", "timestamp": "2026-02-30T10:00:00"}],
            [{"role": "user", "content": "x", "timestamp": "0000-01-01T00:00:00"}],
            [{"role": "user", "content": "x", "timestamp": "2026-01-01T25:61:61"}],
            [{"role": "user", "content": "x", "timestamp": "infinity"}],
            [[[["deep"]]]],
            True,
        ],
        ids=str,
    )
    def test_history_of_any_shape_is_shown(self, support_client, history):
        response = open_page(support_client, make_session(conversation_history=history))
        assert response.context["figures"].turns == (4 if history == [None, 5, "a", []] else 1)

    def test_json_of_five_thousand_levels_is_shown(self, support_client):
        deep = '{"a":' * 5000 + "1" + "}" * 5000
        session = make_session()
        make_message(session, content=deep)
        make_message(session, content="[" * 5000)
        make_message(session, content="[" * 30 + "1" + "]" * 30)
        other = make_session()
        set_column(other, "conversation_history", deep)
        listed = make_session()
        set_column(listed, "conversation_history", f'[{{"role": "user", "content": {deep}}}]')
        for record in (session, other, listed):
            before = time.monotonic()
            assert "a" in texts(open_page(support_client, record))[0]
            assert time.monotonic() - before < 3
        check_page(support_client.get(reverse("agents:agentsession_list")))

    def test_a_text_of_a_megabyte_is_cut_and_shown_whole_when_asked(self, support_client):
        session = make_session()
        message = make_message(session, content=f"{MEGABYTE} jane.doe@example.com the end")
        make_message(session, content="word " * 200_000)
        before = time.monotonic()
        response = open_page(support_client, session)
        assert time.monotonic() - before < 3
        assert (
            len(response.content) < 200_000 and "Show all 1,000,029 characters" in response.content.decode()
        )
        url = f"{part(session, 'turns').removesuffix('turns/')}turn/{message.pk}/"
        html = htmx(support_client, url).content.decode()
        assert MEGABYTE in html and "[email] the end" in html and "jane" not in html
        html = check_page(open_page(support_client, session, f"?turn={message.pk}&whole={message.pk}"))
        assert MEGABYTE in html and "[email] the end" in html

    def test_what_a_cut_goes_through_shows_no_half_of_a_secret(self, support_client):
        session = make_session()
        secret = "a.very.long.address.for.a.mailbox.of.mine@mail.example.com"
        make_message(session, content=" ".join([secret] * 3000))
        make_message(session, content="x" * 3990 + " " + secret)
        assert "very.long" not in check_page(open_page(support_client, session))

    def test_nulls_and_times_beyond_the_calendar_are_shown(self, support_client):
        session = make_session(
            started_at=None, created_at=None, last_activity_at=None, status=None, channel=None
        )
        for at in (None, "infinity", "-infinity", "0044-03-15 00:00:00+00 BC", "294276-12-31"):
            set_column(make_message(session, content=f"at {at}"), "created_at", at)
        response = open_page(support_client, session)
        assert response.context["figures"].turns == 5
        for column in ("started_at", "last_activity_at"):
            set_column(session, column, "infinity")
        check_page(open_page(support_client, session))
        for name in ("settings", "costs", "latency", "record"):
            check_page(support_client.get(part(session, name)))

    def test_signs_that_turn_the_direction_stay_in_their_line(self, support_client):
        session = make_session()
        make_message(session, content="\u202eabc\u2066def", model_used="\u202egpt", role="assistant")
        html = check_page(open_page(support_client, session))
        assert '<div class="bubble__text" dir="auto">\u202eabc\u2066def</div>' in html
        assert "<bdi>\u202egpt</bdi>" in html

    def test_roles_and_models_are_masked_too(self, support_client):
        session = make_session(conversation_history=[{"role": "+1 415 555 0100", "content": "x"}])
        make_message(session, role="assistant", model_used="jane.doe@example.com")
        html = check_page(open_page(support_client, session))
        assert "[phone]" in html and "[email]" in html and "555 0100" not in html and "jane" not in html

    def test_calls_at_odd_times_are_shown(self, support_client):
        session = make_session()
        make_message(session)
        for at in (None, "infinity", "0044-03-15 00:00:00+00 BC", "294276-12-31"):
            call = make_call(session_ref=session.external_id, recording_url="/demo/audio/x.wav")
            set_column(call, "created_at", at)
        assert check_page(open_page(support_client, session)).count("data-of-call") == 4

    def test_web_addresses_are_text(self, support_client):
        session = make_session()
        make_message(session, content="See https://evil.example/x and javascript:alert(1)")
        html = check_page(open_page(support_client, session))
        assert "https://evil.example/x" in html and 'href="https://evil' not in html

    @pytest.mark.parametrize(
        "query",
        [
            "?turn=nonsense",
            "?turn=999999999999",
            "?turn=-1",
            "?turn=%00",
            "?first=x",
            "?first=99999999",
            "?q=%00",
            "?q=" + "a" * 5000,
            "?q=%E2%80%8B",
            "?q=(a%2B%2B%5B",
            "?q=marm&hit=x",
            "?q=marm&hit=99",
            "?find=%22%22%00*-",
            "?opened=nonsense:x:y",
            "?whole=nonsense",
        ],
    )
    def test_any_address_is_answered(self, support_client, conversation, query):
        check_page(open_page(support_client, conversation, query))
        for name in ("turns", "live"):
            assert htmx(support_client, part(conversation, name) + query).status_code in (200, 302)


class TestPage:
    def test_it_costs_the_same_for_one_turn_and_for_many(self, manager_client):
        counts = []
        for turns in (1, 60):
            session = make_session()
            for n in range(turns):
                make_message(session, latency_ms=n, tokens_used=n)
                if n % 20 == 1:
                    make_call(session_ref=session.external_id, recording_url="/demo/audio/x.wav")
            index.refresh(Store.SESSION, [session.pk])
            counts.append(len(count_queries(manager_client, session.get_absolute_url())))
        assert counts[0] == counts[1] <= 16, counts

    def test_twenty_thousand_turns_open_quickly(self, support_client, owner):
        session = make_session()
        owner(
            "insert into agent_messages (session_id, role, content, latency_ms, created_at) select %s, 'user',"
            " 'Line ' || n || repeat(' and some words', 10), n, now() + n * interval '1 second'"
            " from generate_series(1, 20000) n",
            [session.pk],
        )
        written = make_session()
        owner(
            "update agent_sessions set conversation_history = (select jsonb_agg(jsonb_build_object('role', 'user',"
            " 'content', 'Line ' || n || repeat(' and some words', 10), 'timestamp', '2026-01-01T10:00:00.000001'))"
            " from generate_series(1, 20000) n) where id = %s",
            [written.pk],
        )
        for record in (session, written):
            open_page(support_client, record)
            before = time.process_time()
            response = open_page(support_client, record)
            assert response.context["figures"].turns == 20_000
            assert len(response.content) < 400_000
            assert time.process_time() - before < 1, "of this process; the statement has a limit of its own"
            response = open_page(support_client, record, "?q=line+19999")
            assert len(response.context["hits"]) == 1

    def test_the_list_of_all_conversations_is_walked(self, support_client):
        agent = make_agent()
        sessions = [make_session(agent, started_at=f"2026-01-0{n}T10:00:00Z") for n in (1, 2, 3)]
        chat = make_chat_session(agent, created_at="2026-01-02T12:00:00Z")
        index.refresh(Store.SESSION, [one.pk for one in sessions])
        index.refresh(Store.CHAT, [chat.pk])
        address = f"http://testserver{reverse('agents:conversation_list')}?agent={agent.pk}"
        response = support_client.get(chat.get_absolute_url(), headers={"referer": address})
        walk = response.context["walk"]
        assert walk["previous"]["url"].startswith(sessions[2].get_absolute_url())
        assert walk["next"]["url"].startswith(sessions[1].get_absolute_url())
        following = support_client.get(walk["next"]["url"]).context["walk"]
        assert following["next"]["url"].startswith(sessions[0].get_absolute_url())

    def test_the_list_of_sessions_is_walked_too(self, support_client):
        agent = make_agent()
        sessions = [make_session(agent, created_at=f"2026-01-0{n}T10:00:00Z") for n in (1, 2)]
        index.refresh(Store.SESSION, [one.pk for one in sessions])
        address = f"http://testserver{reverse('agents:agentsession_list')}?q={agent.pk}"
        response = support_client.get(sessions[1].get_absolute_url(), headers={"referer": address})
        url = response.context["walk"]["next"]["url"]
        assert url.startswith(sessions[0].get_absolute_url())
        assert support_client.get(url).context["walk"]["previous"]

    def test_flags_are_shown_as_what_they_are(self, support_client):
        past = timezone.now() - datetime.timedelta(days=3)
        session = make_session(last_activity_at=past, started_at=past)
        make_message(session, role="assistant", content="Error: no such model", created_at=past)
        index.refresh(Store.SESSION, [session.pk])
        html = check_page(open_page(support_client, session))
        assert "Stale" in html and "Error as reply" in html

    def test_it_works_before_the_index_has_read_it(self, support_client):
        assert open_page(support_client, from_messages()).context["conversation"] is None

    def test_the_page_in_django_admin_shows_the_same_and_the_json(self, admin_client):
        session = from_history()
        html = check_page(admin_client.get(reverse("admin:agents_agentsession_change", args=[session.pk])))
        assert "marmalade" in html and "jane.doe" not in html and "Stored JSON" in html

    def test_ids_and_numbers_name_turns(self, support_client):
        session = make_session()
        messages = [make_message(session, created_at=f"2026-01-01T10:00:0{n}Z") for n in range(4)]
        html = check_page(open_page(support_client, session, f"?turn={messages[2].pk}"))
        for name in (messages[2].pk, 3):
            response = open_page(support_client, session, f"?turn={name}")
            targets = [bubble["key"] for bubble in response.context["bubbles"] if bubble["is_target"]]
            assert targets == [str(messages[2].pk)]
        link = f"{session.get_absolute_url()}?turn={messages[2].pk}#t-{messages[2].pk}"
        assert f'data-copy="http://testserver{link}"' in html and f'id="t-{messages[2].pk}"' in html

    def test_a_link_to_a_turn_that_is_gone_says_so(self, support_client):
        html = check_page(open_page(support_client, from_messages(), f"?turn={make_agent().pk}"))
        assert "is not there (any more)" in html and "marmalade" in html

    def test_sessions_are_read_as_backoffice(self, support_client):
        open_page(support_client, from_messages())
        with connection.cursor() as cursor:
            cursor.execute("select current_user")
            assert cursor.fetchone() == ("backoffice",)

    def test_only_those_turns_are_unfolded_that_were_spoken(self, support_client):
        session = make_session(
            conversation_history=[{"role": role, "content": f"by {role}"} for role in ("user", "tool", "x")]
        )
        make_message(session, role="system", content="by system")
        html = check_page(open_page(support_client, session))
        folded = re.findall(r"<details>.*?</details>", html, re.S)
        assert sum("bubble__text" in one for one in folded) == 3
        assert not any("by user" in one for one in folded)
