"""Role backoffice_preview: it sees what a tenant's browser app may see, and writes nothing, whatever the app says."""

import psycopg
import pytest

from .servers import TABLES
from .test_rls import ALICE, BOB, of

EVERY = [*TABLES, "credit_transactions"]
DENIED = psycopg.errors.InsufficientPrivilege
ROLE = "backoffice_preview"


@pytest.fixture
def preview(world):
    """A real log-in as `backoffice_preview`, rolled back at the end."""
    with world.session(ROLE) as session:
        yield session


def take_part(session, sub):
    session.execute("set local role authenticated")
    session.execute(
        "select set_config('request.jwt.claims', json_build_object('sub', %s::text, 'role', 'authenticated')::text, true)",
        sub,
    )


def visible(session, table):
    """How many rows of a table; None where the table may not be read."""
    if session.attempt(f"select id from public.{table}"):
        return None
    return session.one(f"select count(id) from public.{table}")


def test_it_is_a_role_that_may_only_take_the_part_of_a_tenant(world):
    role = world.query(f"select * from pg_roles where rolname = '{ROLE}'")[0]
    assert role["rolcanlogin"] and not role["rolinherit"] and role["rolconnlimit"] == 20
    assert not any(
        role[right]
        for right in ("rolsuper", "rolcreaterole", "rolcreatedb", "rolbypassrls", "rolreplication")
    )
    member_of = f"select roleid::regrole::text from pg_auth_members where member = '{ROLE}'::regrole"
    assert world.query(member_of) == ["authenticated"]
    settings = " ".join(role["rolconfig"])
    for setting in ("default_transaction_read_only=on", "search_path=public", "statement_timeout=10s"):
        assert setting in settings


def test_by_itself_it_reads_nothing(preview):
    for table in [
        *(f"public.{table}" for table in EVERY),
        "audit.event",
        "audit.read_log",
        "billing.statement",
    ]:
        assert isinstance(preview.attempt(f"select count(*) from {table}"), DENIED), table


def test_as_a_tenant_it_reads_what_the_data_api_gives_that_tenant(world, anyone, preview):
    take_part(preview, ALICE)
    seen = {table: visible(preview, table) for table in EVERY}
    anyone.become("authenticated", ALICE)
    assert seen == {table: visible(anyone, table) for table in EVERY}
    assert seen["agents"] and seen["call_logs"] and seen["credit_transactions"] is None
    assert seen["agents"] < world.value("select count(*) from public.agents")
    assert isinstance(preview.attempt("select password from public.sip_trunks"), DENIED)
    take_part(preview, BOB)
    assert of("a0000000", 2) not in [str(row["id"]) for row in preview.all("select id from public.agents")]


@pytest.mark.parametrize("other", ["backoffice", "postgres", "service_role", "anon", "authenticator"])
def test_it_becomes_nobody_else(preview, other):
    assert isinstance(preview.attempt(f"set role {other}"), DENIED)
    take_part(preview, ALICE)
    assert isinstance(preview.attempt(f"set role {other}"), DENIED)
    assert isinstance(preview.attempt(f"set session authorization {other}"), DENIED)


@pytest.mark.parametrize(
    "statement",
    [
        "update public.organizations set name = 'taken'",
        "update public.agents set name = 'taken'",
        "update public.user_profiles set full_name = 'taken'",
        "update public.sip_trunks set password = 'taken'",
        "update public.phone_numbers set agent_id = null",
        "delete from public.agents",
        "delete from public.sip_trunks",
        f"insert into public.organizations (id, name, owner_id) values (gen_random_uuid(), 'more', '{ALICE}')",
        f"insert into public.agents (organization_id, name) values ('{of('a0000000', 1)}', 'more')",
        f"insert into public.sip_trunks (organization_id, provider) values ('{of('a0000000', 1)}', 'more')",
        "insert into public.chat_sessions (project_id) select id from public.agents limit 1",
        "update public.agent_sessions set status = 'ended'",
    ],
)
def test_a_tenants_own_rights_to_write_are_of_no_use_to_it(anyone, preview, statement):
    """Neither in its read-only transaction, nor when somebody makes the transaction one that writes."""
    take_part(preview, ALICE)
    assert isinstance(preview.attempt(statement), psycopg.errors.ReadOnlySqlTransaction)
    assert preview.attempt("set transaction read write") is not None  # something was read already
    preview.execute("rollback")
    preview.execute("begin read write")
    take_part(preview, ALICE)
    error = preview.attempt(statement)
    assert isinstance(error, DENIED) and "writes nothing" in str(error)
    # The tenant itself is not held back by it.
    anyone.become("authenticated", ALICE)
    assert "writes nothing" not in str(anyone.attempt(statement))


@pytest.mark.parametrize(
    "call",
    [
        "public.post_credit(null, 1, 'top_up', 'r', null, null, 'a', 1)",
        "audit.log_read('search', 'agents')",
        "audit.delete_record('agents', gen_random_uuid())",
        "audit.find_login('x')",
        "audit.close_organization(gen_random_uuid(), 'a', 'b', 1)",
        "billing.posted_today(1)",
    ],
)
def test_it_calls_no_function_of_the_back_office(preview, call):
    assert isinstance(preview.attempt(f"select {call}"), DENIED)
    take_part(preview, ALICE)
    assert isinstance(preview.attempt(f"select {call}"), DENIED)


def test_a_definer_function_writes_nothing_for_it(make):
    """One that a deployment added, and lets every log-in call."""
    database = make("world")
    database.query(
        "create function public.take() returns void language sql security definer set search_path = ''"
        " begin atomic update public.agents set name = 'taken'; end"
    )
    with database.session(ROLE) as session:
        session.execute("rollback")
        session.execute("begin read write")
        take_part(session, ALICE)
        assert "writes nothing" in str(session.attempt("select public.take()"))


def test_it_is_put_right_or_refused(make):
    """Rights that somebody gave it are taken away by running the file again; powers and memberships are refused."""
    database = make("fresh")
    database.query(
        f"grant select on public.agents, audit.event to {ROLE}; grant usage on schema audit to {ROLE}"
    )
    database.query(f"alter role {ROLE} inherit connection limit -1")
    database.query(f"alter role {ROLE} reset default_transaction_read_only")
    database.run("preview.sql")
    assert not database.value(f"select has_table_privilege('{ROLE}', 'public.agents', 'select')")
    assert not database.value(f"select has_schema_privilege('{ROLE}', 'audit', 'usage')")
    role = database.query(f"select * from pg_roles where rolname = '{ROLE}'")[0]
    assert not role["rolinherit"] and "default_transaction_read_only=on" in role["rolconfig"]
    for more, less in [
        (f"alter role {ROLE} bypassrls", f"alter role {ROLE} nobypassrls"),
        (f"grant service_role to {ROLE}", f"revoke service_role from {ROLE}"),
        (f"grant backoffice to {ROLE}", f"revoke backoffice from {ROLE}"),
        (f"grant {ROLE} to backoffice", f"revoke {ROLE} from backoffice"),
    ]:
        database.query(more)
        try:
            with pytest.raises(psycopg.Error, match=ROLE):
                database.run("preview.sql")
        finally:
            database.query(less)
    database.run("preview.sql")
