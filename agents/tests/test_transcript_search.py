"""The search in what was said: what it finds, on which way, what it shows and tells nobody, and what it logs."""

import re

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from playwright.sync_api import expect

from agents.conversations import find, hits, index
from agents.conversations.find import Effort, Wanted
from agents.conversations.words import asked
from agents.models import Conversation, IndexedTurn, IndexState
from agents.tests.factories import (
    make_agent,
    make_chat_message,
    make_chat_session,
    make_message,
    make_session,
)
from backoffice import keyset
from backoffice.models import ReadLog
from backoffice.testing_crud import HOSTILE, check_page, set_column
from tenants.tests.factories import change, make_organization

URL = "/agents/search/"
PHONE, MAIL = "+49 170 1234567", "anna.smith@example.org"


def say(text, session=None, **fields):
    """A message that the index has."""
    message = make_message(session, content=text, **fields)
    index.refresh("session", [message.session_id])
    return message


def say_in_chat(text, session=None, **fields):
    line = make_chat_message(session, text=text, **fields)
    index.refresh("chat", [line.session_id])
    return line


def remember(*entries, **fields):
    """A session with nothing but JSON."""
    session = make_session(conversation_history=list(entries), **fields)
    index.refresh("session", [session.pk])
    return session


def search(client, text="", **params):
    response = client.get(URL, {"q": text, **params})
    check_page(response)
    return response


def shown(response):
    """The keys of the turns on the page."""
    return [hit.key for _, group in response.context.get("groups", []) for hit in group]


def keys(*records):
    return [str(record.pk) for record in records]


def text_of(response):
    """What a reader sees, without the form."""
    html = response.content.decode()
    return html[html.index('id="results"') :]


@pytest.fixture(autouse=True)
def built(request):
    if "db" in request.fixturenames or request.node.get_closest_marker("django_db"):
        request.getfixturevalue("db")
        while index.follow():
            pass


