"""What the database settles, whoever calls it: each row once, differences of corrections, rounding once, half to even."""

import threading
from decimal import Decimal

import psycopg
import pytest

from .test_rls import of

ALICE, BOB = of("a0000000", 1), of("b0000000", 1)
AGENTS = {ALICE: of("a0000000", 2), BOB: of("b0000000", 2)}
FROM, DAY, NEXT, THIRD = "2026-03-01", "2026-03-01", "2026-03-02", "2026-03-03"


class Books:
    """A database with Alice and Bob, and the settlement of its days as the back office runs it."""

    def __init__(self, database):
        self.database = database
        self.owner = database.connect("postgres")
        self.connection = self.log_in()

    def log_in(self):
        connection = self.database.connect("backoffice")
        connection.execute(
            "select set_config('backoffice.actor', 'Ada', false), set_config('backoffice.actor_id', '7', false),"
            " set_config('backoffice.reason', 'Daily settlement', false)"
        )
        return connection

    def close(self):
        self.connection.close()
        self.owner.close()

    def usage(self, cost, *, day=DAY, tokens=100, model="gpt-x", organization=ALICE, at="12:00+00"):
        return self.owner.execute(
            "insert into public.usage_logs (organization_id, agent_id, cost_usd, tokens_used, model_used, created_at)"
            " values (%s, %s, %s, %s, %s, %s) returning id",
            [organization, AGENTS[organization], cost, tokens, model, day and f"{day} {at}"],
        ).fetchone()["id"]

    def call(self, cost, *, day=DAY, organization=ALICE):
        return self.owner.execute(
            "insert into public.call_logs (organization_id, session_id, direction, cost, created_at)"
            " values (%s, 'c', 'inbound', %s, %s) returning id",
            [organization, cost, f"{day} 08:00+00"],
        ).fetchone()["id"]

    def price(self, model, usd, valid_from="2020-01-01"):
        self.owner.execute(
            "insert into billing.price (model, valid_from, usd_per_1000) values (%s, %s, %s)",
            [model, valid_from, usd],
        )

    def due(self, day=DAY, *, estimates=False, problems=False, connection=None):
        return (
            (connection or self.connection)
            .execute(
                "select * from billing.due_rows(%s, %s, %s, %s) order by organization_id, row_id",
                [FROM, day, estimates, problems],
            )
            .fetchall()
        )

    def begin(self, day=DAY, *, rate=1, call_rate=1, estimates=False, connection=None):
        return (
            (connection or self.connection)
            .execute(
                "select (t).* from (select billing.begin_settlement(%s, %s, %s, %s) as t offset 0) x",
                [day, rate, call_rate, estimates],
            )
            .fetchone()
        )

    def take(self, day, ids, connection=None):
        return (
            (connection or self.connection)
            .execute(
                "select * from billing.settle_rows(%s, %s, %s::uuid[], %s::uuid[])",
                [day, FROM, [ALICE, BOB], ids],
            )
            .fetchone()
        )

    def settle(self, day=DAY, *, connection=None, **terms):
        opened = self.begin(day, connection=connection, **terms)
        due = self.due(day, estimates=opened["with_estimates"], connection=connection)
        done = self.take(day, [row["row_id"] for row in due], connection)
        (connection or self.connection).execute("select billing.finish_settlement(%s)", [day])
        return done

    def settlements(self):
        rows = self.owner.execute(
            "select organization_id::text, day::text, usage_cost, call_cost, estimated_cost, late_cost, amount"
            " from billing.settlement order by day, organization_id"
        ).fetchall()
        return [tuple(row.values()) for row in rows]

    def amounts(self):
        return [(org, day, amount) for org, day, *_, amount in self.settlements()]

    def balance(self, organization=ALICE):
        return self.owner.execute(
            "select credits_balance from public.organizations where id = %s", [organization]
        ).fetchone()["credits_balance"]

    def agrees(self):
        """Whether each settlement with an amount has its posting, each row its sum, and each balance its ledger."""
        row = self.owner.execute(
            """
            select (select count(*) from billing.settlement s
                    left join public.credit_transactions t on t.id = s.transaction_id
                      and t.amount = -s.amount and t.organization_id = s.organization_id and t.kind = 'settlement'
                      and t.idempotency_key = 'settlement:' || s.id
                    where (s.amount = 0) <> (t.id is null)) as postings,
                   (select count(*) from public.credit_transactions t where kind = 'settlement'
                    and not exists (select from billing.settlement s where s.transaction_id = t.id)) as strays,
                   (select count(*) from billing.settlement s where usage_cost + call_cost <>
                    (select sum(cost) from billing.settled_row r where r.settlement_id = s.id)) as sums,
                   (select count(*) from public.organizations o where coalesce(credits_balance, 0) <>
                    (select coalesce(sum(amount), 0) from public.credit_transactions t
                     where t.organization_id = o.id)) as balances
            """
        ).fetchone()
        return set(row.values()) == {0}


