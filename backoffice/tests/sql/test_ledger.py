"""The credit ledger: sum of the ledger = balance, whoever changes it and however; posted once; never altered."""

import threading
from decimal import Decimal

import psycopg
import pytest

from .servers import TABLES
from .test_rls import ALICE, of
from .test_schema import LEDGER_DIFFERS

ORG, BOBS, EMPTY = of("a0000000", 1), of("b0000000", 1), of("c0000000", 1)
POST = "select (t).* from (select public.post_credit({}) as t offset 0) x"


@pytest.fixture
def acting(staff):
    staff.actor()
    return staff


def post(session, amount, kind="top_up", reason="because", organization=ORG, **more):
    given = {"p_organization": organization, "p_amount": amount, "p_kind": kind, "p_reason": reason, **more}
    call = ", ".join(f"{name} => %s" for name in given)
    return session.one(POST.format(call), *given.values())


def refused(session, *args, **more):
    session.execute("savepoint posting")
    with pytest.raises(psycopg.Error) as error:
        post(session, *args, **more)
    session.execute("rollback to savepoint posting")
    return error.value


def balance(session, organization=ORG):
    return session.one("select credits_balance from public.organizations where id = %s", organization)


def last(session):
    return session.one("select * from public.credit_transactions order by id desc limit 1")


def count(session):
    return session.one("select count(*) from public.credit_transactions")


def agrees(session):
    return session.all(LEDGER_DIFFERS) == []


# Posting


def test_posting_adds_and_tells_who_and_why(acting):
    row = post(
        acting, Decimal("12.34"), p_reference="Invoice 9", p_note="by phone", p_idempotency_key="form-1"
    )
    assert row == last(acting)
    assert balance(acting) == Decimal("112.34")
    assert {key: row[key] for key in row if key not in ("id", "created_at")} == {
        "organization_id": row["organization_id"],
        "organization_name": "Alice Ltd",
        "amount": Decimal("12.34"),
        "balance_after": Decimal("112.34"),
        "kind": "top_up",
        "reason": "because",
        "reference": "Invoice 9",
        "note": "by phone",
        "actor": "Ada Lovelace",
        "actor_id": 7,
        "idempotency_key": "form-1",
        "reverses_id": None,
        "db_role": "backoffice",
    }
    assert str(row["organization_id"]) == ORG
    assert row["created_at"] is not None
    assert agrees(acting)


@pytest.mark.parametrize("kind", ["top_up", "refund", "goodwill", "promotion", "correction"])
def test_kinds_of_posting(acting, kind):
    assert post(acting, Decimal("-5.00"), kind=kind)["kind"] == kind
    assert balance(acting) == Decimal("95.00")
    assert agrees(acting)


def test_a_balance_that_is_not_set_counts_as_zero(anyone):
    anyone.execute("update public.organizations set credits_balance = null where id = %s", ORG)
    assert last(anyone)["amount"] == -100
    anyone.as_user("backoffice")
    anyone.actor()
    assert post(anyone, 5)["balance_after"] == 5
    assert balance(anyone) == 5


def test_a_balance_may_be_negative(acting):
    """No check on the sign: it would break the runtime."""
    assert post(acting, -1000)["balance_after"] == -900
    assert post(acting, 900)["balance_after"] == 0


@pytest.mark.parametrize(
    "amount",
    [
        None,
        0,
        "0.00",
        "NaN",
        "Infinity",
        "-Infinity",
        "0.001",
        "12.345",
        "-0.009",
        "100000000",
        "99999999.99",
        "1e50",
    ],
)
def test_wrong_amounts(acting, amount):
    before = count(acting)
    refused(acting, amount)
    assert (count(acting), balance(acting)) == (before, 100)


@pytest.mark.parametrize(
    "more",
    [
        {"organization": None},
        {"organization": of("f0000000", 1)},
        {"kind": None},
        {"kind": ""},
        {"kind": "gift"},
        {"kind": "TOP_UP"},
        {"kind": "opening"},
        {"kind": "closing"},
        {"kind": "outside"},
        {"reason": None},
        {"reason": ""},
        {"reason": "  "},
        {"kind": "reversal"},
        {"kind": "reversal", "p_reverses": 987654321},
    ],
)
def test_wrong_postings(acting, more):
    before = count(acting)
    refused(acting, 5, **more)
    assert (count(acting), balance(acting)) == (before, 100)


def test_posting_needs_an_actor(staff):
    for name in ("", "  "):
        staff.actor(name=name)
        assert isinstance(refused(staff, 5), psycopg.errors.InsufficientPrivilege)
    assert balance(staff) == 100


