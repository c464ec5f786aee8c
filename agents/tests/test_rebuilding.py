"""The search tables and the figures are exact while everything is read again, and no writer of the platform waits."""

import random

import pytest
from django.core.management import call_command
from django.db import connection

from agents.conversations import index
from agents.models import IndexedTurn, IndexState
from agents.tests import test_index
from agents.tests.factories import make_agent, make_message, make_session
from backoffice.figure_models import Figure, FigureState
from backoffice.figures import follow
from backoffice.tests import test_figures
from billing.tests.factories import make_usage
from telephony.tests.factories import make_call

WRITES = (
    "insert into agent_messages (session_id, role, content) select id, 'user', 'said meanwhile' from agent_sessions",
    "insert into usage_logs (agent_id, organization_id, tokens_used) select id, organization_id, 7 from agents",
    "update agent_messages set latency_ms = coalesce(latency_ms, 0) + 1",
    "update agent_sessions set message_count = message_count + 1, last_activity_at = clock_timestamp()",
    "update call_logs set duration_seconds = coalesce(duration_seconds, 0) + 1",
    "update organizations set credits_balance = credits_balance - 1",
    "delete from agent_messages where id = (select max(id::text)::uuid from agent_messages)",
    "delete from usage_logs where id = (select max(id::text)::uuid from usage_logs)",
)


@pytest.mark.django_db
@pytest.mark.parametrize("anew", [False, True], ids=["compared", "anew"])
def test_all_is_exact_when_rows_change_while_everything_is_read_again(owner, monkeypatch, anew):
    monkeypatch.setattr(follow, "DAYS_AT_ONCE", 1)
    world = test_index.World(7, owner)
    chance, agents = random.Random(7), [make_agent(), make_agent()]
    test_figures.look()
    rounds = 0
    for step in range(36):
        world.something_happens()
        test_figures.fill(chance, agents)
        if step == 12:
            begin(anew)
        if step >= 12 and step % 2 == 0:
            index.follow(at_once=1)
            follow.follow()
            rounds += is_at_it()
    assert rounds > 2, "it was over before the rows changed"
    test_figures.look()
    assert not is_at_it()
    test_index.check()
    test_figures.check()


def begin(anew):
    """As the commands begin to read everything again."""
    if anew:
        IndexedTurn.objects.all().delete()
    index.begin_comparison(anew)
    for source in follow.SOURCES:
        follow.begin_comparison(source, anew=anew)


def is_at_it():
    return (
        IndexState.objects.get().position is not None and FigureState.objects.exclude(position=None).exists()
    )


class TestNoWriterWaits:
    """On a database of their own, where commits are real."""

    @pytest.fixture
    def database(self, fresh_database):
        with fresh_database.platform():
            for _ in range(3):
                message = make_message(make_session(), latency_ms=5)
                make_usage(message.session.agent, session=message.session)
                make_call(message.session.agent.organization, session_ref=message.session.external_id)
        with fresh_database.django():
            test_figures.look()
        return fresh_database

    @pytest.mark.parametrize(
        ("command", "options", "wrong"),
        [
            ("index_conversations", {"rebuild": True, "processes": 1}, (IndexedTurn, {"fingerprint": 1})),
            ("index_conversations", {"anew": True, "processes": 1}, (IndexedTurn, {"fingerprint": 1})),
            ("refresh_figures", {"rebuild": True}, (Figure, {"quantity": 99})),
        ],
        ids=["rebuild-index", "index-anew", "rebuild-figures"],
    )
    def test_while_everything_is_read_again(self, database, command, options, wrong):
        """After each statement of the command another connection writes to every table that it reads."""
        locks, written = set(), []
        with database.connect("postgres") as writer, database.connect("postgres") as looker:
            writer.execute("set lock_timeout = '500ms'")

            def beside(execute, sql, params, many, context):
                result = execute(sql, params, many, context)
                pid = connection.connection.info.backend_pid
                locks.update(
                    (row["name"], row["mode"])
                    for row in looker.execute(
                        """select relname as name, mode from pg_locks l join pg_class c on c.oid = l.relation
                           where pid = %s and relnamespace = 'public'::regnamespace""",
                        [pid],
                    )
                )
                assert len(written) < 2000, "it does not come to an end while somebody writes"
                if connection.in_atomic_block:  # its locks are held until the end of the transaction
                    statement = WRITES[len(written) % len(WRITES)]
                    written.append(writer.execute(statement).rowcount)
                return result

            with database.django():
                wrong[0].objects.update(**wrong[1])
                with connection.execute_wrapper(beside):
                    call_command(command, verbosity=0, **options)
                test_figures.look()
                test_index.check()
                test_figures.check()
        assert sum(written) > len(WRITES), "nobody wrote meanwhile"
        assert {mode for _, mode in locks} == {"AccessShareLock"}, locks