@pytest.fixture
def books(make):
    books = Books(make("world"))
    yield books
    assert books.agrees()
    books.close()


D = Decimal


@pytest.mark.parametrize(
    ("exact", "rounded"),
    [
        ("0.005", "0.00"),
        ("0.015", "0.02"),
        ("0.025", "0.02"),
        ("0.0250000000001", "0.03"),
        ("0.0249999999999", "0.02"),
        ("2.675", "2.68"),
        ("2.665", "2.66"),
        ("-0.005", "0.00"),
        ("-0.015", "-0.02"),
        ("-0.025", "-0.02"),
        ("-0.0251", "-0.03"),
        ("12345678.905", "12345678.90"),
        ("12345678.915", "12345678.92"),
        ("7", "7.00"),
        ("0", "0.00"),
    ],
)
def test_credits_round_half_to_even(world, exact, rounded):
    assert world.value("select billing.round_credits(%s::numeric)", exact) == D(rounded)


def test_rounding_is_that_of_python(world):
    values = [D(n) / 1000 for n in range(-250, 251)]
    found = world.query("select billing.round_credits(v) from unnest(%s::numeric[]) v", values)
    assert found == [value.quantize(D("0.01"), "ROUND_HALF_EVEN") for value in values]


def test_a_day_becomes_one_debit_per_organization_rounded_once(books):
    for _ in range(5):
        books.usage("0.0010")  # five times nothing, were each rounded
    books.call("0.5000")
    books.usage("2.0000", organization=BOB)
    done = books.settle(rate="10", call_rate="2")
    assert (done["settled"], done["amount"], done["refused"]) == (2, D("21.05"), [])
    assert books.settlements() == [
        (ALICE, DAY, D("0.0050"), D("0.5000"), 0, 0, D("1.05")),
        (BOB, DAY, D("2.0000"), 0, 0, 0, D("20.00")),
    ]
    assert (books.balance(), books.balance(BOB)) == (D("98.95"), D("-10.00"))
    posting = books.owner.execute(
        "select * from credit_transactions where kind = 'settlement' order by id"
    ).fetchone()
    assert (posting["reason"], posting["actor"], posting["actor_id"]) == (
        "Usage and calls of 2026-03-01",
        "Ada",
        7,
    )


@pytest.mark.parametrize(
    ("costs", "amount"),
    [(["0.0250"], "0.02"), (["0.0350"], "0.04"), (["0.0125", "0.0125"], "0.02"), (["0.0040"], "0.00")],
)
def test_ties_go_to_the_even_cent(books, costs, amount):
    for cost in costs:
        books.usage(cost)
    books.settle()
    assert books.amounts() == [(ALICE, DAY, D(amount))]
    assert books.due(NEXT) == [], "what came to nothing is settled all the same"


def test_a_second_run_takes_nothing(books):
    books.usage("1.0000")
    for _ in range(2):
        books.settle()
        assert (books.amounts(), books.balance()) == ([(ALICE, DAY, D("1.00"))], D("99.00"))
    assert books.begin()["finished_at"] is not None