def test_reversal(acting):
    posted = post(acting, 30)
    for wrong in (
        {"amount": 30},  # the same direction
        {"amount": -31},  # more than was posted
        {"amount": -30, "organization": BOBS},  # another's
        {"amount": -30, "kind": "correction"},  # not called what it is
    ):
        given = {"kind": "reversal", "p_reverses": posted["id"], **wrong}
        refused(acting, given.pop("amount"), **given)
    back = post(acting, -30, kind="reversal", p_reverses=posted["id"])
    assert back["reverses_id"] == posted["id"]
    assert balance(acting) == 100
    refused(acting, -30, kind="reversal", p_reverses=posted["id"])  # a second time
    assert agrees(acting)


def test_same_key_same_result(acting):
    first = post(acting, 5, p_idempotency_key="k")
    again = post(acting, 5, p_idempotency_key="k")
    assert again == first
    assert balance(acting) == 105
    post(acting, 5, p_idempotency_key="k2")
    post(acting, 5)
    post(acting, 5)
    assert balance(acting) == 120


def test_same_key_for_something_else_posts_nothing(acting):
    post(acting, 5, p_idempotency_key="k")
    before = count(acting)
    for args in ({"amount": 6}, {"amount": 5, "organization": BOBS}, {"amount": -5}):
        acting.execute("savepoint again")
        try:
            post(acting, args.pop("amount"), p_idempotency_key="k", **args)
        except psycopg.Error:
            acting.execute("rollback to savepoint again")
    assert (count(acting), balance(acting), balance(acting, BOBS)) == (before, 105, 10)


def in_parallel(database, number, statement, *params):
    """Runs one statement on that many connections at once; the errors."""
    gate = threading.Barrier(number)
    errors, results = [], []

    def run(n):
        with database.connect("backoffice") as connection:
            connection.execute(
                "select set_config('backoffice.actor', 'Ada', false), set_config('backoffice.actor_id', '7', false),"
                " set_config('credits.role', 'Finance', false)"
            )
            gate.wait(30)
            try:
                results.append(connection.execute(statement, [str(p).format(n=n) for p in params]).fetchone())
            except psycopg.Error as error:
                errors.append(error)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors, results


def test_twenty_at_once_with_one_key_post_once(make):
    database = make("world")
    errors, results = in_parallel(
        database, 20, POST.format("%s::uuid, 5, 'top_up', 'x', null, null, %s"), ORG, "one-form"
    )
    assert errors == []
    assert len({row["id"] for row in results}) == 1
    assert database.value("select credits_balance from organizations where id = %s", ORG) == 105
    assert database.value("select count(*) from credit_transactions where idempotency_key = 'one-form'") == 1
    assert database.query(LEDGER_DIFFERS) == []


def test_twenty_at_once_with_keys_of_their_own_all_count(make):
    database = make("world")
    errors, _results = in_parallel(
        database, 20, POST.format("%s::uuid, 0.05, 'top_up', 'x', null, null, %s"), ORG, "form-{n}"
    )
    assert errors == []
    assert database.value("select credits_balance from organizations where id = %s", ORG) == 101
    assert database.query(LEDGER_DIFFERS) == []
    rows = database.query(
        "select amount, balance_after from credit_transactions where organization_id = %s order by id", ORG
    )
    running = Decimal(0)
    for row in rows:
        running += row["amount"]
        assert row["balance_after"] == running, (
            "in the order of ids, each balance follows from the one before"
        )


def test_posting_beside_the_runtime(make):
    """The platform deducts while staff post: neither is lost."""
    database = make("world")
    done = []

    def deduct():
        with database.connect("postgres") as connection:
            for _ in range(20):
                connection.execute(
                    "update organizations set credits_balance = credits_balance - 1 where id = %s", [ORG]
                )
        done.append(True)

    runtime = threading.Thread(target=deduct)
    runtime.start()
    errors, _results = in_parallel(database, 10, POST.format("%s::uuid, 3, 'top_up', 'x'"), ORG)
    runtime.join()
    assert errors == [] and done
    assert database.value("select credits_balance from organizations where id = %s", ORG) == 110
    assert database.query(LEDGER_DIFFERS) == []


def test_a_failed_transaction_leaves_nothing(make):
    database = make("world")
    before = database.rows()
    with database.session("backoffice") as session:
        session.actor()
        post(session, 5, p_idempotency_key="k")
    with database.connect("backoffice") as connection, pytest.raises(psycopg.Error):
        connection.execute(
            "begin; select set_config('backoffice.actor', 'Ada', true);"
            f" select public.post_credit('{ORG}', 5, 'top_up', 'x', p_idempotency_key => 'k'); select 1/0"
        )
    assert database.rows() == before
    with database.session("backoffice") as session:
        session.actor()
        session.execute("savepoint s")
        post(session, 5, p_idempotency_key="k")
        session.execute("rollback to savepoint s")
        assert count(session) == len(before["credit_transactions"])
        assert post(session, 5, p_idempotency_key="k")["balance_after"] == 105, "the key was not used up"


