"""Writes the demo into an empty platform database, as its owner, in one transaction.

Over raw psycopg with COPY: the back office's own role may neither COPY into tables with row level security nor insert
most of this, and a million rows through the ORM would take an hour.
"""

from psycopg import sql

from backoffice.demo import conversations, money, months, oddities
from backoffice.demo.files import write_files
from backoffice.demo.world import COLUMNS as STANDING
from backoffice.demo.world import World, fixed_id

ACTOR = "Demo data"
TABLES = (*STANDING, *conversations.COLUMNS)


class DemoError(Exception):
    """Nothing was loaded; the message is one sentence for the person who asked for it."""


def occupied_by(connection):
    """What is in the database already, as a short text ("40 organizations"); None if it is empty.

    Raises DemoError where demo data must never go: on Supabase, and where the platform's tables are missing.
    """
    if one(connection, "select exists (select from pg_roles where rolname = 'supabase_admin')"):
        raise DemoError(
            "Nothing was done: this is a Supabase database (role supabase_admin exists). "
            "Demo data goes into local databases only."
        )
    if not one(connection, "select to_regclass('public.credit_transactions') is not null"):
        raise DemoError(
            "Nothing was done: the platform's tables are missing. Run manage.py platform_schema first."
        )
    for table, word, words in (
        ("public.organizations", "organization", "organizations"),
        ("auth.users", "login", "logins"),
        ("public.credit_transactions", "ledger entry", "ledger entries"),
    ):
        count = one(connection, f"select count(*) from (select from {table} limit 1000000) t")
        if count:
            return f"{count:,} {word if count == 1 else words}"
    return None


def load(connection, *, scale=1, until, seed=1):
    """Fills the database behind an autocommit connection of its owner; gives `{table: rows}`.

    Raises DemoError, with nothing changed, if there is anything in it.
    """
    with connection.transaction():
        connection.execute("set local statement_timeout = 0")
        connection.execute("set local search_path = public")
        # Two starts at the same moment: the second waits here, and then finds the tenants of the first.
        connection.execute("lock table organizations in share row exclusive mode")
        if found := occupied_by(connection):
            raise DemoError(f"Nothing was done: the database holds {found} already.")
        world = World(seed=seed, until=until, scale=scale)
        for table, row in oddities.standing(world):
            world.rows[table].append(row)
        counts = write_standing(connection, world)
        for batch in conversations.batches(world, oddities.rows):
            for table, rows in batch.items():
                counts[table] = counts.get(table, 0) + copy(
                    connection, table, conversations.COLUMNS[table], rows
                )
        lose_a_profile(connection)
        write_ledger(connection, world)
        edit_as_staff(connection)
        months.close_months(connection, world, act_as_staff)
        write_prices(connection, world)
        write_files(connection)
        write_notes(connection, world)
        counts["credit_transactions"] = one(connection, "select count(*) from credit_transactions")
    # Lists show the planner's totals, and index-only scans need the visibility map.
    connection.execute(
        "vacuum (analyze) " + ", ".join(f"public.{table}" for table in counts if table != "logins")
    )
    return counts


def one(connection, query, params=None):
    return connection.execute(query, params).fetchone()[0]


def copy(connection, table, columns, rows):
    statement = sql.SQL("copy {} ({}) from stdin").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as stream:
        for row in rows:
            stream.write_row(row)
    return len(rows)


def write_standing(connection, world):
    counts = {}
    early = ("logins", "user_profiles", "organizations")
    connection.execute(
        "create temporary table logins on commit drop as select * from auth.users with no data"
    )
    for table in early[1:]:
        connection.execute(
            sql.SQL("create temporary table {} on commit drop as select * from {} with no data").format(
                sql.Identifier(f"new_{table}"), sql.Identifier(table)
            )
        )
    for table in early:
        target = table if table == "logins" else f"new_{table}"
        counts[table] = copy(connection, target, STANDING[table], world.rows[table])
    # One statement, because triggers fire at its end: the sign-up trigger finds the profile and the organization
    # of each login and makes none. It would give the organization an id by chance, and the ids shall be the same
    # on every run.
    connection.execute(
        """
        with login as (
          insert into auth.users (id, email, phone, raw_user_meta_data, created_at, updated_at)
          select id, email, phone, raw_user_meta_data, created_at, created_at from logins
        ), profile as (
          insert into user_profiles select * from new_user_profiles
        )
        insert into organizations select * from new_organizations
        """
    )
    for table in STANDING:
        if table not in early:
            counts[table] = copy(connection, table, STANDING[table], world.rows[table])
    # A closed tenant: the ledger keeps what the organization had.
    connection.execute("delete from organizations where id = %s", [world.closed_id])
    counts["organizations"] -= 1
    return counts


