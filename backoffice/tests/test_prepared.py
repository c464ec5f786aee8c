"""Statements that are planned once per connection."""

import pytest
from django.db import connection

NAMED = "select name from test_prepared where name = %s"
PLANS = (
    "select count(*), sum(generic_plans + custom_plans) from pg_prepared_statements where statement like %s"
)


@pytest.fixture
def two(db):
    """Two connections outside of the test's transaction, and a table that both see."""
    two = connection.copy(), connection.copy()
    run(two[0], "create table test_prepared (name varchar(9))")
    run(two[0], "insert into test_prepared values ('one')")
    yield two
    run(two[0], "drop table test_prepared")
    for each in two:
        each.close()


def run(own, statement):
    with own.cursor() as cursor:
        cursor.execute(statement)


def ask(own, statement, *params):
    with own.prepared_cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchall()


def test_a_statement_is_planned_once_and_answers_each_time(two):
    assert [ask(two[0], NAMED, name) for name in ("one", "two", "one")] == [[("one",)], [], [("one",)]]
    assert ask(two[0], PLANS, "select name from test_prepared%") == [(1, 3)]


def test_other_cursors_plan_nothing(two):
    for _ in range(2):
        run(two[1], NAMED.replace("%s", "'one'"))
    with two[1].cursor() as cursor:
        cursor.execute("select count(*) from pg_prepared_statements")
        assert cursor.fetchone() == (0,)


def test_it_answers_after_a_column_has_got_another_type(two):
    one, other = two
    assert ask(one, NAMED, "one") == [("one",)]
    run(other, "alter table test_prepared alter name type text")
    run(other, "insert into test_prepared values ('longer than nine')")
    assert ask(one, NAMED, "longer than nine") == [("longer than nine",)]
    assert ask(one, NAMED, "one") == [("one",)]


def test_the_log_of_queries_has_its_text(two):
    two[0].force_debug_cursor = True
    ask(two[0], NAMED, "it's")
    ask(two[0], NAMED, "it's")
    assert {query["sql"] for query in two[0].queries_log} >= {
        "select name from test_prepared where name = 'it''s'"
    }


def test_several_are_asked_in_one_go_and_also_after_a_column_has_got_another_type(two):
    one, other = two
    reads = [(NAMED, ["one"]), ("select count(*) from test_prepared", ())]
    assert one.read_together(reads) == [[("one",)], [(1,)]]
    run(other, "alter table test_prepared alter name type text")
    assert one.read_together(reads) == [[("one",)], [(1,)]]
    assert one.read_together([]) == []


def test_a_connection_keeps_the_plans_of_more_pages_than_there_are(two):
    for n in range(150):
        ask(two[0], f"select {n} where %s::int = 1", 1)
    assert ask(two[0], PLANS, "select % where $1::int = 1%")[0][0] == 150