# Changes from outside


@pytest.mark.parametrize("role", ["postgres", "service_role", "embedded_admin"])
def test_change_from_outside_is_marked(anyone, role):
    if role == "service_role":
        anyone.become(role)
    else:
        anyone.as_user(role)
    anyone.execute("update public.organizations set credits_balance = credits_balance + 5 where id = %s", ORG)
    anyone.leave()
    row = last(anyone)
    assert (row["kind"], row["amount"], row["balance_after"], row["db_role"]) == ("outside", 5, 105, role)
    assert row["organization_name"] == "Alice Ltd"
    assert agrees(anyone)


@pytest.mark.parametrize("role", ["postgres", "service_role"])
def test_settings_of_a_posting_make_none(anyone, role):
    """Whoever is not allowed to post cannot dress a change up as one, nor leave the settings of the last behind."""
    anyone.as_user("backoffice")
    anyone.actor()
    post(anyone, 1)
    anyone.leave()
    anyone.become(role) if role == "service_role" else anyone.as_user(role)
    anyone.execute("update public.organizations set credits_balance = 500 where id = %s", ORG)
    anyone.leave()
    assert last(anyone)["kind"] == "outside"


@pytest.mark.parametrize(
    "posting", ['{"kind": "top_up", "reason": "x", "actor": "Ada", "actor_id": 7}', "no json", "[]"]
)
def test_the_services_own_setting_is_not_believed(anyone, posting):
    """The setting in which post_credit tells the trigger who and why is open to all; only its callers are believed."""
    anyone.become("service_role")
    anyone.execute("select set_config('credits.posting', %s, true)", posting)
    error = anyone.attempt("update public.organizations set credits_balance = 500 where id = %s", ORG)
    anyone.leave()
    assert error or (last(anyone)["kind"], last(anyone)["actor"]) == ("outside", "service_role")
    assert agrees(anyone)


def test_every_way_to_change_a_balance(anyone):
    before = count(anyone)

    def step(statement, rows, *params):
        nonlocal before
        anyone.execute(statement, *params)
        assert agrees(anyone), statement
        assert count(anyone) == before + rows, statement
        before += rows

    anyone.as_user("postgres")
    step("update public.organizations set credits_balance = credits_balance", 0)
    step("update public.organizations set name = name || '!'", 0)
    step("update public.organizations set credits_balance = 7", 3)
    step("update public.organizations set credits_balance = null where id = %s", 1, ORG)
    step("update public.organizations set credits_balance = 0 where id = %s", 0, ORG)
    step("update public.organizations set credits_balance = default where id = %s", 0, ORG)
    step("update public.organizations set credits_balance = -99999999.99 where id = %s", 1, ORG)
    step("update public.organizations set credits_balance = 99999999.99 where id = %s", 1, ORG)
    step(
        "insert into public.organizations (id, name, owner_id, credits_balance) values (%s, 'New', %s, 25)",
        1,
        of("e0000000", 1),
        ALICE,
    )
    assert (last(anyone)["kind"], last(anyone)["amount"]) == ("opening", 25)
    step(
        "insert into public.organizations (id, name, owner_id, credits_balance) values (%s, 'New', %s, 99)"
        " on conflict (id) do update set credits_balance = organizations.credits_balance + excluded.credits_balance",
        1,
        of("e0000000", 1),
        ALICE,
    )
    step("insert into public.organizations (name, owner_id) values ('Zero', %s)", 0, ALICE)
    step(
        "insert into public.organizations (name, owner_id, credits_balance) values ('None', %s, null)",
        0,
        ALICE,
    )
    step(
        "insert into public.organizations (name, owner_id, credits_balance)"
        " select 'Many', %s, n from generate_series(1, 50) n",
        50,
        ALICE,
    )
    step("delete from public.organizations where name = 'Many' and credits_balance > 25", 25)
    row = last(anyone)
    assert (row["kind"], row["organization_name"], row["balance_after"]) == ("closing", "Many", 0)
    anyone.execute("savepoint merging")
    step(
        "merge into public.organizations o using (select 'Many' as name) m on o.name = m.name"
        " when matched and o.credits_balance > 10 then delete"
        " when matched then update set credits_balance = 1000",
        25,
    )
    with anyone.connection.cursor().copy(
        "copy public.organizations (name, owner_id, credits_balance) from stdin"
    ) as copy:
        copy.write_row(("Copied", ALICE, 3))
    assert count(anyone) == before + 1
    assert agrees(anyone)