def test_days_are_settled_in_order(books):
    books.settle(NEXT)
    with pytest.raises(
        psycopg.errors.RaiseException, match="in order, and 2026-03-02 is settled: what came later"
    ):
        books.begin(DAY)


def test_the_same_rows_given_twice_are_taken_once(books):
    ids = [books.usage("1.0000"), books.usage("2.0000"), books.call("4.0000")]
    books.begin()
    assert books.take(DAY, ids * 3)["settled"] == 1
    assert books.take(DAY, ids)["settled"] == 0
    late = books.usage("8.0000")
    assert books.take(DAY, [late])["settled"] == 0, "Alice has a settlement of the day: it goes into the next"
    books.connection.execute("select billing.finish_settlement(%s)", [DAY])
    assert books.take(DAY, [late])["settled"] == 0
    assert books.settle(NEXT)["amount"] == 8
    assert books.balance() == D("85.00")


def test_parallel_settlements_take_every_row_once(books):
    for n in range(40):
        books.usage("0.0100", organization=(ALICE, BOB)[n % 2], day=(DAY, NEXT)[n % 3 == 0])
    barrier = threading.Barrier(4)

    def run():
        connection = books.log_in()
        barrier.wait(20)
        for day in (DAY, NEXT):
            books.settle(day, connection=connection)
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = books.owner.execute(
        "select count(*), count(distinct row_id) as rows from billing.settled_row"
    ).fetchone()
    assert set(taken.values()) == {40}
    assert {(org, day) for org, day, _ in books.amounts()} == {
        (o, d) for o in (ALICE, BOB) for d in (DAY, NEXT)
    }
    assert (books.balance(), books.balance(BOB)) == (D("99.80"), D("9.80"))


def test_a_settlement_that_was_broken_off_goes_on(books):
    first, second = books.usage("1.0000"), books.usage("2.0000", organization=BOB)
    books.begin(rate="3")
    books.connection.execute("begin")
    books.take(DAY, [first])
    books.connection.close()  # killed inside a bundle: all of it is taken back
    assert books.amounts() == []
    books.connection = books.log_in()
    books.take(DAY, [first])
    books.connection.close()  # killed between two
    books.connection = books.log_in()
    with pytest.raises(psycopg.errors.RaiseException, match="2026-03-01 is not finished yet"):
        books.begin(NEXT)
    assert books.settle(DAY, rate="99")["settled"] == 1, "at the rate that held when the day was begun"
    assert books.amounts() == [(ALICE, DAY, D("3.00")), (BOB, DAY, D("6.00"))]
    assert second and books.due() == []


def test_late_rows_go_into_the_next_settlement_with_their_day(books):
    books.usage("1.0000")
    books.settle()
    late, timely = books.usage("2.0000", day=DAY), books.usage("4.0000", day=NEXT)
    books.settle(NEXT)
    assert books.settlements()[1] == (ALICE, NEXT, D("6.0000"), 0, 0, D("2.0000"), D("6.00"))
    days = books.owner.execute(
        "select row_id, day::text from billing.settled_row where row_id = any (%s)", [[late, timely]]
    )
    assert {row["row_id"]: row["day"] for row in days} == {late: DAY, timely: NEXT}
    note = books.owner.execute("select note from credit_transactions order by id desc limit 1").fetchone()[
        "note"
    ]
    assert note == "Of days before: 2 USD."


def test_a_corrected_cost_flows_by_its_difference_both_ways(books):
    call = books.call("5.0000")
    books.settle()
    for day, cost, amount in ((NEXT, "7.5000", "2.50"), (THIRD, "5.0000", "-2.50"), ("2026-03-04", "0", "-5.00"),
                              ("2026-03-05", "5.0000", "5.00")):  # fmt: skip
        books.owner.execute("update public.call_logs set cost = %s where id = %s", [cost, call])
        books.settle(day)
        assert books.amounts()[-1] == (ALICE, day, D(amount))
    assert books.balance() == D("95.00")
    rows = books.owner.execute(
        "select * from billing.settled_row where row_id = %s order by settlement_id", [call]
    )
    assert [(row["total"], row["is_current"]) for row in rows] == [
        (5, False), (D("7.5"), False), (5, False), (0, False), (5, True),
    ]  # fmt: skip