@pytest.mark.django_db
class TestFinding:
    def test_all_stores_newest_first(self, support_client):
        old = say_in_chat("A refund, please", timestamp="2026-01-01T10:00:00Z")
        new = say("Your refund is on its way", created_at="2026-01-03T10:00:00Z")
        remember({"role": "user", "content": "refund!", "timestamp": "2026-01-02T10:00:00"})
        say("Something else")
        response = search(support_client, "refund")
        assert shown(response) == [str(new.pk), "h1", str(old.pk)]
        assert "3 messages" in text_of(response)
        assert text_of(response).count("<mark>") == 3

    def test_a_hit_says_where_it_was_said_and_leads_there(self, support_client):
        agent = make_agent(make_organization(name="Blue Harbour"), name="Front desk")
        message = say("The refund", make_session(agent, channel="voice"), role="assistant")
        html = text_of(search(support_client, "refund"))
        for part in ("Blue Harbour", "Front desk", "Voice", "Agent"):
            assert part in html
        url = f"/agents/sessions/{message.session_id}/?turn={message.pk}&amp;find=refund#t-{message.pk}"
        assert url in html

    def test_hits_of_one_conversation_stand_together(self, support_client):
        session = make_session()
        for n in range(3):
            say(f"refund {n}", session, created_at=f"2026-01-01T10:00:0{n}Z")
        say("refund", created_at="2026-01-02T10:00:00Z")
        groups = search(support_client, "refund").context["groups"]
        assert [len(group) for _, group in groups] == [1, 3]

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("refund invoice", [0]),
            ('"refund of the invoice"', [0]),
            ("-invoice", [2, 1]),
            ("refund -invoice", [1]),
            ("ref*", [1, 0]),
            ("größe", [2]),
            ("refund nothing", []),
        ],
    )
    def test_words(self, support_client, query, expected):
        texts = ["Refund of the invoice", "Refunds? A refund.", "Die Grosse"]
        said = [say(text, created_at=f"2026-01-0{n}T10:00:00Z") for n, text in enumerate(texts, 1)]
        assert shown(search(support_client, query)) == keys(*[said[n] for n in expected])

    def test_filters(self, support_client):
        agent, other = make_agent(), make_agent()
        one = say("refund", make_session(agent, channel="voice"), created_at="2026-01-01T10:00:00Z")
        two = say("refund", make_session(other), role="assistant", created_at="2026-01-05T10:00:00Z")
        three = say_in_chat("refund", make_chat_session(agent), timestamp="2026-01-03T10:00:00Z")
        remember({"role": "tool", "content": "refund"}, channel=None, agent=other)
        for params, expected in [
            ({"organization": agent.organization_id}, [three, one]),
            ({"agent": agent.pk}, [three, one]),
            ({"organization": agent.organization_id, "channel": "voice"}, [one]),
            ({"channel": "legacy"}, [three]),
            ({"role": "assistant"}, [two]),
            ({"since": "2026-01-02", "until": "2026-01-04"}, [three]),
            ({"since": "2026-01-05", "until": "2026-01-05"}, [two]),
            ({"until": "2026-01-01"}, [one]),
        ]:
            assert shown(search(support_client, "refund", **params)) == keys(*expected), params
        assert shown(search(support_client, "refund", role="tool")) == ["h1"]
        assert shown(search(support_client, "refund", channel="null")) == ["h1"]

    def test_days_are_the_readers(self, support_client, support):
        type(support).objects.update(time_zone="Asia/Tokyo")
        message = say("refund", created_at="2026-01-01T20:00:00Z")  # 2 January there
        assert shown(search(support_client, "refund", since="2026-01-02", until="2026-01-02")) == keys(
            message
        )
        assert shown(search(support_client, "refund", until="2026-01-01")) == []

    def test_what_has_no_time_comes_last_and_at_no_day(self, support_client):
        message = say("refund", created_at="2026-01-01T10:00:00Z")
        timeless = make_message(content="refund")
        set_column(timeless, "created_at", None)
        late = make_message(content="refund")
        set_column(late, "created_at", "infinity")
        index.refresh("session", [timeless.session_id, late.session_id])
        assert shown(search(support_client, "refund")) == keys(late, message, timeless)
        assert shown(search(support_client, "refund", until="9998-01-01")) == keys(message)

    def test_broken_filters_show_their_error_and_the_rest_applies(self, support_client):
        message = say("refund", make_session(channel="voice"))
        say("refund")
        response = search(support_client, "refund", since="2026-02-30", agent="nonsense", channel="voice")
        html = response.content.decode()
        assert 'id="id_since_error"' in html and 'id="id_agent_error"' in html
        assert shown(response) == keys(message)

    @pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
    def test_the_edges_of_the_calendar(self, support_client, day):
        search(support_client, "refund", since=day)
        search(support_client, "refund", until=day)


