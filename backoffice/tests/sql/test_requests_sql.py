"""Requests and approvals as the database holds them: nobody's own, once, in time, bound to what was asked for."""

import threading
from decimal import Decimal

import psycopg
import pytest

from .test_ledger import BOBS, ORG, acting, balance, count, post, refused  # noqa: F401

RAISED = psycopg.errors.RaiseException
DENIED = psycopg.errors.InsufficientPrivilege
ASK = "select billing.request_credit(%s, %s, %s, %s, null, null, %s, %s, %s)"
DECIDE = "select billing.decide_request(%s, %s, %s)"


def ask(
    session, amount=5000, kind="top_up", reason="because", organization=ORG, key=None, reverses=None, days=7
):
    return session.one(ASK, organization, amount, kind, reason, key, reverses, days)


def ask_refused(session, **given):
    values = {"amount": 5000, "kind": "top_up", "reason": "because", "organization": ORG, "key": None}
    values = {**values, "reverses": None, "days": 7, **given}
    order = ("organization", "amount", "kind", "reason", "key", "reverses", "days")
    error = session.attempt(ASK, *(values[name] for name in order))
    assert error is not None
    return error


def bea(session):
    session.actor(name="Bea", actor_id=8, reason="Checked")


def row(session, request):
    return session.one("select * from billing.credit_request where id = %s", request)


def test_asking_changes_no_balance_and_approving_does_once(acting):  # noqa: F811
    request = ask(acting)
    assert balance(acting) == 100
    bea(acting)
    transaction = acting.one(DECIDE, request, True, None)
    assert balance(acting) == 5100
    found = row(acting, request)
    assert (found["status"], found["decided_by"], found["transaction_id"]) == ("approved", 8, transaction)
    ledger = acting.one("select * from public.credit_transactions where id = %s", transaction)
    assert (ledger["actor"], ledger["actor_id"], ledger["reason"]) == ("Bea", 8, "because")
    assert ledger["idempotency_key"] == f"request:{request}"
    assert "already approved by Bea" in str(acting.attempt(DECIDE, request, True, None))
    assert isinstance(refused(acting, 5000, p_idempotency_key=f"request:{request}", reason="other"), RAISED)
    again = post(acting, 5000, p_idempotency_key=f"request:{request}")
    assert again["id"] == transaction and balance(acting) == 5100, "the key gives the posting that it made"


@pytest.mark.parametrize("approve", [True, False])
def test_nobody_decides_about_their_own(acting, approve):  # noqa: F811
    request = ask(acting)
    acting.actor(name="The same account under another name")
    assert "of their own" in str(acting.attempt(DECIDE, request, approve, "x"))
    assert row(acting, request)["status"] == "pending" and balance(acting) == 100


@pytest.mark.parametrize("setting", ["actor", "actor_id", "reason"])
def test_deciding_needs_an_actor_with_an_account_and_a_reason(acting, setting):  # noqa: F811
    request = ask(acting)
    bea(acting)
    acting.execute("select set_config(%s, '', true)", f"backoffice.{setting}")
    for statement, *values in (
        (DECIDE, request, True, "x"),
        (ASK, ORG, 5000, "top_up", "x", None, None, 7),
        ("select billing.withdraw_request(%s, 'x')", request),
    ):
        assert isinstance(acting.attempt(statement, *values), DENIED)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"amount": 0}, "other than zero"),
        ({"amount": None}, "other than zero"),
        ({"amount": Decimal("NaN")}, "other than zero"),
        ({"amount": Decimal("0.001")}, "more than two decimal places"),
        ({"amount": Decimal("100000000")}, "under 100,000,000"),
        ({"amount": Decimal("99999900.00")}, "under 100,000,000"),
        ({"reason": " "}, "needs a reason"),
        ({"reason": None}, "needs a reason"),
        ({"kind": "settlement"}, "settlement of a day alone"),
        ({"kind": "outside"}, "Unknown kind"),
        ({"kind": None}, "Unknown kind"),
        ({"kind": "reversal"}, "names the posting that it reverses"),
        ({"organization": "00000000-0000-4000-8000-000000000000"}, "no such organization"),
        ({"days": 0}, "1 to 365 days"),
        ({"days": None}, "1 to 365 days"),
        ({"days": 366}, "1 to 365 days"),
    ],
    ids=str,
)
def test_what_cannot_be_posted_cannot_be_asked_for(acting, given, said):  # noqa: F811
    error = ask_refused(acting, **given)
    assert isinstance(error, RAISED) and said in str(error)