def test_a_deleted_row_gives_nothing_back(books):
    usage = books.usage("5.0000")
    books.settle()
    books.owner.execute("delete from public.usage_logs where id = %s", [usage])
    books.settle(NEXT)
    assert (len(books.amounts()), books.balance()) == (1, D("95.00"))


def test_what_is_no_cost_or_has_no_day_is_left_out_and_named(books):
    nan, below = books.usage("NaN"), books.usage("-3.0000")
    books.usage(None, tokens=0), books.usage("0", tokens=None), books.call(None), books.call("0")
    books.usage("9.0000", day=None)
    for day in ("infinity", "-infinity"):
        books.usage("9.0000", day=day, at="")
    books.usage("9.0000", day="0044-03-15", at="BC")
    books.usage("9.0000", day="2026-02-28", at="23:59:59.999999+00")
    books.usage("9.0000", day=NEXT, at="00:00+00")
    odd_call = books.call("NaN")
    gone = books.usage("1.0000", organization=BOB)
    books.settle()
    assert books.amounts() == [(BOB, DAY, D("1.00"))]
    books.owner.execute("update public.usage_logs set cost_usd = null where id = %s", [gone])
    found = {row["row_id"]: row["problem"] for row in books.due(DAY, problems=True)}
    assert found == {nan: "odd_cost", below: "odd_cost", odd_call: "odd_cost", gone: "cost_removed"}


def test_days_are_of_utc_whatever_the_session_says(books):
    books.connection.execute("set timezone = 'Pacific/Auckland'")
    books.usage("1.0000", day=DAY, at="23:59:59.999999+00")
    books.usage("2.0000", day=NEXT, at="00:00:00+00")
    books.settle()
    books.settle(NEXT)
    assert books.amounts() == [(ALICE, DAY, D("1.00")), (ALICE, NEXT, D("2.00"))]


def test_a_day_that_is_not_over_is_refused(books):
    for day in ("tomorrow", "today", "infinity"):
        with pytest.raises(psycopg.Error, match=r"over|out of range"):
            books.begin(day)
    books.usage("1.0000", day="yesterday")
    books.begin("yesterday")


@pytest.mark.parametrize("rate", ["NaN", "-1", "1000000", None])
def test_a_rate_that_is_none_is_refused(books, rate):
    with pytest.raises(psycopg.Error):
        books.begin(rate=rate)


def test_each_day_keeps_the_rate_it_was_settled_at(books):
    books.usage("1.0000")
    books.settle(rate="1.5")
    books.usage("1.0000", day=NEXT)
    books.settle(NEXT, rate="2")
    assert [amount for *_, amount in books.amounts()] == [D("1.50"), D("2.00")]