@pytest.mark.django_db
class TestPages:
    def turns(self, count=7):
        session = make_session()
        # Several share a time: the id decides.
        said = [
            make_message(session, content=f"refund {n}", created_at=f"2026-01-01T10:00:0{n // 3}Z")
            for n in range(count)
        ]
        index.refresh("session", [session.pk])
        order = IndexedTurn.objects.order_by("-at", "-pk").values_list("key", flat=True)
        assert set(order) == set(keys(*said))
        return list(order)

    def walk(self, client, text, **params):
        pages, response = [], search(client, text, **params)
        while True:
            pages.append(shown(response))
            if not (url := response.context["next_url"]):
                return pages
            assert len(pages) < 20
            response = client.get(f"{URL}{url}")
            check_page(response)

    @pytest.mark.parametrize("way", ["words", "back"])
    def test_visit_every_turn_once(self, support_client, monkeypatch, way):
        monkeypatch.setattr(find, "PAGE_SIZE", 3)
        choose(monkeypatch, way)
        order = self.turns()
        pages = self.walk(support_client, "refund")
        assert pages == [order[:3], order[3:6], order[6:]]

    def test_lead_back_to_the_newest(self, support_client, monkeypatch):
        monkeypatch.setattr(find, "PAGE_SIZE", 3)
        order = self.turns()
        first = search(support_client, "refund", channel="text")
        second = support_client.get(f"{URL}{first.context['next_url']}")
        assert not first.context["first_url"]
        assert shown(support_client.get(f"{URL}{second.context['first_url']}")) == order[:3]
        assert "channel=text" in second.context["first_url"]

    def test_a_walk_that_ends_says_where_and_goes_on_from_there(self, support_client, monkeypatch):
        choose(monkeypatch, "back")
        monkeypatch.setattr("agents.views.search.FIRST", Effort(walk=4))
        monkeypatch.setattr("agents.views.search.FURTHER", Effort(walk=5))
        wanted = say("needle", created_at="2026-01-01T00:00:00Z")
        for n in range(11):
            say("hay", created_at=f"2026-02-01T00:00:{n:02}Z")
        response = search(support_client, "needle")
        assert shown(response) == [] and response.context["found"].is_cut
        html = text_of(response)
        assert "Searched back to" in html and "2026-02-01 00:00" in html and "Search further back" in html
        assert "Nothing matches" not in html
        pages = self.walk(support_client, "needle")
        assert pages == [[], [], keys(wanted)]

    def test_the_total_is_exact_where_few_are_found(self, support_client, monkeypatch):
        monkeypatch.setattr(find, "PAGE_SIZE", 3)
        by_words(monkeypatch)
        self.turns()
        first = search(support_client, "refund")
        assert "7 messages" in text_of(first)
        assert "7 messages" in text_of(support_client.get(f"{URL}{first.context['next_url']}"))
        assert "1 message," in text_of(search(support_client, "6"))

    @pytest.mark.parametrize("place", ["nonsense", "e30", "WyIyMDI2LTAyLTMwIiwgIjEiXQ", "WyJ4IiwgIjEiXQ"])
    def test_a_place_that_is_none_is_the_beginning(self, support_client, place):
        self.turns()
        response = support_client.get(URL, {"q": "refund", "after": place}, follow=True)
        assert "does not exist any more" in response.content.decode()
        assert len(shown(response)) == 7

    def test_behind_the_last(self, support_client):
        self.turns()
        place = find.find(Wanted(asked("refund")), size=6).next
        IndexedTurn.objects.filter(pk__lt=place[1]).delete()
        IndexedTurn.objects.filter(at__lt=place[0]).delete()
        html = text_of(search(support_client, "refund", after=keyset.encode(*place)))
        assert "No more" in html and "Nothing matches" not in html


def choose(monkeypatch, way):
    """Makes every search take that way."""
    plan = find.Search.plan

    def chosen(self, is_indexed):
        found = plan(self, is_indexed)
        return find.Plan(way, found.line, found.expected)

    monkeypatch.setattr(find.Search, "plan", chosen)


