"""Closing a month, on every version of PostgreSQL that is supported: once, in order, whatever happens at the same time."""

import hashlib
import threading
from decimal import Decimal

import psycopg
import pytest

from .test_ledger import ORG

CLOSE = "select (billing.close_month(%s, date '{month}')).sha256"
RAISED = psycopg.errors.RaiseException


@pytest.fixture
def old(anyone):
    """A tenant of some months ago with postings, seen by the role of the back office, with an actor."""
    anyone.execute("update public.organizations set created_at = '2025-01-01' where id = %s", ORG)
    insert(anyone, "5.00", "2025-09-01 00:00+00")
    anyone.as_user("backoffice")
    anyone.actor()
    return anyone


def insert(session, amount, at):
    session.execute(
        "insert into public.credit_transactions (organization_id, organization_name, amount, balance_after, kind, reason,"
        " actor, db_role, created_at) values (%s, 'Alice Ltd', %s, 0, 'top_up', 'r', 'x', 'postgres', %s)",
        ORG, amount, at,
    )  # fmt: skip


def test_the_fingerprint_is_that_of_the_content(old):
    sha256 = old.one(CLOSE.format(month="2025-09-01"), ORG)
    row = old.one("select * from billing.statement")
    assert (row["opening"], row["closing"], row["sha256"]) == (0, Decimal("5.00"), sha256)
    assert hashlib.sha256(row["content"].encode()).hexdigest() == sha256
    assert old.one("select billing.statement_content(%s, '2025-09-01')", ORG) == row["content"]
    assert old.one(CLOSE.format(month="2025-09-01"), ORG) == sha256


@pytest.mark.parametrize("month", ["2025-09-02", "infinity", "-infinity", "2999-01-01", "2024-12-01"])
def test_a_month_that_cannot_be_closed_is_refused_with_a_sentence(old, month):
    with pytest.raises(RAISED):
        old.execute(CLOSE.format(month=month), ORG)


def test_nobody_writes_a_statement_but_by_closing(old):
    for statement in (
        "insert into billing.statement (organization_id) values (gen_random_uuid())",
        "select billing.closed_month_changes(gen_random_uuid(), '2025-09-01')",
    ):
        assert isinstance(old.attempt(statement), psycopg.errors.InsufficientPrivilege)


def test_closing_waits_for_a_posting_that_is_under_way(make):
    """So ids of an organization's postings follow their commits, by which what comes late is told."""
    database = make("world")
    database.query("update organizations set created_at = '2025-01-01' where id = %s", ORG)
    with database.session("backoffice") as posting, database.session("backoffice") as closing:
        for session in (posting, closing):
            session.actor()
        posting.execute("select set_config('credits.role', 'Finance', true)")
        number = posting.one("select (public.post_credit(%s, 1, 'top_up', 'r')).id", ORG)
        made = []
        thread = threading.Thread(
            target=lambda: made.append(
                closing.one("select (billing.close_month(%s, '2025-09-01')).last_posting", ORG)
            )
        )
        thread.start()
        thread.join(0.5)
        assert thread.is_alive() and not made
        posting.connection.commit()
        thread.join(20)
        assert made == [number]