class TestEstimates:
    def test_unpriced_usage_waits_without_them(self, books):
        books.usage(None), books.usage("0", model="other"), books.usage(None, model=None)
        books.price("gpt-x", "2")
        books.settle()
        assert books.amounts() == []
        found = {(row["model"], row["problem"]) for row in books.due(problems=True)}
        assert found == {("gpt-x", "not_estimated"), ("other", "no_price"), (None, "no_price")}

    def test_are_taken_at_the_price_of_the_day_and_marked(self, books):
        books.price("gpt-x", "0.0003", "2026-02-01")
        books.price("gpt-x", "90", NEXT)
        books.price("GPT-X", "90")
        for _ in range(1000):
            books.usage(None, tokens=50)  # 0.000015 each: nothing, were it rounded to four places
        books.usage("1.0000")
        books.settle(estimates=True, rate="100")
        assert books.settlements() == [(ALICE, DAY, D("1.0150"), 0, D("0.0150"), 0, D("101.50"))]
        note = books.owner.execute(
            "select note from credit_transactions order by id desc limit 1"
        ).fetchone()["note"]
        assert note == "Estimated: 0.015 USD of it."
        assert books.due(NEXT, estimates=True) == []

    def test_no_price_before_the_first(self, books):
        books.price("gpt-x", "5", NEXT)
        books.usage(None)
        books.settle(estimates=True)
        assert books.amounts() == []
        assert [row["problem"] for row in books.due(estimates=True, problems=True)] == ["no_price"]

    def test_are_replaced_by_a_real_cost_and_else_stay(self, books):
        books.price("gpt-x", "20")
        usage = books.usage(None)
        books.settle(estimates=True)
        books.owner.execute("update billing.price set usd_per_1000 = 50")
        assert books.due(NEXT, estimates=True) == books.due(NEXT) == []
        books.owner.execute("update public.usage_logs set cost_usd = 0 where id = %s", [usage])
        assert books.due(NEXT, estimates=True) == []
        books.owner.execute("update public.usage_logs set cost_usd = 0.5 where id = %s", [usage])
        books.settle(NEXT)
        assert books.settlements() == [
            (ALICE, DAY, D("2"), 0, D("2"), 0, D("2.00")),
            (ALICE, NEXT, D("-1.5"), 0, 0, D("-1.5"), D("-1.50")),
        ]
        kept = books.owner.execute(
            "select tokens, is_estimated from billing.settled_row order by settlement_id"
        )
        assert [tuple(row.values()) for row in kept] == [(100, True), (None, False)]


def test_a_row_that_was_moved_is_not_settled_with_the_new_owner(books):
    usage = books.usage("1.0000")
    books.settle()
    books.owner.execute(
        "update public.usage_logs set organization_id = %s, agent_id = %s, cost_usd = 3 where id = %s",
        [BOB, AGENTS[BOB], usage],
    )
    assert [row["problem"] for row in books.due(NEXT, problems=True)] == ["moved"]
    assert books.settle(NEXT)["settled"] == 0


def test_a_balance_that_would_leave_the_range_is_refused_and_the_others_go_on(books):
    books.owner.execute("update public.organizations set credits_balance = -99999990 where id = %s", [ALICE])
    books.usage("50.0000"), books.usage("1.0000", organization=BOB)
    done = books.settle()
    assert ([str(pk) for pk in done["refused"]], books.amounts()) == ([ALICE], [(BOB, DAY, D("1.00"))])
    books.owner.execute("update public.organizations set credits_balance = 0 where id = %s", [ALICE])
    books.settle(NEXT)
    assert books.settlements()[-1] == (ALICE, NEXT, D("50"), 0, 0, D("50"), D("50.00"))


def test_an_organization_that_is_gone_is_left_out(books):
    ids = [books.usage("1.0000"), books.usage("2.0000", organization=BOB)]
    books.begin()
    with books.database.connect("embedded_admin") as admin:
        admin.execute("set session_replication_role = replica")  # no cascade: its usage stays
        admin.execute("delete from public.organizations where id = %s", [BOB])
    assert books.take(DAY, ids)["settled"] == 1
    assert books.amounts() == [(ALICE, DAY, D("1.00"))]


def test_nothing_is_settled_without_an_actor_or_by_anybody_else(books):
    books.usage("1.0000")
    books.connection.execute("select set_config('backoffice.actor_id', '', false)")
    for call in (books.begin, lambda: books.take(DAY, []), lambda: books.settle()):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            call()
    for role in ("anon", "authenticated", "service_role"):
        books.owner.execute("begin")
        books.owner.execute(f"set local role {role}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            books.owner.execute("select billing.finish_settlement('2026-03-01')")
        books.owner.execute("rollback")


def test_the_platform_goes_on_writing_usage_while_a_bundle_is_open(books):
    ids = [books.usage("1.0000")]
    books.begin()
    books.connection.execute("begin")
    books.take(DAY, ids)
    books.owner.execute("set lock_timeout = '2s'")
    books.usage("1.0000", day=NEXT)
    books.connection.execute("commit")