@pytest.mark.django_db
class TestWays:
    """Both ways find the same; which is taken is decided by the planner's estimates."""

    QUERIES = [
        "refund",
        "refund invoice",
        '"a refund"',
        "inv*",
        "refund -invoice",
        "我可",
        MAIL,
        f"refund -{MAIL}",
        "-refund",
    ]

    def turns(self):
        agents = [make_agent(), make_agent()]
        texts = [
            "a refund",
            "invoice and refund",
            "我可以预约",
            f"write to {MAIL}",
            f"a refund for {MAIL}",
            "nothing",
        ]
        for n in range(30):
            session = make_session(agents[n % 2], channel=["text", "voice", None][n % 3])
            role = ["user", "assistant", "system"][n % 3]
            make_message(
                session, content=texts[n % 6], role=role, created_at=f"2026-01-{1 + n // 2:02}T00:00:00Z"
            )
        index.refresh("session", [row.pk for row in make_message().session.__class__.objects.all()])
        return agents

    @pytest.mark.parametrize("text", QUERIES)
    def test_find_the_same(self, text, monkeypatch):
        agents = self.turns()
        for filters in [
            {}, {"agent": agents[0].pk}, {"organization": agents[1].organization_id}, {"channel": "voice"}, {"channel": "null"},
            {"role": "system"}, {"role": "user", "channel": "text"},
        ]:  # fmt: skip
            wanted = Wanted(asked(text), **filters)
            found = {}
            for way in ("words", "try", "back"):
                with monkeypatch.context() as patch:
                    choose(patch, way)
                    found[way] = [row.id for row in find.find(wanted, size=100).rows]
            assert found["words"] == found["try"] == found["back"], filters

    @pytest.mark.parametrize(
        ("line", "words", "each", "query", "filters", "way"),
        [
            # turns on the line, with all the words, with each of them
            (5_000_000, 500, [], "rare", {}, "words"),
            (5_000_000, 500_000, [], "common", {}, "back"),
            (2_000, 500_000, [], "common", {"organization": 1}, "back"),
            (900_000, 500, [], "rare", {"organization": 1}, "words"),
            (5_000_000, 900, [90_000, 90_000], "two common", {}, "try"),
            (5_000_000, 90_000, [900_000, 900_000], "two common", {}, "back"),
            (5_000_000, 500, [400, 900_000], "rare common", {}, "words"),
            (5_000_000, 4_000_000, [], "-common", {}, "back"),
            (300, 500, [], "rare", {"organization": 1}, "back"),
        ],
    )
    def test_the_quicker_one_is_taken(self, monkeypatch, line, words, each, query, filters, way):
        def estimates(self, conditions, params):
            lines = self.wanted.lines()
            singles = dict(
                zip([c for c in conditions if "%(word" in c and "%(words" not in c], each, strict=True)
            )
            return {c: line if c in lines else singles.get(c, words) for c in conditions}

        monkeypatch.setattr(find.Search, "estimates", estimates)
        assert plan(query, **filters).way == way

    def test_without_the_index_of_words_only_one_is_left(self):
        with connection.cursor() as cursor:
            cursor.execute("drop index turn_words")
        say("refund")
        assert plan("refund", is_indexed=False).way == "back"
        assert len(find.find(Wanted(asked("refund"))).rows) == 1

    def test_the_shortest_line_is_walked(self, monkeypatch):
        def estimates(self, conditions, params):
            return {c: 60 if c.startswith("agent") else 900 for c in conditions}

        monkeypatch.setattr(find.Search, "estimates", estimates)
        found = plan("refund", organization=1, agent=2, channel="voice")
        assert found.line == "agent_id = %(agent)s"

    @pytest.mark.parametrize(
        ("filters", "index_name"),
        [
            ({}, "turn_at"), ({"organization": "00000000-0000-4000-8000-000000000000"}, "turn_tenant"),
            ({"agent": "00000000-0000-4000-8000-000000000000"}, "turn_agent"), ({"channel": "phone"}, "turn_channel"),
            ({"role": "system"}, "turn_role"), ({"channel": "text", "role": "user"}, "turn_at"),
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("place", [None, ("2026-01-01 00:00:00+00", 5)])
    def test_a_walk_reads_its_index_in_order(self, filters, index_name, place):
        wanted = Wanted(asked("refund"), **filters)
        with connection.cursor() as cursor:
            cursor.execute(find.SETTINGS, [find.TIMEOUT])
            walk = find.Search(cursor, wanted, place, find.FIRST, 25)
            (line,) = wanted.lines()
            with CaptureQueriesContext(connection) as captured:
                walk.back(find.Plan("back", line, 0))
            for query in captured.captured_queries[1:]:
                cursor.execute(f"explain {query['sql']}")
                lines = "\n".join(row[0] for row in cursor.fetchall())
                assert re.search(rf"Index (Only )?Scan using {index_name} ", lines) and "Sort" not in lines, (
                    lines
                )

    def test_a_try_that_takes_too_long_walks_instead(self, monkeypatch):
        choose(monkeypatch, "try")
        monkeypatch.setattr(find, "TRY", "1ms")
        slow = find.BY_WORDS.replace("where words", "where pg_sleep(0.2) is not null and words")
        monkeypatch.setattr(find, "BY_WORDS", slow)
        message = say("refund")
        found = find.find(Wanted(asked("refund")))
        assert [row.key for row in found.rows] == keys(message)

    def test_one_that_takes_too_long_is_stopped_with_a_sentence(self, support_client, monkeypatch):
        say("refund")
        monkeypatch.setattr(find, "TIMEOUT", "1ms")
        monkeypatch.setattr(
            find, "BACK", find.BACK.replace("where words", "where pg_sleep(0.2) is not null and words")
        )
        choose(monkeypatch, "back")
        assert "took too long and was stopped" in text_of(search(support_client, "refund"))

    def test_other_errors_of_the_database_are_not_hidden(self, monkeypatch):
        monkeypatch.setattr(
            find.Search, "page", lambda self, is_indexed: (_ for _ in ()).throw(OperationalError("away"))
        )
        with pytest.raises(OperationalError, match="away"):
            find.find(Wanted(asked("refund")))

    def test_the_settings_end_with_the_search(self):
        find.find(Wanted(asked("refund")))
        with connection.cursor() as cursor:
            cursor.execute("select current_setting('enable_seqscan')")
            # In the suite all is one transaction, in which they stay; outside it they end with the block.
            assert cursor.fetchone()


def plan(text, is_indexed=True, **filters):
    with connection.cursor() as cursor:
        return find.Search(cursor, Wanted(asked(text), **filters), None, find.FIRST, 25).plan(is_indexed)


@pytest.mark.django_db
class TestStates:
    def test_nothing_typed_explains_and_looks_for_nothing(self, support_client):
        response = search(support_client)
        html = response.content.decode()
        assert "How to search" in html and "-test" in html and "groups" not in response.context
        assert ReadLog.objects.count() == 0

    def test_nothing_matches_says_what_to_try(self, support_client):
        say("refund")
        assert "Nothing matches" in text_of(search(support_client, "invoice"))
        html = text_of(search(support_client, "invoice", channel="voice"))
        assert (
            "Clear the filters" in html
            and "?q=invoice&quot;" not in html
            and 'href="/agents/search/?q=invoice"' in html
        )

    @pytest.mark.parametrize("text", ["👍", "?!", "- *"])
    def test_without_a_word_the_field_says_so(self, support_client, text):
        html = search(support_client, text).content.decode()
        assert (
            'id="id_q_error"' in html and "There is no word in this" in html and "How to search" not in html
        )

    def test_only_exclusions_are_a_search(self, support_client):
        message = say("refund")
        say("invoice")
        assert shown(search(support_client, "-invoice")) == keys(message)

    def test_what_was_understood_is_told(self, support_client):
        html = text_of(search(support_client, 'inv* -test "credit card" 👍'))
        assert "with a word that begins with" in html and "without" in html and "with the phrase" in html
        assert "there is no word in it" in html and "👍" in html
        assert "Messages with" not in text_of(search(support_client, "plain words"))

    def test_while_it_is_built_the_page_says_how_far(self, support_client):
        say("refund")
        IndexState.objects.update(built_at=None, done=40, total=100)
        html = search(support_client, "refund").content.decode()
        assert "So far 40 % of the conversations" in html and "1 message" in html

    def test_how_fresh_it_is(self, support_client):
        say("refund")
        html = search(support_client, "refund").content.decode()
        assert "as of <time" in html and "newest messages are missing" not in html
        with connection.cursor() as cursor:
            cursor.execute("update agents_indexstate set caught_up_at = now() - interval '5 minutes'")
        assert "The newest messages are missing" in search(support_client, "refund").content.decode()

    def test_filters_are_chips_that_can_be_taken_off(self, support_client):
        response = search(support_client, "refund", channel="voice", since="2026-01-01")
        texts = [chip["text"] for chip in response.context["chips"]]
        assert "Channel: Voice" in texts and "From: 1 Jan 2026" in texts
        html = text_of(response)
        assert 'href="?q=refund&amp;since=2026-01-01"' in html

    def test_a_long_message_says_that_its_beginning_is_shown(self, support_client):
        say("begin " + "so " * 10_000 + "refund")
        html = text_of(search(support_client, "refund"))
        assert "only its beginning" in html and "begin so" in html


@pytest.mark.django_db
class TestRights:
    @pytest.mark.parametrize("role", ["support", "manager", "admin"])
    def test_who_may_read_may_search(self, request, role):
        client = request.getfixturevalue(f"{role}_client")
        message = say("refund")
        assert shown(search(client, "refund")) == keys(message)
        assert URL in client.get("/").content.decode()

    def test_finance_may_not(self, finance_client):
        response = finance_client.get(URL, {"q": "refund"})
        assert response.status_code == 403 and "agents.read_transcript" in response.content.decode()
        assert URL not in finance_client.get("/").content.decode()


@pytest.mark.django_db
class TestPrivacy:
    def logged(self):
        return list(ReadLog.objects.order_by("pk").values_list("kind", "detail", "organization_id"))

    def test_words_are_not_logged(self, support_client):
        say(f"refund to {MAIL}")
        search(support_client, "refund")
        search(support_client)
        assert self.logged() == []

    @pytest.mark.parametrize(
        ("secret", "detail"),
        [(PHONE, "telephone number ending in 67"), (MAIL, "mail address beginning with a")],
    )
    def test_a_whole_number_or_mail_address_finds_its_message_and_is_logged(
        self, support_client, secret, detail
    ):
        message = say(f"Please reach me: {secret}.")
        say("Please reach me: +49 170 7654321 or bob@example.org")
        response = search(support_client, secret)
        assert shown(response) == keys(message)
        ((kind, logged, organization),) = self.logged()
        assert (kind, logged, organization) == ("search", f"{detail}; 1 message shown", None)
        html = text_of(response)
        assert "<mark>" not in html.split("said__hits")[1] and "170" not in html.split("said__hits")[1]
        assert "find=" not in html, "what is secret is not carried to other addresses"

    @pytest.mark.parametrize(
        "written", ["+491701234567", "0049 170 1234567", "0170 / 123 45 67", "(0170) 1234567", "170-123-4567"]
    )
    def test_numbers_are_found_in_any_format(self, support_client, written):
        message = say(f"Call {PHONE}")
        other = say_in_chat(f"My number: {written}")
        assert set(shown(search(support_client, written))) == set(keys(message, other))

    def test_nothing_found_is_logged_as_well_and_with_the_tenant(self, support_client):
        organization = make_organization()
        search(support_client, f"refund {PHONE}", organization=organization.pk)
        assert self.logged() == [
            ("search", "telephone number ending in 67; 0 messages shown", organization.pk)
        ]

    def test_managers_read_it_in_the_log(self, support_client, manager_client):
        search(support_client, MAIL)
        html = check_page(manager_client.get(reverse("backoffice:readlog_list"), {"kind": "search"}))
        assert (
            "mail address beginning with a" in html and "Searched conversations" in html and MAIL not in html
        )

    @pytest.mark.parametrize(
        "text",
        ["1234567", "170*", "+49170*", "4917*", "34567", "anna", "anna*", "smith", "example", "@example.org", "example.org", "a*", "1*",
         '"anna smith"', '"49 170"', "anna.smith@example.or", "smith@example.org", "#*", "phone", "email"],
    )  # fmt: skip
    def test_parts_of_what_is_masked_find_nothing(self, support_client, text):
        say(f"One two {PHONE} three {MAIL} four")
        remember({"role": "user", "content": f"{PHONE} {MAIL}"})
        say_in_chat(f"{MAIL}, {PHONE}")
        response = search(support_client, text)
        assert shown(response) == []

    @pytest.mark.parametrize("sign", ["\u200b", "\u2060", "\u00ad", "\u202e"])
    @pytest.mark.parametrize("text", ["anna*", "smith", "1234567", "170", "12345*", "4567", "ann*", "a*"])
    def test_nor_where_something_unseen_stands_in_it(self, support_client, sign, text):
        say(f"So {PHONE[:9]}{sign}{PHONE[9:]} or {MAIL[:3]}{sign}{MAIL[3:]}")
        assert shown(search(support_client, text)) == []

    def test_snippets_are_masked_before_they_are_cut(self, support_client):
        for n in range(60):
            say(f"refund {'x' * n} {'so ' * 60}{PHONE} {MAIL}", created_at=f"2026-01-01T00:00:{n:02}Z")
        groups = [
            group
            for text in ("refund", "so -no")
            for _, group in search(support_client, text).context["groups"]
        ]
        html = " ".join(hit.snippet for group in groups for hit in group)
        assert "[phone]" in html and "[email]" in html
        for part in ("170", "1234", "4567", "anna", "smith", "example"):
            assert part not in html

    def test_where_a_long_text_is_cut_no_half_number_is_shown(self, support_client, monkeypatch):
        monkeypatch.setattr(hits, "LAST", 50)
        for n in range(1, 15):
            with monkeypatch.context() as patch:
                beginning = f"refund {'so ' * 20}"
                cut = len(beginning) + n
                patch.setattr(hits, "READ", cut)
                for store in ("messages", "legacy"):
                    patch.setitem(hits.TEXTS, store, re.sub(r"\d+\)", f"{cut})", hits.TEXTS[store], count=1))
                IndexedTurn.objects.all().delete(), Conversation.objects.all().delete()
                say(f"{beginning}{PHONE} and so on {'so ' * 100}")
                assert "+49" not in text_of(search(support_client, "refund"))

    def test_a_message_that_is_gone_is_left_out(self, support_client, owner):
        message, other = say("refund"), say("refund")
        line = say_in_chat("refund")
        session = remember({"role": "user", "content": "refund"})
        owner("delete from agent_messages where id = %s", [message.pk])
        owner("delete from chat_messages where id = %s", [line.pk])
        change(session, conversation_history=[])
        assert shown(search(support_client, "refund")) == keys(other)

    def test_what_was_redacted_since_shows_as_it_is_now(self, support_client):
        message = say("refund for Bob")
        change(message, content="refund for [erased]")
        html = text_of(search(support_client, "bob"))
        assert "Bob" not in html and "[erased]" in html

    def test_hostile_content_is_shown_as_text(self, support_client):
        session = make_session(make_agent(make_organization(name=HOSTILE), name=HOSTILE))
        say(f"refund {HOSTILE} javascript:alert(1) https://evil.example/", session)
        html = text_of(search(support_client, "refund"))
        assert "<script" not in html and "&lt;script&gt;" in html
        assert 'href="https://evil' not in html and 'href="javascript' not in html

    @pytest.mark.parametrize(
        "text", [HOSTILE, "'; drop table x --", "a:* & b | !c", "\\", "%s %(x)s", "{0}", "\0x"]
    )
    def test_hostile_queries_are_words(self, support_client, text):
        say("refund")
        search(support_client, text)

    def test_parameters_nobody_offers_are_no_error(self, support_client):
        search(support_client, "refund", channel="\0", role="x" * 500)
        search(support_client, "refund", role="\0")


def by_words(monkeypatch):
    """The way that is taken where few are expected; what the planner expects of next to no rows is anybody's guess."""
    monkeypatch.setattr(find.Search, "plan", lambda self, is_indexed: find.Plan("words", "true", 7))


@pytest.mark.django_db
def test_the_number_of_queries_does_not_grow(support_client, monkeypatch):
    by_words(monkeypatch)

    def queries():
        with CaptureQueriesContext(connection) as captured:
            search(support_client, f"refund -{MAIL}")
        return [query["sql"] for query in captured if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))]

    def one():
        say("refund")
        say_in_chat("refund")
        remember({"role": "user", "content": "refund"})

    one()
    few = queries()
    for _ in range(7):
        one()
    many = queries()
    assert len(few) == len(many) and len(many) <= 18, many
    assert not any(word in query.lower() for query in many for word in (" offset ", "distinct"))


