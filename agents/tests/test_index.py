"""The index of conversations and words follows the three stores, whatever happens to their rows."""

import datetime
import json
import random
import re
import threading
import time
import uuid

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from psycopg.errors import UniqueViolation

from agents.conversations import filling, index, words
from agents.models import ChatMessage, Conversation, IndexedTurn, IndexState, Store
from agents.tests.factories import (
    make_agent,
    make_chat_message,
    make_chat_session,
    make_message,
    make_session,
)
from backoffice.background import alone
from backoffice.testing_crud import set_column
from billing.tests.factories import make_usage
from telephony.tests.factories import make_call
from tenants.tests.factories import change, make_organization

MINUTE = datetime.timedelta(minutes=1)


def sql(statement, *params):
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchall() if cursor.description else []


def build():
    while index.follow():
        pass


def look(minutes=0):
    """The next look at the newest rows, as it is after so many minutes."""
    if minutes:
        sql("update agents_indexstate set caught_up_at = caught_up_at - make_interval(mins => %s)", minutes)
    while index.follow():
        pass


def should_be():
    """(conversations, turns) as the stores have them now, without the index."""
    conversations, turns = {}, {}
    for store in Store:
        ids = [row[0] for row in sql(f"select id from {index.TABLE[store]}")]
        figures = ", ".join(index.FIGURES)
        for row in sql(f"select id, {figures} from {index.SUMMARY[store]}(%s)", ids):
            conversations[store, row[0]] = row[1:]
        for source, key, placed_at, role, content in sql(
            f"select session_id, key, placed_at, left(role, 20), content from {index.TURNS[store]}(%s)", ids
        ):
            row = dict(zip(index.FIGURES, conversations[store, source], strict=True))
            ((lexemes,),) = sql("select %s::tsvector::text", words.vector(content))
            turns[store, source, key] = (
                placed_at, role, row["organization_id"], row["agent_id"], row["channel"], lexemes,
            )  # fmt: skip
    return conversations, turns


def is_now():
    """The same as the index has it."""
    conversations = {
        row[:2]: row[2:]
        for row in sql(f"select store, source_id, {', '.join(index.FIGURES)} from agents_conversation")
    }
    turns = sql(
        """select c.store, c.source_id, i.key, i.at, i.role, i.organization_id, i.agent_id, i.channel, i.words::text
           from agents_indexedturn i left join agents_conversation c on c.id = i.conversation_id"""
    )
    assert len(turns) == len({row[:3] for row in turns}), "a turn stands twice"
    return conversations, {row[:3]: row[3:] for row in turns}


def check():
    wanted, found = should_be(), is_now()
    assert found[0] == wanted[0]
    assert found[1] == wanted[1]


def history(*contents):
    return [{"role": "user", "content": text, "timestamp": "2026-01-01T10:00:00"} for text in contents]


def hits(word):
    return [row[0] for row in sql("select key from agents_indexedturn where words @@ %s::tsquery", word)]


@pytest.fixture
def built(db):
    """An index that holds everything there is, which is nothing."""
    build()