def lose_a_profile(connection):
    """One login keeps its organization and has no profile, as after a sign-up that half failed."""
    connection.execute("delete from user_profiles where id = %s", [fixed_id("no-profile", "login")])


def act_as_staff(connection, reason):
    """From here on changes are made by the role of the back office, with who and why as its services say it."""
    connection.execute("set local role backoffice")
    connection.execute(
        "select set_config('backoffice.actor', %s, true), set_config('backoffice.actor_id', '0', true),"
        " set_config('backoffice.reason', %s, true), set_config('credits.role', 'Finance', true)",
        [ACTOR, reason],
    )


def write_ledger(connection, world):
    """Posts through public.post_credit, as the back office does, and changes two balances behind its back."""
    connection.execute(
        "create temporary table posting (n serial, organization_id uuid, amount numeric, kind text, reason text, "
        "reference text, note text, key text, at timestamptz, reverses text) on commit drop"
    )
    columns = ("organization_id", "amount", "kind", "reason", "reference", "note", "key", "at", "reverses")
    postings = ([getattr(posting, column) for column in columns] for posting in money.postings(world))
    copy(connection, "posting", columns, list(postings))
    # As the owner: hundreds of postings through the staff's role would bury what staff did in the audit.
    connection.execute("select set_config('backoffice.actor', %s, true)", [ACTOR])
    connection.execute(
        """
        do $$
        declare
          posting record;
        begin
          for posting in select * from pg_temp.posting order by at, n loop
            perform public.post_credit(posting.organization_id, posting.amount, posting.kind, posting.reason,
              posting.reference, posting.note, posting.key,
              (select id from public.credit_transactions where idempotency_key = posting.reverses));
          end loop;
        end $$
        """
    )
    # The ledger cannot be back-dated; its owner can take the guard off, in a demo.
    connection.execute("alter table credit_transactions disable trigger refuse_ledger_change")
    connection.execute(
        "update credit_transactions t set created_at = p.at from pg_temp.posting p where p.key = t.idempotency_key"
    )
    connection.execute("alter table credit_transactions enable trigger refuse_ledger_change")
    for slug, amount in (("cascade-credit", "500.00"), ("juniper-sage", "-3.20")):
        connection.execute(
            "update organizations set credits_balance = credits_balance + %s where id = %s",
            [amount, fixed_id(slug, "organization")],
        )


