"""Adopting a change from outside: what the database itself refuses."""

import psycopg
import pytest

from .test_ledger import ORG, last, post

DENIED = psycopg.errors.InsufficientPrivilege
ADOPT = "select billing.adopt_change(%s, %s, %s)"


@pytest.fixture
def change(anyone):
    """(session as backoffice with an actor, id of a change that the runtime made)."""
    anyone.execute("update organizations set credits_balance = credits_balance - 3 where id = %s", ORG)
    pk = last(anyone)["id"]
    anyone.as_user("backoffice")
    anyone.actor()
    return anyone, pk


def test_it_keeps_who_why_and_whose_and_leaves_an_entry(change):
    session, pk = change
    adoption = session.one(ADOPT, pk, "  The runtime deducts  ", " ")
    row = session.one("select * from billing.adoption where id = %s", adoption)
    assert (row["transaction_id"], str(row["organization_id"]), row["organization_name"]) == (
        pk,
        ORG,
        "Alice Ltd",
    )
    assert (row["reason"], row["reference"]) == ("The runtime deducts", None)
    assert (row["actor"], row["actor_id"]) == ("Ada Lovelace", 7)
    event = session.one("select * from audit.event order by id desc limit 1")
    assert (event["table_name"], event["action"], str(event["organization_id"])) == (
        "billing.adoption",
        "insert",
        ORG,
    )


@pytest.mark.parametrize("reason", [None, "", "  "])
def test_it_needs_a_reason(change, reason):
    session, pk = change
    assert "needs a reason" in str(session.attempt(ADOPT, pk, reason, None))


@pytest.mark.parametrize("setting", ["backoffice.actor", "backoffice.actor_id", "backoffice.reason"])
def test_it_needs_an_actor_with_an_account(change, setting):
    session, pk = change
    session.execute("select set_config(%s, '', true)", setting)
    assert isinstance(session.attempt(ADOPT, pk, "r", None), DENIED)


def test_only_what_came_from_outside_is_adopted_and_once(change):
    session, pk = change
    own = post(session, 5)["id"]
    assert "did not come from outside" in str(session.attempt(ADOPT, own, "r", None))
    assert "no such posting" in str(session.attempt(ADOPT, 10**15, "r", None))
    assert "no such posting" in str(session.attempt(ADOPT, None, "r", None))
    session.execute(ADOPT, pk, "first", None)
    assert "Ada Lovelace stands for posting" in str(session.attempt(ADOPT, pk, "second", None))


def test_the_role_writes_no_adoption_by_itself(change):
    session, pk = change
    session.execute(ADOPT, pk, "r", None)
    for statement in (
        "update billing.adoption set reason = 'x'",
        "delete from billing.adoption",
        "insert into billing.adoption (transaction_id, organization_id, organization_name, reason, actor)"
        " select id, organization_id, '', 'r', 'a' from credit_transactions limit 1",
    ):
        assert isinstance(session.attempt(statement), DENIED), statement


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
def test_nobody_else_may_call_it(anyone, role):
    anyone.as_user(role)
    assert isinstance(anyone.attempt(ADOPT, 1, "r", None), DENIED)
