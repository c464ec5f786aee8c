"""Files of postings in the database: approved by a second person, each line posted once, and nothing else on its account."""

import json
from decimal import Decimal

import psycopg
import pytest

from .test_ledger import BOBS, EMPTY, ORG, acting, balance, refused  # noqa: F401

DENIED = psycopg.errors.InsufficientPrivilege
RAISED = psycopg.errors.RaiseException
JOB = "a0000000-0000-4000-8000-0000000000aa"
ADD = "select billing.add_bulk_posting('june.csv', %s, 'goodwill', %s, 7) as id"


def line(number, organization=ORG, amount="5.00", **more):
    return {
        "number": number,
        "given": organization,
        "organization_id": organization,
        "amount": amount,
        "given_amount": amount,
        "reason": "Calls failed",
        **more,
    }


def add(session, *lines, sha256="a"):
    return session.one(ADD, sha256, json.dumps(lines or [line(2)]))


def approve(session, file):
    session.actor(name="Bea", actor_id=8)
    session.execute("select billing.decide_bulk_posting(%s, true, 'Agreed', %s)", file, JOB)
    return file


def post_row(session, file, number=2):
    return session.one("select billing.post_bulk_row(%s, %s)", file, number)


def fails(session, call, *params):
    error = session.attempt(call, *params)
    assert error is not None, "it went through"
    return error


def test_a_line_is_posted_once_with_the_approver_as_actor(acting):  # noqa: F811
    file = approve(acting, add(acting, line(2), line(3, BOBS, "-2.50", reference="T-1")))
    for _ in range(3):
        assert post_row(acting, file) == post_row(acting, file, 3) == "posted"
    rows = acting.all(
        "select t.* from public.credit_transactions t join billing.bulk_posting_row r on r.transaction_id = t.id"
        " order by r.number"
    )
    assert [(row["amount"], row["kind"], row["actor_id"], row["reference"]) for row in rows] == [
        (Decimal("5.00"), "goodwill", 8, None),
        (Decimal("-2.50"), "goodwill", 8, "T-1"),
    ]
    assert balance(acting) == 105


def test_what_the_ledger_refuses_is_kept_as_failed_with_its_sentence(anyone):
    anyone.execute("update public.organizations set credits_balance = 99999999 where id = %s", EMPTY)
    anyone.as_user("backoffice")
    anyone.actor()
    file = approve(anyone, add(anyone, line(2, EMPTY), line(3)))
    assert (post_row(anyone, file), post_row(anyone, file, 3)) == ("failed", "posted")
    row = anyone.one("select * from billing.bulk_posting_row where number = 2")
    assert "under 100,000,000" in row["message"] and row["transaction_id"] is None


@pytest.mark.parametrize("tail", ["", ":x", ":", "0", " "])
@pytest.mark.parametrize("number", ["2", "02", "+2"])
def test_no_other_spelling_of_a_key_posts_a_line_again(acting, tail, number):  # noqa: F811
    file = approve(acting, add(acting))
    key = f"bulk:{file}:{number}{tail}"
    if key != f"bulk:{file}:2":
        assert isinstance(refused(acting, 5, "goodwill", "Calls failed", p_idempotency_key=key), DENIED)
    refused(acting, 5, "goodwill", "Calls failed", p_idempotency_key=key.upper().replace("BULK", "bulk"))
    assert post_row(acting, file) == "posted" and balance(acting) == 105
    assert isinstance(refused(acting, 5, "goodwill", "Calls failed", p_idempotency_key=key + ":y"), DENIED)


@pytest.mark.parametrize(
    "said", [{"amount": 6}, {"kind": "refund"}, {"reason": "Other"}, {"organization": BOBS}], ids=str
)
def test_an_approved_line_carries_nothing_but_itself(acting, said):  # noqa: F811
    file = approve(acting, add(acting))
    call = {"amount": 5, "kind": "goodwill", "reason": "Calls failed", **said}
    amount = call.pop("amount")
    assert isinstance(refused(acting, amount, p_idempotency_key=f"bulk:{file}:2", **call), DENIED)


def test_only_the_approver_posts_and_only_when_approved(acting):  # noqa: F811
    file = add(acting)
    call, key = "select billing.post_bulk_row(%s, 2)", f"bulk:{file}:2"
    assert isinstance(fails(acting, call, file), RAISED)
    assert isinstance(refused(acting, 5, "goodwill", "Calls failed", p_idempotency_key=key), DENIED)
    approve(acting, file)
    for name, number in (("Ada Lovelace", 7), ("Cem", 9)):
        acting.actor(name=name, actor_id=number)
        assert isinstance(fails(acting, call, file), DENIED)
    acting.actor(name="Bea", actor_id=8)
    assert post_row(acting, file) == "posted"


def test_a_line_with_a_problem_is_never_posted(acting):  # noqa: F811
    file = approve(acting, add(acting, line(2), line(3, BOBS, problem="malformed", message="x")))
    assert isinstance(fails(acting, "select billing.post_bulk_row(%s, 3)", file), RAISED)
    assert isinstance(fails(acting, "select billing.post_bulk_row(%s, 4)", file), RAISED)


@pytest.mark.parametrize("amount", ["1000.01", "-1000.01", "0", "1.005"])
def test_lines_beyond_the_limit_of_the_role_are_not_kept(acting, amount):  # noqa: F811
    assert isinstance(fails(acting, ADD, "a", json.dumps([line(2, amount=amount)])), RAISED)
    acting.execute("select set_config('credits.role', '', true)")
    assert isinstance(fails(acting, ADD, "a", json.dumps([line(2, amount="0.01")])), RAISED)


def test_one_organization_is_not_named_by_two_lines_that_are_posted(acting):  # noqa: F811
    error = fails(acting, ADD, "a", json.dumps([line(2), line(3)]))
    assert isinstance(error, psycopg.errors.UniqueViolation)


def test_the_same_file_waits_or_is_posted_once(acting):  # noqa: F811
    file = add(acting)
    assert "checked before, by Ada Lovelace" in str(fails(acting, ADD, "a", json.dumps([line(2)])))
    acting.execute("select billing.withdraw_bulk_posting(%s, 'Wrong month')", file)
    approve(acting, add(acting))
    assert "and are approved" in str(fails(acting, ADD, "a", json.dumps([line(2)])))


def test_nobody_decides_about_their_own_nor_twice_nor_without_a_job(acting):  # noqa: F811
    file = add(acting)
    decide = "select billing.decide_bulk_posting(%s, %s, 'x', %s)"
    for approves in (True, False):
        assert "somebody else has to" in str(fails(acting, decide, file, approves, JOB))
    acting.actor(name="Bea", actor_id=8)
    assert "needs the job" in str(fails(acting, decide, file, True, None))
    assert "withdrawn by who checked it" in str(
        fails(acting, "select billing.withdraw_bulk_posting(%s, 'x')", file)
    )
    acting.execute(decide, file, False, None)
    for approves in (True, False):
        assert "already declined by Bea" in str(fails(acting, decide, file, approves, JOB))


@pytest.mark.parametrize(
    "call",
    [
        "select billing.add_bulk_posting('f', 'a', 'goodwill', '[]', 7)",
        f"select billing.decide_bulk_posting('{JOB}', true, 'x', '{JOB}')",
        f"select billing.withdraw_bulk_posting('{JOB}', 'x')",
        f"select billing.post_bulk_row('{JOB}', 2)",
    ],
)
def test_none_of_it_without_an_actor_or_a_reason(staff, call):
    assert isinstance(fails(staff, call), DENIED)
    staff.actor(reason=" ")
    assert isinstance(fails(staff, call), DENIED)