@pytest.mark.django_db
def test_a_page_of_results_is_light(support_client):
    for _ in range(30):
        say("refund " * 100)
    assert len(search(support_client, "refund").content) < 120_000


def test_the_page_has_its_address():
    assert reverse("agents:search") == URL


class TestInABrowser:
    """What HTML alone does not tell."""

    def test_is_used_by_keys_and_leads_to_the_turn(self, live_app):
        with live_app.platform():
            session = make_session()
            said = [
                make_message(session, content=f"refund {n}", created_at=f"2026-01-01T10:00:0{n}Z")
                for n in range(3)
            ]
        with live_app.database.django():
            while index.follow():
                pass
        live_app.login("support")
        page = live_app.page
        page.goto(URL)
        page.fill("#id_q", "refund")
        page.press("#id_q", "Enter")
        page.wait_for_url(re.compile("q=refund"))
        assert page.locator(".said__hit mark").count() == 3
        page.locator("h1").click()
        page.keyboard.press("j")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(rf"turn={said[1].pk}"))
        assert live_app.errors == []

    @pytest.mark.parametrize("width", [390, 1280])
    def test_works_without_javascript_on_every_width(self, live_app, width):
        with live_app.platform():
            make_message(content="refund " + "verylongword" * 30)
        with live_app.database.django():
            while index.follow():
                pass
        page = live_app.new_page(viewport={"width": width, "height": 800}, java_script_enabled=False)
        live_app.login("support", page)
        page.goto(URL)
        page.fill("#id_q", "refund")
        page.get_by_role("button", name="Search", exact=True).last.click()
        expect(page.locator(".said__hit mark")).to_have_count(1)
        box = page.locator("main").bounding_box()
        assert box["x"] + box["width"] <= width
