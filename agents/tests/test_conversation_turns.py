"""Turns of a conversation: their order and numbers, their pieces, where they come from, how their text is shown."""

import re

import pytest
from django.utils.html import strip_tags

from agents.conversations import shown, transcript
from agents.conversations.in_page import Needle
from agents.tests.factories import make_chat_message, make_chat_session, make_message, make_session
from agents.tests.test_conversation import check_page, htmx, open_page, part
from backoffice.testing_crud import set_column
from tenants.tests.factories import change


def entry(content, role="user", at="2026-01-01T10:00:00"):
    return {"role": role, "content": content, "timestamp": at}


def contents(record):
    return [turn.content for turn in transcript.every(record)]


def numbers(response):
    return [bubble["number"] for bubble in response.context["bubbles"]]


class TestOrder:
    def test_turns_are_in_the_order_they_were_said(self, db):
        session = make_session()
        times = ["2026-01-01T10:00:02Z", None, "2026-01-01T10:00:01Z", "infinity"]
        for n, at in enumerate(times):
            set_column(make_message(session, content=f"line {n}"), "created_at", at)
        assert contents(session) == ["line 1", "line 2", "line 0", "line 3"]
        assert [turn.number for turn in transcript.every(session)] == [1, 2, 3, 4]

    def test_entries_of_the_json_stand_where_they_were_said(self, db):
        session = make_session(
            conversation_history=[
                entry("first", at="2026-01-01T10:00:00"),
                entry("without a time", at=None),
                entry("of the table", at="2026-01-01T10:00:05"),
                entry("last", "assistant", at="2026-01-01T10:00:09.500000"),
            ]
        )
        make_message(session, content="of the table", created_at="2026-01-01T10:00:05Z")
        assert contents(session) == ["first", "without a time", "of the table", "last"]
        assert [turn.key for turn in transcript.every(session)][:2] == ["h1", "h2"]

    def test_the_same_said_three_times_in_the_json_and_twice_in_the_table_is_three_turns(self, db):
        session = make_session(conversation_history=[entry("Yes") for _ in range(3)])
        for _ in range(2):
            make_message(session, content="Yes", created_at="2026-01-01T10:00:00Z")
        assert contents(session) == ["Yes"] * 3
        assert [turn.source for turn in transcript.every(session)].count("history") == 1

    @pytest.mark.parametrize("asked", ["", "3", "h2", "nothing"])
    def test_a_long_conversation_is_read_as_a_short_one_is(self, db, asked):
        history = [entry(f"of the JSON {n}", at=f"2026-01-01T10:00:0{n}") for n in range(3)]
        session = make_session(conversation_history=[*history, {"role": "tool", "content": {"a": [1]}}])
        for n in range(3):
            make_message(session, content=f"row {n}", created_at=f"2026-01-01T10:00:0{n}.5Z", tokens_used=n)
        session.message_count = 3
        short = transcript.read(session, asked, before=1, size=4)
        session.message_count = transcript.LONG + 1
        assert transcript.read(session, asked, before=1, size=4) == short
        assert len(short[1].turns) == 4

    def test_the_same_said_by_another_is_another_turn(self, db):
        session = make_session(conversation_history=[entry("Yes", "assistant"), entry("Yes", "model")])
        make_message(session, content="Yes", role="user")
        assert len(contents(session)) == 3

    @pytest.mark.parametrize(
        ("written", "read"),
        [
            ("2026-01-01T10:00:00.120000", "2026-01-01T10:00:00.120000+00:00"),
            ("2026-01-31T10:00:00", "2026-01-31T10:00:00+00:00"),
            ("2026-01-01T10:00:00+02:00", "2026-01-01T08:00:00+00:00"),
            ("2026-01-01 10:00", "2026-01-01T10:00:00+00:00"),
            ("2026-02-30T10:00:00", None),
            ("2026-13-01T10:00:00", None),
            ("2026-01-01T24:30:00", None),
            ("0000-01-01T00:00:00", None),
            ("yesterday", None),
        ],
    )
    def test_times_of_the_json_are_utc_unless_they_say_otherwise(self, db, written, read):
        (turn,) = transcript.every(make_session(conversation_history=[entry("x", at=written)]))
        assert (turn.at and turn.at.isoformat()) == read

    def test_a_legacy_chat_reads_the_same(self, db):
        chat = make_chat_session()
        make_chat_message(chat, text="Hi", timestamp="2026-01-01T10:00:00Z")
        make_chat_message(chat, text="Hello", role="model", timestamp="2026-01-01T10:00:00Z")
        assert [(turn.role, turn.content, turn.source) for turn in transcript.every(chat)] == [
            ("user", "Hi", "legacy"),
            ("assistant", "Hello", "legacy"),
        ]


