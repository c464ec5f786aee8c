"""The guard of the ledger: what role backoffice posts rests on a limit, or on somebody else's approval."""

from decimal import Decimal

import psycopg
import pytest

from .test_ledger import ORG, POST, acting, balance, in_parallel, post, refused  # noqa: F401

DENIED = psycopg.errors.InsufficientPrivilege
RAISED = psycopg.errors.RaiseException


def test_one_posting_above_the_limit_is_refused_and_one_at_it_is_not(acting):  # noqa: F811
    error = refused(acting, Decimal("1000.01"))
    assert "Role Finance may post 1,000.00 credits at once" in str(error)
    assert isinstance(refused(acting, Decimal("-1000.01")), RAISED)
    assert post(acting, 1000)["amount"] == 1000
    assert post(acting, -1000)["amount"] == -1000


@pytest.mark.parametrize("role", ["", "Support", "Manager", "Admin", "finance"])
def test_other_roles_post_nothing_alone(acting, role):  # noqa: F811
    acting.execute("select set_config('credits.role', %s, true)", role)
    refused(acting, Decimal("0.01"))
    assert balance(acting) == 100


def test_splitting_runs_into_the_daily_limit(anyone):
    anyone.execute("update billing.credit_limit set per_posting = 100, per_day = 250 where name = 'Finance'")
    anyone.as_user("backoffice")
    anyone.actor()
    post(anyone, 100)
    post(anyone, -100)
    assert "200.00 were posted" in str(refused(anyone, Decimal("50.01")))
    post(anyone, 50)
    refused(anyone, Decimal("0.01"))
    anyone.actor(name="Bea", actor_id=8)
    assert post(anyone, 100)["amount"] == 100, "the limit is each person's own"


def test_parallel_postings_of_one_person_do_not_pass_the_daily_limit(make):
    database = make("world")
    database.query("update billing.credit_limit set per_posting = 10, per_day = 45 where name = 'Finance'")
    errors, results = in_parallel(
        database, 20, POST.format("%s::uuid, 10, 'top_up', 'x', null, null, %s"), ORG, "form-{n}"
    )
    assert (len(results), len(errors)) == (4, 16)
    assert database.value("select credits_balance from organizations where id = %s", ORG) == 140


@pytest.mark.parametrize("key", ["request:{0}", "bulk:{0}:1", "request:", "bulk:"])
def test_a_key_that_claims_an_approval_needs_one(acting, key):  # noqa: F811
    key = key.format("a0000000-0000-4000-8000-0000000000ff")
    assert isinstance(refused(acting, 5, p_idempotency_key=key), DENIED)
    assert balance(acting) == 100


@pytest.mark.parametrize("key", [None, "settlement:1", "mine"])
def test_settlements_are_posted_by_the_settlement_alone(acting, key):  # noqa: F811
    assert isinstance(refused(acting, -5, kind="settlement", p_idempotency_key=key), DENIED)
    assert balance(acting) == 100


def test_a_posting_without_an_account_is_refused(acting):  # noqa: F811
    acting.execute("select set_config('backoffice.actor_id', '', true)")
    assert isinstance(refused(acting, 5), DENIED)


def test_the_tables_of_money_are_read_and_not_written(acting):  # noqa: F811
    tables = acting.all(
        "select relname from pg_class where relnamespace = 'billing'::regnamespace and relkind = 'r'"
    )
    assert len(tables) >= 10
    for row in tables:
        table = f"billing.{row['relname']}"
        assert acting.attempt(f"select * from {table}") is None
        for statement in (f"delete from {table}", f"truncate {table}", f"drop table {table}"):
            assert isinstance(acting.attempt(statement), DENIED), statement
    assert isinstance(acting.attempt("update billing.credit_limit set name = 'x'"), DENIED)
    assert isinstance(
        acting.attempt("insert into billing.credit_limit (name, per_posting, per_day) values ('x', 1, 1)"),
        DENIED,
    )


def test_a_changed_limit_leaves_an_audit_entry(acting):  # noqa: F811
    acting.execute("update billing.credit_limit set per_posting = 5 where name = 'Finance'")
    entry = acting.one("select * from audit.event where table_name = 'billing.credit_limit'")
    assert (entry["row_label"], entry["actor"], entry["new"]) == (
        "Finance",
        "Ada Lovelace",
        {"per_posting": 5.00},
    )