def edit_as_staff(connection):
    """A few changes and readings through the role of the back office, so that histories are not empty."""
    tidewater = fixed_id("tidewater", "number", 0)
    riverbend = fixed_id("riverbend-dental", "agent", 0)
    before = one(connection, "select temperature from agents where id = %s", [riverbend])
    for reason, statement, params in (
        (
            "Tenant gave the number back",
            "update phone_numbers set status = 'released' where id = %s",
            [tidewater],
        ),
        (
            "Asked for livelier answers by phone",
            "update agents set temperature = 1.2, description = 'Answers the phone by day.' where id = %s",
            [riverbend],
        ),
        (
            "Too lively: back to the value before",
            "update agents set temperature = %s where id = %s",
            [before, riverbend],
        ),
        (
            "Credentials replaced after a leak",
            "update sip_trunks set password = 'demo-password-new' where id = %s",
            [fixed_id("parcelwise", "trunk", 0)],
        ),
        (
            "Spelling, as in the contract",
            "update organizations set name = 'QuickCart' where id = %s",
            [fixed_id("quickcart", "organization")],
        ),
        (
            "Three calls were cut off on Friday",
            "select public.post_credit(%s, 12.00, 'goodwill', 'Three calls were cut off on Friday', 'TICKET-4711')",
            [fixed_id("grand-meridian", "organization")],
        ),
        (
            "The runtime took what a test call cost",
            "select billing.adopt_change(id, 'The runtime took what a test call cost', 'TICKET-4702')"
            " from credit_transactions where kind = 'outside' and organization_id = %s",
            [fixed_id("juniper-sage", "organization")],
        ),
        (
            "Prepaid for the year, by bank transfer",
            "select billing.request_credit(%s, 2400.00, 'top_up', 'Prepaid for the year, by bank transfer', 'INV-2310',"
            " null, null, null, 90)",
            [fixed_id("riverbend-dental", "organization")],
        ),
        (
            "Calls of 3 May were charged twice",
            "select billing.request_credit(%s, 18.40, 'refund', 'Calls of 3 May were charged twice', 'TICKET-4719',"
            " 'Asked by Mia on the phone.', null, null, 90)",
            [fixed_id("quickcart", "organization")],
        ),
        (
            "Moved to Pro with invoice INV-2301",
            "update user_profiles set subscription_tier = 'pro' where id = %s",
            [fixed_id("quickcart", "login")],
        ),
    ):
        act_as_staff(connection, reason)
        connection.execute(statement, params)
    # Two transcripts were opened; the newest two of a tenant, so that the record can be found again.
    act_as_staff(connection, "Complaint about a wrong appointment")
    connection.execute(
        """
        select audit.log_read('transcript', 'agent_sessions', s.id::text, s.session_id, a.organization_id,
                              s.message_count || ' messages')
        from (select * from agent_sessions where agent_id = %s
              order by coalesce(created_at, '-infinity') desc, id limit 2) s
        join agents a on a.id = s.agent_id
        """,
        [riverbend],
    )
    connection.execute("reset role")


def write_prices(connection, world):
    """What unpriced usage of two models is estimated at; the other models wait for a price."""
    act_as_staff(connection, "Vendor's price list, input and output blended")
    for model in ("gpt-4o", "gpt-4o-mini"):
        connection.execute(
            "insert into billing.price (model, valid_from, usd_per_1000) values (%s, %s, %s)",
            [model, world.ago(400).date(), str(conversations.PRICES[model])],
        )
    connection.execute("reset role")


# (tenant, days ago, pinned, ticket, text)
NOTES = [
    (
        "riverbend-dental",
        12,
        True,
        "",
        "Hannah Blake decides about everything that costs money. Call her before noon, Pacific time.",
    ),
    (
        "riverbend-dental",
        3,
        False,
        "https://tickets.example.com/4711",
        "Asked why callers hear a busy tone.\nThe balance was used up over the weekend; she tops up on Monday.",
    ),
    (
        "brightside-energy",
        1,
        True,
        "https://tickets.example.com/4720",
        "Invoice is being disputed. Do not remind them of the balance until finance has answered.",
    ),
    ("sakura-ryokan", 20, False, "", "電話番号を変更したいとのこと。新しい番号の契約書を待っています。"),
    (
        "praxis-weber",
        6,
        False,
        "",
        "Möchte, dass die Assistentin Termine absagen kann. Beispiel: https://www.example.com/termine",
    ),
]


def write_notes(connection, world):
    """Notes of the staff, where the back office's own tables are there already."""
    if not one(connection, "select to_regclass('backoffice.tenants_note') is not null"):
        return
    act_as_staff(connection, "")
    for slug, days, pinned, ticket, text in NOTES:
        at = world.ago(days)
        connection.execute(
            "insert into backoffice.tenants_note (id, organization_id, organization_name, text, ticket, author_name,"
            " created_at, pinned_at) select %s, id, name, %s, %s, %s, %s, %s from organizations where id = %s",
            [
                fixed_id(slug, "note", days), text, ticket, ACTOR, at, at if pinned else None,
                fixed_id(slug, "organization"),
            ],
        )  # fmt: skip
    connection.execute("reset role")