class TestPieces:
    @pytest.fixture
    def long(self, db, monkeypatch):
        monkeypatch.setattr(transcript, "PIECE", 4)
        monkeypatch.setattr(transcript.read, "__kwdefaults__", {"before": 1, "size": 4, "after": False})
        session = make_session()
        for n in range(1, 12):
            make_message(session, content=f"line {n}", created_at=f"2026-01-01T10:00:{n:02}Z")
        return session

    def test_they_lead_on_and_miss_nothing(self, support_client, long):
        response = open_page(support_client, long)
        seen, later = numbers(response), response.context["later"]
        while later:
            response = htmx(support_client, later["piece_url"])
            seen += numbers(response)
            later = response.context["later"]
        assert seen == list(range(1, 12))

    def test_they_lead_back_and_miss_nothing(self, support_client, long):
        response = open_page(support_client, long, "?turn=11")
        seen, earlier = numbers(response), response.context["earlier"]
        while earlier:
            response = htmx(support_client, earlier["piece_url"])
            seen = numbers(response) + seen
            earlier = response.context["earlier"]
        assert seen == list(range(1, 12))

    def test_without_javascript_they_are_pages(self, support_client, long):
        response = open_page(support_client, long)
        seen = numbers(response)
        while response.context.get("later"):
            url = response.context["later"]["page_url"]
            assert url in response.content.decode().replace("&amp;", "&")
            response = support_client.get(url)
            seen += [number for number in numbers(response) if number not in seen]
        assert seen == list(range(1, 12))

    def test_a_link_opens_the_piece_around_its_turn(self, support_client, long):
        response = open_page(support_client, long, "?turn=6")
        assert numbers(response) == [5, 6, 7, 8]
        assert response.context["earlier"]["first"] == 1 and response.context["later"]["first"] == 9
        assert numbers(open_page(support_client, long, "?turn=1")) == [1, 2, 3, 4]

    def test_find_jumps_to_places_that_are_not_on_the_page(self, support_client, long):
        response = open_page(support_client, long, "?q=LINE+1")
        assert len(response.context["hits"]) == 3 and numbers(response) == [1, 2, 3, 4]
        assert response.content.decode().count("<mark") == 1
        response = open_page(support_client, long, "?q=LINE+1&hit=3")
        assert 11 in numbers(response)
        html = response.content.decode()
        assert "<strong data-hit-number>3</strong> of 3" in html
        assert re.search(r'id="hit" aria-current="true">line 1</mark>1', html)
        key = response.context["hits"].places[1][0]
        step = open_page(support_client, long, f"?q=line+1&turn={key}&nth=0")
        assert '<mark id="hit" aria-current="true">line 1</mark>0' in step.content.decode()
        assert step.context["hits"] is None, "the page knows them already"

    def test_further_pieces_are_marked_too(self, support_client, long):
        for query, mark in (("?q=line", ">line</mark> 5"), ("?find=line", "<mark>line</mark> 5")):
            response = open_page(support_client, long, query)
            assert mark in htmx(support_client, response.context["later"]["piece_url"]).content.decode()

    @pytest.mark.parametrize(
        "bounds", ["", "?first=0&last=3", "?first=5&last=4", "?first=1&last=99999", "?first=x"]
    )
    def test_odd_bounds_lead_to_the_page(self, support_client, long, bounds):
        assert htmx(support_client, part(long, "turns") + bounds).status_code == 302


class TestWhere:
    def sentence(self, client, session):
        response = open_page(client, session)
        html = response.content.decode()
        found = re.search(r'<dl class="glance" id="totals".*?</dl>', html, re.S)[0]
        return " ".join(strip_tags(found.replace("<", " <")).split())

    def test_what_stands_in_the_json_alone_is_counted_and_marked(self, support_client):
        session = make_session(conversation_history=[entry(f"line {n}") for n in range(14)], message_count=20)
        for n in range(12):
            make_message(session, content=f"line {n}")
        words = self.sentence(support_client, session)
        assert "JSON has 14 turns, the message table has 12; the 2 missing ones are shown, marked." in words
        assert "14 of 20 messages stored" in words
        assert open_page(support_client, session).content.decode().count(">only in JSON<") == 2

    def test_one_store_alone_is_named(self, support_client):
        session = make_session(conversation_history=[entry("x")], message_count=1)
        assert "Session's JSON The message table has none of it. 1 of 1 message stored" in self.sentence(
            support_client, session
        )
        assert ">only in JSON<" not in open_page(support_client, session).content.decode()
        session = make_session(message_count=None)
        make_message(session)
        words = self.sentence(support_client, session)
        assert "Message table JSON has none of it." in words and "stored" not in words
        chat = make_chat_message().session
        assert "Legacy chat" in self.sentence(support_client, chat)

    def test_measures_are_shown_per_turn_and_in_total(self, support_client):
        session = make_session(started_at="2026-01-01T10:00:00Z")
        for n, latency in enumerate((100, 640, 5000)):
            make_message(
                session,
                role="assistant",
                content="Yes",
                latency_ms=latency,
                tokens_used=12,
                model_used="gpt-4o",
                created_at=f"2026-01-01T10:00:4{n}Z",
            )
        html = check_page(open_page(support_client, session))
        assert "640 ms" in html and "12 tokens" in html and "gpt-4o" in html and "+00:42" in html
        words = self.sentence(support_client, session)
        assert "Turns 3 Length 0:02 Tokens of its turns 36 Latency, p50 and p95 640 ms · 5.0 s" in words

    def test_recordings_play_through_our_address_only(self, support_client, settings):
        settings.MEDIA_HOSTS = ["https://media.example"]
        session = make_session()
        played = make_message(session, audio_url="https://media.example/a.wav")
        for url in ("https://evil.example/b.wav", "//evil.example/c.wav", "javascript:alert(1)"):
            make_message(session, audio_url=url)
        html = check_page(open_page(support_client, session))
        assert re.findall(r'<audio[^>]* src="([^"]+)"', html) == [f"{played.get_absolute_url()}recording/"]
        assert "evil.example" not in html