def test_one_key_is_one_request_or_one_posting(acting):  # noqa: F811
    assert ask(acting, key="form") == ask(acting, key="form")
    assert "used for another request" in str(ask_refused(acting, key="form", amount=6000))
    assert "used for another request" in str(ask_refused(acting, key="form", organization=BOBS))
    assert "already used for a request" in str(refused(acting, 5, p_idempotency_key="form"))
    post(acting, 5, p_idempotency_key="posted")
    assert "already used for a posting" in str(ask_refused(acting, key="posted"))


def test_an_expired_one_is_decided_about_no_more(anyone):
    anyone.as_user("backoffice")
    anyone.actor()
    request = ask(anyone)
    anyone.leave()
    anyone.execute("update billing.credit_request set expires_at = clock_timestamp() where id = %s", request)
    anyone.as_user("backoffice")
    bea(anyone)
    for approve in (True, False):
        assert "has expired" in str(anyone.attempt(DECIDE, request, approve, "x"))
    assert balance(anyone) == 100


def test_declining_needs_a_comment(acting):  # noqa: F811
    request = ask(acting)
    bea(acting)
    for comment in (None, "", " "):
        assert "Say why" in str(acting.attempt(DECIDE, request, False, comment))
    assert "Say why" in str(acting.attempt(DECIDE, request, None, None)), "no decision is no approval"
    assert acting.one(DECIDE, request, False, "No invoice") is None
    assert row(acting, request)["comment"] == "No invoice" and balance(acting) == 100
    assert "already declined" in str(acting.attempt(DECIDE, request, True, "x"))


def test_who_asked_withdraws(acting):  # noqa: F811
    request = ask(acting)
    bea(acting)
    assert "by who made it: Ada Lovelace" in str(
        acting.attempt("select billing.withdraw_request(%s, 'x')", request)
    )
    acting.actor()
    acting.execute("select billing.withdraw_request(%s, 'Wrong tenant')", request)
    bea(acting)
    assert "already withdrawn" in str(acting.attempt(DECIDE, request, True, None))


def test_a_reversal_asked_for_takes_no_more_than_what_is_left_when_it_is_approved(acting):  # noqa: F811
    posting = post(acting, 1000)["id"]
    first, second = (ask(acting, -600, "reversal", reverses=posting) for _ in range(2))
    bea(acting)
    acting.execute(DECIDE, first, True, None)
    assert "Only 400.00 of this posting is left" in str(acting.attempt(DECIDE, second, True, None))
    assert row(acting, second)["status"] == "pending" and balance(acting) == 500
    assert "Only 400.00" in str(ask_refused(acting, kind="reversal", amount=-401, reverses=posting))


def test_approvals_do_not_use_up_the_decider_s_own_limit(acting):  # noqa: F811
    for _ in range(5):
        acting.actor()
        request = ask(acting, 9000)
        bea(acting)
        acting.execute(DECIDE, request, True, None)
    assert acting.one("select billing.posted_today(8)") == 0
    assert post(acting, 1000)["amount"] == 1000


def test_decisions_at_once_post_once(make):
    database = make("world")
    with database.connect("backoffice") as connection, connection.transaction():
        connection.execute(
            "select set_config('backoffice.actor', 'Ada', true), set_config('backoffice.actor_id', '7', true),"
            " set_config('backoffice.reason', 'because', true)"
        )
        (request,) = (
            connection.execute(ASK, [ORG, 5000, "top_up", "because", None, None, 7]).fetchone().values()
        )
    errors, barrier = [], threading.Barrier(12)

    def decide(number):
        with database.connect("backoffice") as connection, connection.transaction():
            connection.execute(
                "select set_config('backoffice.actor', %s, true), set_config('backoffice.actor_id', %s, true),"
                " set_config('backoffice.reason', 'x', true)",
                [f"Person {number}", str(100 + number)],
            )
            barrier.wait()
            try:
                with connection.transaction():
                    connection.execute(DECIDE, [request, number % 3 != 0, "x"])
            except psycopg.Error as error:
                errors.append(error)

    threads = [threading.Thread(target=decide, args=[number]) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(errors) == 11 and all("This request was already" in str(error) for error in errors)
    made = database.query("select amount from credit_transactions where idempotency_key like 'request:%%'")
    (status,) = database.query("select status from billing.credit_request")
    assert made == ([5000] if status == "approved" else [])
    assert database.value("select credits_balance from organizations where id = %s", ORG) == 100 + sum(made)
