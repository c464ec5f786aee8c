"""Statements that are planned once per connection."""

import pytest
from django.db import connection

NAMED = "select name from pg_temp.box where name = %s"
PLANS = (
    "select count(*), sum(generic_plans + custom_plans) from pg_prepared_statements where statement like %s"
)


@pytest.fixture
def own(db):
    """A connection outside of the test's transaction, with a table of its own."""
    own = connection.copy()
    with own.cursor() as cursor:
        cursor.execute("create temporary table box (name varchar(5))")
        cursor.execute("insert into box values ('one')")
    yield own
    own.close()


def ask(own, statement, *params):
    with own.prepared_cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchall()


def test_a_statement_is_planned_once_and_answers_each_time(own):
    assert [ask(own, NAMED, name) for name in ("one", "two", "one")] == [[("one",)], [], [("one",)]]
    with own.cursor() as cursor:
        cursor.execute(PLANS, ["select name from pg_temp.box%"])
        assert cursor.fetchone() == (1, 3)


def test_other_cursors_plan_nothing(own):
    with own.cursor() as cursor:
        cursor.execute(NAMED, ["one"])
        cursor.execute(NAMED, ["one"])
        cursor.execute("select count(*) from pg_prepared_statements")
        assert cursor.fetchone() == (0,)


def test_it_answers_after_a_column_has_got_another_type(own):
    assert ask(own, NAMED, "one") == [("one",)]
    with own.cursor() as cursor:
        cursor.execute("alter table box alter name type text")
        cursor.execute("insert into box values ('longer')")
    assert ask(own, NAMED, "longer") == [("longer",)]
    assert ask(own, NAMED, "one") == [("one",)]


def test_the_log_of_queries_has_its_text(own):
    own.force_debug_cursor = True
    ask(own, NAMED, "it's")
    ask(own, NAMED, "it's")
    assert {query["sql"] for query in own.queries_log} == {
        "select name from pg_temp.box where name = 'it''s'"
    }