def text_of(content, **how):
    return shown.text_of(content, **how)[0]


class TestText:
    def test_json_is_laid_out_as_it_was_written(self):
        text, is_json = shown.text_of('{"b":[1.50,{}, []],"a":"x\\u00e9","a":null}')
        assert is_json
        assert text == '{\n  "b": [\n    1.50,\n    {},\n    []\n  ],\n  "a": "xé",\n  "a": null\n}'

    @pytest.mark.parametrize(
        "content",
        [
            "{no json}",
            "[1 2]",
            '{"a":1',
            "plain",
            "{}{}",
            '["\\ud800"]',
            "[" * 3000 + "]" * 3000,
            '"text"',
            "7",
        ],
        ids=lambda content: content[:9],
    )
    def test_what_is_no_json_or_cannot_be_read_stays_as_it_is(self, content):
        text = text_of(content)
        assert text == content or "\\ud800" in text

    def test_deep_levels_do_not_grow_the_text(self):
        content = "[" * 400 + "]" * 400
        assert len(text_of(content)) < 3 * len(content)

    def test_fences_are_code(self):
        text = "Try\n```python\nprint('```')\n```\nor\n~~~\n<b>\n~~~\nand ```not this``` one\n````\nopen"
        assert [(kind, text[a:b], name) for kind, a, b, name in shown.stretches(text)] == [
            ("text", "Try\n", ""),
            ("code", "print('```')\n", "python"),
            ("text", "or\n", ""),
            ("code", "<b>\n", ""),
            ("text", "and ```not this``` one\n", ""),
            ("code", "open", ""),
        ]

    @pytest.mark.parametrize(
        "piece", ["```\n", "~~~~\n```", "` " * 50 + "\n", "``` " + " " * 500 + "x y\n", "\n"]
    )
    def test_any_fences_are_read_in_time(self, piece):
        shown.stretches(piece * (1_000_000 // len(piece)))

    def test_code_and_json_are_shown_as_such_and_escaped(self, support_client):
        session = make_session()
        make_message(session, content='{"a": "<b>"}')
        make_message(session, content="```html\n<i>x</i>\n```")
        html = check_page(open_page(support_client, session))
        assert 'aria-label="JSON" role="group">{\n  &quot;a&quot;: &quot;&lt;b&gt;&quot;\n}</pre>' in html
        assert 'aria-label="Code, html" role="group">&lt;i&gt;x&lt;/i&gt;\n</pre>' in html

    def test_marks_may_go_across_text_and_code(self):
        text = shown.Shown("one two\n```\ntwo\n```\n")
        parts = text.parts(Needle("two").spans(text.text), current=1)
        assert [str(one.html) for one in parts] == [
            "one <mark>two</mark>\n",
            '<mark id="hit" aria-current="true">two</mark>\n',
        ]


class TestNeedle:
    @pytest.mark.parametrize(
        ("typed", "text", "found"),
        [
            ("CAFE", "le Café noir", ["Café"]),
            ("café", "CAFE\u0301 cafe", ["CAFE\u0301", "cafe"]),
            ("strasse", "Straße", ["Straße"]),
            ("部分", "一部分分", ["部分"]),
            ("مدرسه", "مدرسه", ["مدرسه"]),
            ("parcel", "par\u200bcel", ["par\u200bcel"]),
            ("a  b", "a\n b a b", ["a\n b", "a b"]),
            ("[phone]", "call [phone]", ["[phone]"]),
            (".*", "a.*b", [".*"]),
            ("aa", "aaaa", ["aa", "aa"]),
            ("x", "", []),
        ],
    )
    def test_it_finds(self, typed, text, found):
        assert [text[start:end] for start, end in Needle(typed).spans(text)] == found

    @pytest.mark.parametrize("typed", ["", "  ", "\u200b", "\0"])
    def test_nothing_is_nothing(self, typed):
        assert not Needle(typed)


def test_a_turn_that_changed_its_place_keeps_its_key(support_client):
    session = make_session()
    late = make_message(session, created_at="2026-01-01T10:00:02Z")
    make_message(session, created_at="2026-01-01T10:00:01Z")
    change(late, created_at="2026-01-01T10:00:00Z")
    (target,) = [
        b for b in open_page(support_client, session, f"?turn={late.pk}").context["bubbles"] if b["is_target"]
    ]
    assert target["number"] == 1