@pytest.mark.django_db
class TestBuilding:
    def test_takes_all_stores(self):
        session = make_session(conversation_history=history("only in the JSON"))
        make_message(session, content="in the table")
        make_chat_message(text="in the old chat")
        make_session(conversation_history="just a text")
        build()
        check()
        assert len(hits("'in'")) == 3 and len(hits("'text'")) == 1

    def test_some_at_a_time_newest_first(self, monkeypatch):
        monkeypatch.setattr(index, "AT_ONCE", 2)
        sessions = [make_session(created_at=f"2026-01-0{day}T00:00:00Z") for day in range(1, 6)]
        make_chat_session(), make_chat_session(), make_chat_session()
        assert index.follow(at_once=2)
        assert set(Conversation.objects.values_list("source_id", flat=True)) == {
            session.pk for session in sessions[3:]
        }
        assert IndexState.objects.get().built_at is None
        build()
        state = IndexState.objects.get()
        assert (state.done, state.total, state.position) == (8, 8, None) and state.built_at
        check()

    @pytest.mark.parametrize("time", ["infinity", "-infinity", "20000-01-01", "0044-03-15 BC", None])
    def test_times_out_of_reach_do_not_stop_it(self, time, owner, monkeypatch):
        make_session()
        for _ in range(5):
            set_column(make_session(), "created_at", time)
        for _ in range(20):
            if not index.follow(at_once=2):
                break
        assert IndexState.objects.get().built_at
        check()

    def test_again_corrects_what_differs_and_only_that(self, built):
        message = make_message(content="right")
        make_message(content="other")
        look()
        before = dict(sql("select key, id from agents_indexedturn"))
        IndexedTurn.objects.filter(key=str(message.pk)).update(words="'wrong'", fingerprint=1)
        Conversation.objects.update(stored=99)
        IndexedTurn.objects.create(
            conversation_id=Conversation.objects.first().pk, key="h7", at="2026-01-01T00:00Z", role="user", fingerprint=1,
            words="'nobody'",
        )  # fmt: skip
        call_command("index_conversations", rebuild=True, processes=1, verbosity=0)
        check()
        after = dict(sql("select key, id from agents_indexedturn"))
        assert [key for key in before if before[key] != after[key]] == [str(message.pk)]

    def test_what_happens_meanwhile_is_not_lost(self, monkeypatch):
        sessions = [make_session(created_at=f"2026-01-0{day}T00:00:00Z") for day in range(1, 4)]
        for _ in range(3):
            index.follow(at_once=1)
            make_message(sessions[2], content="said meanwhile"), make_session()
        build()
        check()
        assert len(hits("'meanwhile'")) == 3

    def test_is_read_again_when_words_are_read_otherwise(self, built, monkeypatch):
        make_message()
        look()
        before = sql("select id from agents_indexedturn")
        IndexState.objects.update(reading=index.READING - 1)
        IndexedTurn.objects.update(fingerprint=1)  # as it was by the other reading
        look()
        check()
        assert sql("select id from agents_indexedturn") != before
        assert IndexState.objects.get().reading == index.READING

    def test_of_an_empty_database_is_built_at_once(self):
        build()
        assert IndexState.objects.get().built_at

    def test_the_status_is_told(self, capsys):
        call_command("index_conversations", status=True)
        assert "0 of about" in capsys.readouterr().out
        build()
        call_command("index_conversations", status=True)
        assert "Built; caught up at" in capsys.readouterr().out