def test_what_is_gone_keeps_its_ledger(anyone):
    """Deleting the login takes profile and organization with it; their ledger ends at zero and stays."""
    login, organization = of("d0000000", 0), of("d0000000", 1)
    anyone.execute("insert into auth.users (id, email) values (%s, 'gone@example.com')", login)
    anyone.execute("delete from public.organizations where owner_id = %s", login)
    anyone.execute(
        "insert into public.organizations (id, name, owner_id, credits_balance) values (%s, 'Gone', %s, 7)",
        organization,
        login,
    )
    anyone.as_user("supabase_auth_admin")
    anyone.execute("delete from auth.users where id = %s", login)
    anyone.leave()
    rows = anyone.all(
        "select kind, amount, organization_name, db_role from public.credit_transactions"
        " where organization_id = %s order by id",
        organization,
    )
    assert [(r["kind"], r["amount"], r["organization_name"]) for r in rows] == [
        ("opening", 7, "Gone"),
        ("closing", -7, "Gone"),
    ]
    assert rows[1]["db_role"] == "supabase_auth_admin"


def test_truncate_closes_every_balance(anyone):
    anyone.as_user("postgres")
    anyone.execute("truncate public.organizations cascade")
    open_ = anyone.all(
        "select organization_id from public.credit_transactions group by 1 having sum(amount) <> 0"
    )
    assert open_ == []
    closed = anyone.all("select organization_name from public.credit_transactions where kind = 'closing'")
    assert sorted(row["organization_name"] for row in closed[-2:]) == ["Alice Ltd", "Bob Ltd"]


def test_an_organization_that_gets_another_id(anyone):
    """Refused, or booked; the sums hold either way."""
    anyone.as_user("postgres")
    anyone.execute("update public.organizations set credits_balance = 9 where id = %s", EMPTY)
    anyone.attempt("update public.organizations set id = %s where id = %s", of("e0000000", 1), EMPTY)
    assert agrees(anyone)
    orphans = anyone.all(
        "select organization_id from public.credit_transactions where organization_id not in"
        " (select id from public.organizations) group by 1 having sum(amount) <> 0"
    )
    assert orphans == []


def test_a_balance_that_is_not_a_number_from_outside(anyone):
    """Refused, or booked so that the sums hold again once it is a number."""
    anyone.as_user("postgres")
    anyone.attempt("update public.organizations set credits_balance = 'NaN' where id = %s", ORG)
    anyone.attempt(
        "insert into public.organizations (name, owner_id, credits_balance) values ('NaN', %s, 'NaN')", ALICE
    )
    anyone.execute("update public.organizations set credits_balance = 3 where id = %s", ORG)
    anyone.execute("update public.organizations set credits_balance = 3 where name = 'NaN'")
    assert agrees(anyone)


def test_outside_change_in_a_failed_transaction(make):
    database = make("world")
    before = database.rows()
    with database.connect("postgres") as connection, pytest.raises(psycopg.Error):
        connection.execute("begin; update organizations set credits_balance = 1; select 1/0")
    assert database.rows() == before


# Nobody alters it


@pytest.mark.parametrize("role", ["postgres", "service_role", "embedded_admin", "backoffice"])
@pytest.mark.parametrize(
    "statement",
    [
        "update public.credit_transactions set amount = amount",
        "update public.credit_transactions set note = 'x' where kind = 'opening'",
        "delete from public.credit_transactions",
        "delete from public.credit_transactions where kind = 'opening'",
        "truncate public.credit_transactions",
        "truncate public.credit_transactions restart identity cascade",
        "merge into public.credit_transactions using (select 1) x on true when matched then delete",
        "merge into public.credit_transactions using (select 1) x on true when matched then update set note = 'x'",
        "insert into public.credit_transactions overriding system value select * from public.credit_transactions"
        " on conflict (id) do update set note = 'x'",
    ],
)
def test_the_ledger_is_never_altered(anyone, role, statement):
    before = anyone.all("select * from public.credit_transactions order by id")
    anyone.become(role) if role == "service_role" else anyone.as_user(role)
    anyone.actor()
    assert anyone.attempt(statement) is not None
    anyone.leave()
    assert anyone.all("select * from public.credit_transactions order by id") == before


def test_an_id_that_was_given_away_in_bulk(anyone):
    """A ledger row of the organization's own earlier life blocks nothing."""
    anyone.as_user("postgres")
    anyone.execute("delete from public.organizations where id = %s", EMPTY)
    for money in (5, 6):
        anyone.execute(
            "insert into public.organizations (id, name, owner_id, credits_balance) values (%s, 'Again', %s, %s)",
            EMPTY,
            ALICE,
            money,
        )
        assert agrees(anyone)
        anyone.execute("delete from public.organizations where id = %s", EMPTY)


def test_reloading_the_files_books_nothing(make):
    database = make("world")
    with database.session("backoffice") as session:
        session.actor()
        post(session, 5)
        session.connection.commit()
    before = database.rows("credit_transactions")
    database.upgrade()
    assert database.rows("credit_transactions") == before
    assert set(database.rows()) == {*TABLES, "credit_transactions"}
