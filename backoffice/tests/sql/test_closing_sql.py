"""Closing an organization in the database: what blocks it, what goes, what stays, and who is refused."""

import psycopg
import pytest

from .test_rls import ALICE, of

ORG, AGENT, NUMBER, CALL = of("a0000000", 1), of("a0000000", 2), of("a0000000", 4), of("a0000000", 10)
OTHER_ORG = of("b0000000", 1)
DENIED = psycopg.errors.InsufficientPrivilege
SHA = "ab" * 32
CLOSE = "select audit.close_organization(%s, %s, %s)"
READY = [
    f"update public.organizations set credits_balance = 0 where id = '{ORG}'",
    f"update public.phone_numbers set status = 'released' where organization_id = '{ORG}'",
    f"update public.call_logs set status = 'completed' where organization_id = '{ORG}'",
]


@pytest.fixture
def tenant(world):
    """A log-in as `backoffice` with actor and reason, after a superuser's statements; nothing is kept."""
    with world.session() as session:
        session.name = session.one("select name from public.organizations where id = %s", ORG)

        def run(*statements, exported=True):
            for statement in statements:
                session.execute(statement)
            session.as_user("backoffice")
            session.actor()
            if exported:
                export(session)
            return session

        yield run


def export(session, sha=SHA):
    session.execute(
        "select audit.log_read('export', 'organizations', %s, 'x', %s,"
        " 'Everything as of ' || to_char(clock_timestamp(), 'YYYY-MM-DD\"T\"HH24:MI:SS.USOF') || ', SHA-256 ' || %s)",
        ORG, ORG, sha,
    )  # fmt: skip


def blockers(session):
    return {
        row["kind"]: row["row_count"] for row in session.all("select * from audit.closing_blockers(%s)", ORG)
    }


def counts(session):
    tables = ["agents", "sip_trunks", "phone_numbers", "usage_logs", "call_logs"]
    return {
        table: session.one(f"select count(*) from public.{table} where organization_id = %s", ORG)
        for table in tables
    }


def test_everything_of_the_tenant_goes_and_nothing_of_another(tenant):
    session = tenant(*READY)
    before = session.one("select count(*) from public.agent_messages") - 1
    agents_of_other = session.one("select count(*) from public.agents where organization_id = %s", OTHER_ORG)
    gone = session.one(CLOSE, ORG, session.name, SHA)
    assert gone["organizations"] == gone["agents"] == 1 and gone["agent_messages"] == before > 1
    assert gone["chat_sessions"] == 2 and gone["chat_messages"] == 2
    assert set(counts(session).values()) == {0}
    for table in ("agent_messages", "agent_sessions", "chat_sessions", "chat_messages"):
        assert session.one(f"select count(*) from public.{table}") == 1, (
            f"one row of the other tenant in {table}"
        )
    assert (
        session.one("select count(*) from public.agents where organization_id = %s", OTHER_ORG)
        == agents_of_other
    )
    assert session.one("select count(*) from public.user_profiles where id = %s", ALICE) == 1


def test_the_entry_names_counts_and_export_and_no_content(tenant):
    session = tenant(*READY)
    gone = session.one(CLOSE, ORG, session.name, SHA)
    events = session.all(
        "select * from audit.event where organization_id = %s and action = 'delete' order by id", ORG
    )
    closing = events[-1]
    assert closing["new"]["closed"] and closing["new"]["export_sha256"] == SHA
    assert closing["new"]["rows_deleted"] == gone
    assert (closing["actor"], closing["reason"], closing["row_label"]) == (
        "Ada Lovelace",
        "Asked for by the customer",
        session.name,
    )
    tables = [event["table_name"] for event in events[:-1]]
    assert sorted(tables) == ["agents", "organizations", "phone_numbers", "sip_trunks"]
    assert session.all("select 1 from audit.event where old::text like '%%Alice asks%%'") == []
    assert "alice-trunk-secret" not in str(events)