@pytest.mark.django_db
class TestFollowing:
    def test_new_rows_are_found_by_their_time(self, built):
        session = make_session()
        look()
        make_message(session, content="first")
        look()
        make_message(session, content="second")
        make_chat_message(text="third")
        assert not sql("select from transcripts.mark"), "nothing had to be marked"
        look()
        check()
        assert hits("'second'") and hits("'third'")

    @pytest.mark.parametrize("store", list(Store))
    def test_a_look_goes_by_the_indexes_on_times(self, db, store):
        """Not asked of the planner, which in tables next to empty finds any index as good as another."""
        for part in index.SINCE[store].split("union"):
            tables = re.findall(r"public\.(\w+) (\w)\b", part)
            alias, column = re.search(r"coalesce\((\w)\.(\w+), '-infinity'\) >= %\(since\)s", part).groups()
            (table,) = (name for name, short in tables if short == alias)
            indexes = sql("select indexdef from pg_indexes where tablename = %s", table)
            begins = re.compile(rf"USING btree \(COALESCE\(\"?{column}\"?, '-infinity'")
            assert any(begins.search(definition) for (definition,) in indexes), (table, column)

    @pytest.mark.parametrize("store", Store)
    def test_of_a_long_conversation_not_each_turn_is_compared_with_each(self, db, store):
        """Whatever the planner thinks of their number: in one of 20,000 turns nothing could be closed or reviewed."""
        statement = index.CHANGED_TURNS.format(turns=index.TURNS[store])
        with connection.cursor() as cursor:
            cursor.execute(f"explain {statement}", {"store": store.value, "ids": [uuid.uuid4()]})
            plan = "\n".join(row[0] for row in cursor.fetchall())
        assert "WindowAgg" in plan and "Anti Join" not in plan and "Semi Join" not in plan

    def test_a_row_that_was_committed_late_is_found_too(self, built):
        session = make_session()
        look()
        # As if another look had been 50 seconds after it was written, and it was committed only then.
        make_message(session)
        sql("update agents_indexstate set caught_up_at = clock_timestamp() + interval '50 seconds'")
        look()
        check()

    def test_one_that_took_an_hour_is_found_by_the_far_look(self, built):
        session = make_session()
        look()
        message = make_message(session)
        sql(
            "update agents_indexstate set caught_up_at = clock_timestamp() + interval '30 minutes', looked_far_at = null"
        )
        look()
        assert IndexedTurn.objects.filter(key=str(message.pk)).exists()

    @pytest.mark.parametrize(
        "time", ["2020-01-01", "2050-01-01", "infinity", "-infinity", "20000-01-01", None]
    )
    def test_rows_with_another_time_than_now(self, built, time):
        session = make_session()
        look()
        make_message(session, created_at=None, content="x")
        for make, column in ((make_message, "created_at"), (make_chat_message, "timestamp")):
            set_column(make(), column, time)
        look()
        check()
        assert not sql("select from transcripts.mark")

    def test_a_wrong_clock_at_insert(self, built, owner):
        session = make_session()
        look()
        make_message(session, created_at="2020-01-01T00:00:00Z", content="long ago")
        make_message(session, created_at="2050-01-01T00:00:00Z", content="far ahead")
        make_chat_message(timestamp="2020-01-01T00:00:00Z")
        make_usage(session.agent, session=session, created_at="2020-01-01T00:00:00Z", tokens_used=7)
        make_call(
            session.agent.organization, session_ref=session.external_id, created_at="2020-01-01T00:00:00Z"
        )
        look()
        check()
        assert hits("'ago'") and hits("'ahead'")

    def test_changes(self, built):
        message, line = make_message(content="before"), make_chat_message(text="before")
        look()
        change(message, content="after")
        change(line, text="after")
        change(message.session, status="ended", channel="voice")
        look(minutes=120)
        check()
        assert hits("'after'") and not hits("'before'")

    def test_a_message_that_goes_to_another_conversation(self, built):
        message, other = make_message(), make_session()
        look()
        change(message, session=other)
        look(minutes=120)
        check()

    def test_deletions_and_what_goes_with_them(self, built, owner):
        message, line = make_message(), make_chat_message()
        kept = make_message(message.session)
        gone, gone_chat = make_message().session, make_chat_message().session
        look()
        owner("delete from agent_messages where id = %s", [message.pk])
        owner("delete from chat_messages where id = %s", [line.pk])
        owner("delete from agent_sessions where id = %s", [gone.pk])
        owner("delete from chat_sessions where id = %s", [gone_chat.pk])
        look(minutes=120)
        check()
        assert [row.key for row in IndexedTurn.objects.all()] == [str(kept.pk)]

    def test_an_organization_that_is_deleted_takes_its_conversations_along(self, built, owner):
        message = make_message()
        other = make_message()
        look()
        owner("delete from organizations where id = %s", [message.session.agent.organization_id])
        look(minutes=120)
        check()
        assert [row.key for row in IndexedTurn.objects.all()] == [str(other.pk)]

    @pytest.mark.parametrize(
        "tables", ["agent_messages", "agent_sessions cascade", "chat_messages", "chat_sessions cascade"]
    )
    def test_tables_that_are_emptied(self, built, owner, tables):
        make_message(), make_chat_message()
        look()
        owner("set constraints all immediate")
        owner(f"truncate {tables}")
        look(minutes=120)
        check()

    def test_an_agent_that_moves_to_another_tenant(self, built):
        message = make_message()
        chat = make_chat_message(make_chat_session(message.session.agent))
        look()
        organization = make_organization()
        change(message.session.agent, organization=organization)
        look(minutes=120)
        check()
        rows = IndexedTurn.objects.filter(key__in=[str(message.pk), str(chat.pk)])
        assert {row.organization_id for row in rows} == {organization.pk}

    def test_usage_and_calls(self, built, owner):
        session = make_message().session
        look()
        usage = make_usage(session.agent, session=session, tokens_used=5)
        call = make_call(
            session.agent.organization, session_ref=session.external_id, caller_number="+14155550132"
        )
        look()
        check()
        row = Conversation.objects.of(session).get()
        assert (row.tokens, row.call_id, row.caller) == (5, call.pk, "+14155550132")
        change(usage, tokens_used=6)
        change(call, caller_number="+14155550133")
        look(minutes=120)
        check()
        owner("delete from usage_logs"), owner("delete from call_logs")
        look(minutes=120)
        check()
        assert Conversation.objects.of(session).get().call_id is None

    def test_what_it_has_already_is_not_read_again_at_each_look(self, built):
        session = make_message().session
        usage = make_usage(session.agent, session=session, tokens_used=5)
        set_column(usage, "cost_usd", "NaN")
        make_call(session.agent.organization, session_ref=session.external_id)
        make_chat_message()
        look()
        params = {"since": "2000-01-01Z", "until": "2100-01-01Z"}
        with connection.cursor() as cursor:
            for statement in index.SINCE.values():
                cursor.execute(statement, params)
                assert not cursor.fetchall()
            make_usage(session.agent, session=session, tokens_used=1)
            cursor.execute(index.SINCE[Store.SESSION], params)
            assert cursor.fetchall() == [(session.pk,)]

    def test_turns_of_the_json_come_and_go(self, built):
        session = make_session()
        look()
        change(session, conversation_history=history("one", "two"))
        look(minutes=120)
        check()
        assert hits("'two'") == ["h2"]
        make_message(session, role="user", content="two")
        look()
        check()
        assert hits("'two'") != ["h2"], "the row stands for the entry now"
        change(session, conversation_history=None)
        look(minutes=120)
        check()

    def test_twice_changes_nothing(self, built):
        make_message(), make_chat_message(), make_session(conversation_history=history("one"))
        look()
        before = sql("select id, ctid::text from agents_indexedturn order by id")
        for store in Store:
            index.refresh(store, [row[0] for row in sql(f"select id from {index.TABLE[store]}")])
        look(minutes=120)
        assert sql("select id, ctid::text from agents_indexedturn order by id") == before

    def test_what_was_erased_is_gone_when_the_marks_are_taken_up(self, built):
        message = make_message(content="secret anna@example.org and words")
        look()
        mail = words.asked("anna@example.org").as_tsquery()
        assert hits("'secret'") and hits(mail)
        with transaction.atomic():
            change(message, content="[erased]")
            index.forget()
        assert not hits("'secret'") and not hits(mail)
        check()

    def test_the_nightly_comparison_finds_what_nobody_marked(self, built):
        message = make_message(content="before")
        look()
        IndexedTurn.objects.filter(key=str(message.pk)).update(fingerprint=1, words="'stale'")
        look(minutes=120)
        assert hits("'stale'")
        sql("update agents_indexstate set compared_at = now() - interval '21 hours'")
        look()
        check()


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(4))
def test_the_index_equals_the_stores_after_any_changes(seed, owner, built):
    """Random changes by the platform, with a look now and then."""
    world = World(seed, owner)
    for step in range(60):
        world.something_happens()
        if step % 6 == 5:
            look(minutes=world.rng.choice([0, 0, 5]))
    look()
    check()
    assert IndexedTurn.objects.exists()


class World:
    """Sessions, chats and what belongs to them, changed at random."""

    def __init__(self, seed, owner):
        self.rng, self.owner = random.Random(seed), owner
        self.agents = [make_agent(), make_agent()]

    def something_happens(self):
        happening = self.rng.choice(
            [self.begin, self.begin_chat, *[self.say] * 5, *[self.say_in_chat] * 3, self.remember, self.change_line,
             self.change_chat_line, self.end, self.use, self.call, self.delete, self.move, self.late]
        )  # fmt: skip
        happening()

    def any(self, table):
        rows = self.owner(f"select id from {table} order by id")
        return self.rng.choice(rows)[0] if rows else None

    def text(self):
        return " ".join(
            self.rng.choices(["refund", "Größe", "手机号", "+49 170 1234567", "a@example.org", "x"], k=4)
        )

    def begin(self):
        make_session(
            self.rng.choice(self.agents), channel=self.rng.choice(["text", "voice", None, "odd\tone"])
        )

    def begin_chat(self):
        make_chat_session(self.rng.choice(self.agents))

    def say(self):
        if session := self.any("agent_sessions"):
            make_message(
                session_id=session,
                session=None,
                role=self.rng.choice(["user", "assistant"]),
                content=self.text(),
            )

    def say_in_chat(self):
        if session := self.any("chat_sessions"):
            make_chat_message(session_id=session, session=None, text=self.text())

    def remember(self):
        said = self.rng.choice([history(self.text()), history(self.text(), "x"), "odd", None, {}, [1, None]])
        self.owner(
            "update agent_sessions set conversation_history = %s where id = %s",
            [json.dumps(said), self.any("agent_sessions")],
        )

    def change_line(self):
        self.owner(
            "update agent_messages set content = %s where id = %s", [self.text(), self.any("agent_messages")]
        )

    def change_chat_line(self):
        self.owner(
            "update chat_messages set text = %s where id = %s", [self.text(), self.any("chat_messages")]
        )

    def end(self):
        self.owner(
            """update agent_sessions set status = 'ended', ended_at = now(), message_count = message_count + 1,
               last_activity_at = case when %s then clock_timestamp() else last_activity_at end where id = %s""",
            [self.rng.random() < 0.5, self.any("agent_sessions")],
        )

    def use(self):
        if session := self.any("agent_sessions"):
            make_usage(self.rng.choice(self.agents), session_id=session, tokens_used=self.rng.randint(1, 99))

    def call(self):
        rows = self.owner("select session_id from agent_sessions order by id")
        if rows:
            make_call(self.rng.choice(self.agents).organization, session_ref=self.rng.choice(rows)[0])

    def delete(self):
        table = self.rng.choice(
            ["agent_messages", "chat_messages", "agent_sessions", "chat_sessions", "usage_logs", "call_logs"]
        )
        self.owner(f"delete from {table} where id = %s", [self.any(table)])

    def move(self):
        change(self.rng.choice(self.agents), organization=make_organization())

    def late(self):
        time = self.rng.choice(["2020-01-01", "2050-01-01", "infinity", "-infinity", None])
        self.owner(
            "update agent_messages set created_at = %s where id = %s", [time, self.any("agent_messages")]
        )