def test_each_blocker_blocks_until_it_is_resolved(tenant, world):
    session = tenant(
        f"update public.organizations set credits_balance = 5 where id = '{ORG}'",
        f"update public.phone_numbers set agent_id = '{AGENT}' where organization_id = '{OTHER_ORG}'",
        f"update public.usage_logs set agent_id = '{AGENT}' where organization_id = '{OTHER_ORG}'",
        "create table public.invoices (id int, organization_id uuid references public.organizations)",
        "alter table public.invoices owner to postgres",
        f"insert into public.invoices values (1, '{ORG}')",
        f"update public.call_logs set created_at = now() where id = '{CALL}'",
    )
    assert list(blockers(session)) == [
        "balance", "active_numbers", "running_calls", "foreign_numbers", "foreign_usage", "table public.invoices",
    ]  # fmt: skip
    for resolve in [
        f"select public.post_credit('{ORG}', -5, 'refund', 'Closing')",
        *READY[1:],
        f"update public.phone_numbers set agent_id = null where organization_id = '{OTHER_ORG}'",
    ]:
        assert "cannot be closed yet" in str(session.attempt(CLOSE, ORG, session.name, SHA))
        session.execute(resolve.replace("= 'completed'", "= 'completed', cost = 0"))
    assert list(blockers(session)) == ["foreign_usage", "table public.invoices"]
    assert "foreign usage" in str(session.attempt(CLOSE, ORG, session.name, SHA))


def test_a_call_that_nobody_ended_counts_as_running_for_some_hours_only(tenant):
    session = tenant(
        f"update public.call_logs set created_at = now() - interval '3 hours' where id = '{CALL}'"
    )
    running = "select count(*) from audit.closing_blockers(%s, %s) where kind = 'running_calls'"
    assert [session.one(running, ORG, minutes) for minutes in (240, 60)] == [1, 0]


def test_closing_needs_actor_reason_name_and_a_fresh_export(tenant):
    session = tenant(*READY, exported=False)
    assert "no export" in str(session.attempt(CLOSE, ORG, session.name, SHA))
    export(session, "cd" * 32)
    assert "no export" in str(session.attempt(CLOSE, ORG, session.name, SHA))
    export(session)
    assert "checksum" in str(session.attempt(CLOSE, ORG, session.name, "%"))
    assert "another name" in str(session.attempt(CLOSE, ORG, session.name.upper(), SHA))
    assert "no such" in str(session.attempt(CLOSE, of("d0000000", 1), "x", SHA))
    for missing in ("actor", "reason"):
        session.execute("savepoint s")
        session.execute("select set_config(%s, ' ', true)", f"backoffice.{missing}")
        assert isinstance(session.attempt(CLOSE, ORG, session.name, SHA), DENIED)
        session.execute("rollback to savepoint s")
    session.execute("update public.agents set description = 'new' where id = %s", AGENT)
    assert "changed after the export" in str(session.attempt(CLOSE, ORG, session.name, SHA))
    export(session)
    assert session.attempt(CLOSE, ORG, session.name, SHA) is None
    assert "no such" in str(session.attempt(CLOSE, ORG, session.name, SHA))


def test_the_ledger_survives_with_the_name_and_sums_to_nothing(tenant):
    session = tenant(
        f"update public.organizations set credits_balance = 5 where id = '{ORG}'",
        f"update public.organizations set credits_balance = 0 where id = '{ORG}'",
        *READY,
    )
    session.execute(CLOSE, ORG, session.name, SHA)
    rows = session.all("select * from public.credit_transactions where organization_id = %s", ORG)
    assert len(rows) >= 2 and sum(row["amount"] for row in rows) == 0
    assert {row["organization_name"] for row in rows} == {session.name}


def test_later_changes_by_staff_in_the_same_transaction_are_recorded_as_ever(tenant):
    session = tenant(*READY)
    session.execute(CLOSE, ORG, session.name, SHA)
    session.execute("update public.agent_sessions set status = 'ended'")
    assert session.one("select table_name from audit.event order by id desc limit 1") == "agent_sessions"


def test_nobody_else_may_call_it(world):
    functions = world.query(
        "select p.oid::regprocedure::text from pg_proc p cross join (values ('anon'), ('authenticated'), ('service_role')) r(n)"
        " where p.pronamespace = 'audit'::regnamespace and has_function_privilege(r.n, p.oid, 'execute')"
        " and p.proname !~ '^search_'"  # whoever writes a row writes the indexes with them
    )
    assert functions == []