class TestSeveralProcesses:
    """With real commits, on a database of their own."""

    @pytest.fixture
    def sessions(self, fresh_database):
        with fresh_database.platform():
            sessions = [make_session() for _ in range(6)]
            for session in sessions:
                for _ in range(5):
                    make_message(session)
        return sessions

    def at_once(self, database, *functions):
        """Runs these in threads that begin at the same time; raises what one of them raised."""
        barrier, errors = threading.Barrier(len(functions)), []

        def run(function):
            try:
                barrier.wait(10)
                function()
            except Exception as error:
                errors.append(error)
            finally:
                connection.close()

        with database.django():
            threads = [threading.Thread(target=run, args=(function,)) for function in functions]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(30)
            if errors:
                raise errors[0]

    def test_that_read_the_same_do_not_write_it_twice(self, fresh_database, sessions):
        ids = [session.pk for session in sessions]
        self.at_once(fresh_database, *[lambda: index.refresh(Store.SESSION, ids)] * 3)
        with fresh_database.django():
            check()
            assert IndexedTurn.objects.count() == 30

    def test_that_read_others_beside_one_another(self, fresh_database, sessions):
        ids = [session.pk for session in sessions]
        halves = [ids[:3], ids[3:]]
        self.at_once(
            fresh_database,
            *[lambda half=half: index.refresh(Store.SESSION, half, beside=True) for half in halves],
        )
        with fresh_database.django():
            check()

    def test_only_one_follows(self, fresh_database, sessions):
        with fresh_database.django(), alone(index.FOLLOWER) as mine:
            assert mine
            results = []
            self.at_once(fresh_database, lambda: results.append(index.follow()))
            assert results == [False]
        with fresh_database.django():
            assert not Conversation.objects.exists()

    def test_build_it_together(self, fresh_database, sessions):
        with fresh_database.django():
            call_command("index_conversations", processes=2, verbosity=0)
            check()
            assert filling.indexes()[1] == []
            assert IndexedTurn.objects.count() == 30

    def test_that_fill_it_anew_make_its_indexes_again(self, fresh_database, sessions):
        with fresh_database.django():
            build()
            IndexedTurn.objects.update(words="'wrong'")
            call_command("index_conversations", anew=True, processes=1, verbosity=0)
            check()
            assert filling.indexes()[1] == []

    def test_fill_it_without_its_indexes(self, fresh_database, sessions):
        with fresh_database.django():
            filling.drop_indexes()
            there, missing = filling.indexes()
            assert {index.name for _, index in there} == {
                "conversation_started",
                "turn_at",
                "turn_conversation",
            }
            assert {"turn_words", "conversation_tenant"} <= {index.name for _, index in missing}
            build()
            assert filling.indexes()[1] == []

    def test_may_write_while_an_index_is_made(self, fresh_database, sessions):
        with fresh_database.django():
            build()
        with fresh_database.connect("postgres") as owner, fresh_database.connect() as before:
            owner.execute("drop index turn_words")
            owner.execute("drop index conversation_tenant")
            with pytest.raises(UniqueViolation):  # which leaves it behind, invalid
                owner.execute(
                    "create unique index concurrently conversation_tenant on agents_conversation ((1))"
                )
            with before.transaction():  # it waits for this one
                before.execute("update agents_indexedturn set role = role")
                making = threading.Thread(
                    target=self.at_once, args=[fresh_database, filling.complete_indexes]
                )
                making.start()
                self.until(
                    owner,
                    "select from pg_stat_progress_create_index where phase like 'waiting%' and datname = current_database()",
                )
                with fresh_database.connect() as writer:
                    writer.execute("set lock_timeout = '200ms'")
                    assert writer.execute("update agents_conversation set flags = flags").rowcount == 6
                    writer.execute("insert into agents_indexedturn select * from agents_indexedturn limit 0")
            making.join(30)
        with fresh_database.django():
            assert filling.indexes()[1] == []
            check()

    @staticmethod
    def until(connection, question, seconds=20):
        end = time.monotonic() + seconds
        while connection.execute(question).fetchone() is None:
            assert time.monotonic() < end, question
            time.sleep(0.02)

    def test_an_erasure_waits_for_a_round_and_then_takes_out(self, fresh_database, sessions):
        with fresh_database.django():
            build()
        with fresh_database.platform():
            line = make_chat_message(text="secret")
            ChatMessage.objects.filter(pk=line.pk).update(text="[erased]")
        with fresh_database.django():
            index.forget()
            look()
            check()
            assert not hits("'secret'")


def test_a_key_is_a_uuid_or_the_number_of_an_entry():
    """What agents.conversations.hits tells apart by its first letter."""
    assert not str(uuid.uuid4()).startswith("h")
