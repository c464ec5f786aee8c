"""What PostgreSQL refuses to the role `backoffice`, logged in for real, whatever Python does."""

import psycopg
import pytest

from .servers import TABLES
from .test_rls import ALICE, BOB, of

ORG, AGENT, TRUNK, NUMBER = of("a0000000", 1), of("a0000000", 2), of("a0000000", 3), of("a0000000", 4)
SESSION, CALL = of("a0000000", 5), of("a0000000", 10)
DENIED = psycopg.errors.InsufficientPrivilege
RECORDS = ["public.credit_transactions", "audit.event", "audit.read_log"]


@pytest.fixture
def acting(staff):
    staff.actor()
    return staff


def test_it_is_an_ordinary_role(world):
    role = world.query("select * from pg_roles where rolname = 'backoffice'")[0]
    assert role["rolcanlogin"]
    assert not any(
        role[right]
        for right in ("rolsuper", "rolcreaterole", "rolcreatedb", "rolbypassrls", "rolreplication")
    )
    assert world.query("select roleid from pg_auth_members where member = 'backoffice'::regrole") == []
    settings = " ".join(role["rolconfig"])
    assert "search_path=backoffice, public" in settings
    assert "UTC" in settings


def test_a_role_that_can_do_more_is_not_accepted(make):
    """Whoever made it by hand with more rights hears so; nothing is loaded over it."""
    database = make("fresh")
    for more, less in [
        ("alter role backoffice bypassrls", "alter role backoffice nobypassrls"),
        ("alter role backoffice superuser", "alter role backoffice nosuperuser"),
        ("grant service_role to backoffice", "revoke service_role from backoffice"),
        ("grant create on schema public to backoffice", "revoke create on schema public from backoffice"),
    ]:
        database.query(more)
        try:
            with pytest.raises(psycopg.Error, match="backoffice"):
                database.run("backoffice.sql")
        finally:
            database.query(less)
    database.run("backoffice.sql")


def test_it_owns_its_schema_and_nothing_else(world):
    owned = world.query(
        "select classid::regclass::text || ' ' || objid from pg_shdepend"
        " where refclassid = 'pg_authid'::regclass and refobjid = 'backoffice'::regrole and deptype = 'o'"
        " and dbid = (select oid from pg_database where datname = current_database())"
    )
    schema = world.value("select 'pg_namespace ' || oid from pg_namespace where nspname = 'backoffice'")
    assert owned == [schema]


def test_it_sees_every_row(world):
    with world.session("backoffice") as session:
        for table in [*TABLES, "credit_transactions"]:
            seen = session.one(f"select count(*) from public.{table}")
            assert seen == world.value(f"select count(*) from public.{table}") > 0, table


@pytest.mark.parametrize(
    "statement",
    [
        "select password from sip_trunks",
        "select * from sip_trunks",
        "select t from sip_trunks t",
        "select to_jsonb(t) from sip_trunks t",
        "select t::text from sip_trunks t",
        "select count(password) from sip_trunks",
        "select id from sip_trunks where password = 'alice-trunk-secret'",
        "select id from sip_trunks order by password",
        "select id from sip_trunks t where t::text like '%alice-trunk%'",
        "select id from sip_trunks natural join (select 'alice-trunk-secret' as password) x",
        "update sip_trunks set username = password",
        "update sip_trunks set sip_domain = 'x' where password <> ''",
        "update sip_trunks set sip_domain = 'x' returning password",
        "update sip_trunks set sip_domain = 'x' returning sip_trunks",
        "insert into sip_trunks (provider) values ('x') returning *",
        "insert into sip_trunks select * from sip_trunks",
        "insert into sip_trunks (id, provider) select id, 'x' from sip_trunks"
        " on conflict (id) do update set username = sip_trunks.password",
        "merge into sip_trunks t using (select 1) x on true when matched then update set username = t.password",
        "create table backoffice.copy as select * from sip_trunks",
        "create materialized view backoffice.copy as select password from sip_trunks",
        "lock table sip_trunks in access exclusive mode",
        "analyze sip_trunks (password)",
    ],
)
def test_trunk_password_cannot_be_read(acting, statement):
    error = acting.attempt(statement)
    if statement.startswith("analyze") and error is None:
        return  # only a warning, and the statistics of the column stay out of sight (next test)
    assert isinstance(error, DENIED), error


def test_trunk_password_by_way_of_views_statistics_and_copy(acting):
    acting.execute("create view backoffice.trunks as select * from public.sip_trunks")
    assert isinstance(acting.attempt("select password from backoffice.trunks"), DENIED)
    acting.execute(
        "create function backoffice.trunks() returns setof public.sip_trunks language sql security definer"
        " as 'select * from public.sip_trunks'"
    )
    assert isinstance(acting.attempt("select password from backoffice.trunks()"), DENIED)
    assert acting.all("select 1 from pg_stats where attname = 'password' and tablename = 'sip_trunks'") == []
    assert isinstance(acting.attempt("select * from pg_statistic"), DENIED)
    for what in ("sip_trunks", "sip_trunks (password)", "(select password from sip_trunks)"):
        acting.execute("savepoint copying")
        with pytest.raises(DENIED), acting.connection.cursor().copy(f"copy {what} to stdout") as copy:
            list(copy)
        acting.execute("rollback to savepoint copying")


def test_trunk_password_can_be_written_and_asked_for(acting):
    acting.execute("update sip_trunks set password = 'a new one' where id = %s", TRUNK)
    acting.execute("insert into sip_trunks (provider, password) values ('twilio', 'another')")
    found = acting.all(
        "select t::text as id from audit.trunks_with_password(%s) t", [TRUNK, of("b0000000", 3), ORG]
    )
    assert {row["id"] for row in found} == {TRUNK, of("b0000000", 3)}


@pytest.mark.parametrize(
    "statement",
    [
        "update organizations set credits_balance = 1",
        "update organizations set credits_balance = null",
        "update organizations set credits_balance = default",
        "update organizations set (name, credits_balance) = ('x', 1)",
        f"insert into organizations (id, name, owner_id, credits_balance) select id, name, owner_id, 1"
        f" from organizations where id = '{ORG}' on conflict (id) do update set credits_balance = 1000",
        "merge into organizations o using (select 1) x on true when matched then update set credits_balance = 1",
        f"insert into organizations (name, owner_id, credits_balance) values ('Rich', '{ALICE}', 1000)",
        f"insert into organizations (name, owner_id, credits_balance) values ('Poor', '{ALICE}', -1000)",
    ],
)
def test_balance_cannot_be_set(acting, statement):
    assert isinstance(acting.attempt(statement), DENIED)


def test_bookkeeping_columns_cannot_be_set(acting):
    for table, column, value in [
        ("organizations", "id", "gen_random_uuid()"),
        ("organizations", "created_at", "now()"),
        ("agents", "id", "gen_random_uuid()"),
        ("phone_numbers", "id", "gen_random_uuid()"),
        ("agent_sessions", "session_id", "'x'"),
        ("agent_sessions", "conversation_history", "'[]'"),
        ("agent_messages", "content", "'x'"),
        ("chat_messages", "text", "'x'"),
        ("usage_logs", "tokens_used", "1"),
        ("call_logs", "organization_id", "null"),
        ("call_logs", "session_id", "'x'"),
    ]:
        assert isinstance(acting.attempt(f"update {table} set {column} = {value}"), DENIED), (table, column)


@pytest.mark.parametrize("table", [*TABLES, *RECORDS])
def test_no_row_is_deleted_directly(acting, table):
    for statement in (
        f"delete from {table}",
        f"delete from {table} where false",
        f"truncate {table}",
        f"truncate {table} cascade",
    ):
        assert isinstance(acting.attempt(statement), DENIED), statement


def test_merge_deletes_nothing(acting):
    for table in TABLES:
        id_ = "id"
        statement = f"merge into {table} t using (select 1) x on t.{id_} is not null when matched then delete"
        assert isinstance(acting.attempt(statement), DENIED), table


@pytest.mark.parametrize("table", RECORDS)
def test_records_are_append_only_and_not_its_to_append(world, acting, table):
    columns = world.query(
        "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and attname <> 'id'",
        table,
    )
    for column in columns:
        assert isinstance(acting.attempt(f"update {table} set {column} = {column}"), DENIED)
    for statement in (
        f"insert into {table} default values",
        f"insert into {table} ({columns[0]}) values (null)",
        f"insert into {table} overriding system value select * from {table}",
        f"insert into {table} ({columns[0]}) values (null) on conflict do nothing",
        f"select nextval(pg_get_serial_sequence('{table}', 'id'))",
        f"select setval(pg_get_serial_sequence('{table}', 'id'), 1)",
    ):
        assert isinstance(acting.attempt(statement), DENIED), statement


def objects(database):
    """Statements that would drop, change or take over each thing that protects the records."""
    with database.connect("embedded_admin") as connection:
        functions = connection.execute(
            "select oid::regprocedure::text as name from pg_proc"
            " where pronamespace::regnamespace::text in ('public', 'audit', 'billing', 'transcripts', 'figures', 'auth')"
        ).fetchall()
        triggers = connection.execute(
            "select tgname as name, tgrelid::regclass::text as relation from pg_trigger where not tgisinternal"
        ).fetchall()
        policies = connection.execute(
            "select policyname as name, format('%I.%I', schemaname, tablename) as relation from pg_policies"
        ).fetchall()
        indexes = connection.execute(
            "select format('%I.%I', schemaname, indexname) as name from pg_indexes"
            " where schemaname in ('public', 'audit', 'billing', 'transcripts', 'figures')"
        ).fetchall()
    for table in [f"public.{name}" for name in TABLES] + RECORDS + ["auth.users"]:
        yield f"drop table {table} cascade"
        yield f"alter table {table} rename to gone"
        yield f"alter table {table} owner to backoffice"
        yield f"alter table {table} set schema backoffice"
        yield f"alter table {table} disable trigger all"
        yield f"alter table {table} disable trigger user"
        yield f"alter table {table} disable row level security"
        yield f"alter table {table} no force row level security"
        yield f"alter table {table} add column more text"
        yield f"alter table {table} drop column id cascade"
        yield f"alter table {table} add constraint no check (false) not valid"
        yield f"create policy mine on {table} using (true)"
        yield f"create trigger mine before insert on {table} for each row execute function mine()"
        yield f"create rule mine as on insert to {table} do instead nothing"
        yield f"create index mine on {table} (id)"
        yield f"create table backoffice.child (like {table}, foreign key (id) references {table} (id))"
        yield f"create table backoffice.child () inherits ({table})"
        yield f"comment on table {table} is 'mine'"
    for row in functions:
        yield f"drop function {row['name']} cascade"
        yield f"alter function {row['name']} owner to backoffice"
        yield f"alter function {row['name']} security invoker"
        yield f"alter function {row['name']} reset all"
    for row in triggers:
        yield f'drop trigger "{row["name"]}" on {row["relation"]}'
        yield f'alter table {row["relation"]} disable trigger "{row["name"]}"'
    for row in policies:
        yield f'drop policy "{row["name"]}" on {row["relation"]}'
        yield f'alter policy "{row["name"]}" on {row["relation"]} using (true)'
    for row in indexes:
        yield f"drop index {row['name']}"
    for schema in ("public", "audit", "auth"):
        yield f"drop schema {schema} cascade"
        yield f"alter schema {schema} owner to backoffice"
        yield f"alter schema {schema} rename to gone"
        yield f"create table {schema}.mine (id int)"
        yield f"create function {schema}.mine() returns int language sql as 'select 1'"
        yield f"create type {schema}.mine as enum ('x')"
        yield f"create view {schema}.mine as select 1 as x"


def test_it_changes_no_table_function_trigger_policy_or_schema(world, acting):
    acting.execute(
        "create function backoffice.mine() returns trigger language plpgsql as 'begin return null; end'"
    )
    allowed = []
    for statement in objects(world):
        error = acting.attempt(statement)
        if not isinstance(error, (DENIED, psycopg.errors.WrongObjectType)):
            allowed.append((statement, str(error)))
    assert allowed == []


@pytest.mark.parametrize(
    "statement",
    [
        "set role service_role",
        "set role postgres",
        "set role authenticated",
        "set role anon",
        "set role authenticator",
        "set role supabase_auth_admin",
        "set role embedded_admin",
        "set session authorization postgres",
        "grant postgres to backoffice",
        "grant service_role to backoffice",
        "create role mine",
        "create role mine in role postgres",
        "alter role backoffice bypassrls",
        "alter role backoffice superuser",
        "alter role backoffice createrole",
        "alter role postgres password 'x'",
        "drop role service_role",
        "alter database postgres owner to backoffice",
        "create schema mine",
        "create extension plpython3u",
        "create language plpython3u",
        "create foreign data wrapper mine",
        "create event trigger mine on ddl_command_start execute function mine()",
        "create publication mine for all tables",
        "set session_replication_role = replica",
        "set local session_replication_role = replica",
        "select set_config('session_replication_role', 'replica', true)",
        "alter role backoffice set session_replication_role = replica",
        "set row_security = off; select * from user_profiles where false; select 1/0",
        "select * from auth.users",
        "select email from auth.users",
        "update auth.users set email = 'x'",
        "delete from auth.users",
        "select * from pg_authid",
        "select pg_read_file('postgresql.conf')",
        "select pg_ls_dir('.')",
        "select lo_import('/etc/passwd')",
        "copy organizations from program 'echo'",
        "copy (select 1) to program 'cat'",
        "copy (select 1) to '/tmp/x'",
        "load 'mine'",
        "alter default privileges for role postgres grant all on tables to backoffice",
        "reassign owned by postgres to backoffice",
        "drop owned by postgres",
        "select pg_terminate_backend(1)",
    ],
)
def test_it_does_not_become_more(acting, statement):
    error = acting.attempt(statement)
    if "row_security" in statement:
        assert isinstance(
            error, (psycopg.errors.DivisionByZero, DENIED)
        )  # its policies are all true: no gain
    elif "pg_terminate" in statement:
        return
    else:
        assert error is not None, "it went through"
        assert (
            isinstance(
                error, (DENIED, psycopg.errors.InvalidParameterValue, psycopg.errors.FeatureNotSupported)
            )
            or "permission denied" in str(error)
            or "not available" in str(error)
        ), error


def test_it_changes_nothing_of_the_server(world):
    with world.connect("backoffice") as connection:
        for statement in (
            "create database mine",
            "alter system set fsync = off",
            "create tablespace t location '/x'",
        ):
            with pytest.raises(DENIED):
                connection.execute(statement)


def test_grants_by_itself_have_no_effect(world, acting):
    """GRANT of what one holds without grant option is a warning, not an error; nothing may come of it."""
    for statement in (
        "grant all on all tables in schema public to backoffice",
        "grant all on all tables in schema audit to backoffice",
        "grant select (password) on sip_trunks to backoffice",
        "grant delete on organizations to backoffice",
        "grant update on organizations to public",
        "grant create on schema public to backoffice",
        "grant usage on schema auth to backoffice",
        "grant execute on all functions in schema audit to anon",
    ):
        acting.attempt(statement)
    for statement in (
        "select password from sip_trunks",
        "delete from organizations",
        "update organizations set credits_balance = 1",
        "create table public.mine (id int)",
        "update audit.event set actor = 'x'",
        "delete from credit_transactions",
    ):
        assert isinstance(acting.attempt(statement), DENIED), statement
    acting.connection.rollback()


WRITES = [
    "update organizations set name = 'Renamed'",
    "update organizations set owner_id = owner_id, name = name || '!'",
    "update user_profiles set full_name = 'X'",
    "update agents set name = 'X'",
    "update sip_trunks set username = 'X'",
    "update phone_numbers set status = 'released'",
    "update agent_sessions set status = 'ended'",
    "update call_logs set cost = 1",
    f"insert into organizations (name, owner_id) values ('New', '{ALICE}')",
    f"insert into agents (organization_id, name) values ('{ORG}', 'New')",
    f"insert into phone_numbers (organization_id, phone_number) values ('{ORG}', '+14155550888')",
    "insert into sip_trunks (provider) values ('twilio')",
    f"select post_credit('{ORG}', 5, 'top_up', 'because')",
    f"select audit.delete_record('organizations', '{of('c0000000', 1)}')",
    f"select audit.log_read('transcript', 'agent_sessions', '{SESSION}', 'x', '{ORG}', null)",
]


@pytest.mark.parametrize("statement", WRITES)
def test_no_write_without_an_actor(staff, statement):
    """Not with none, an empty one, or one that an earlier transaction of the connection left behind."""
    assert isinstance(staff.attempt(statement), DENIED)
    for name in ("", "   "):
        staff.actor(name=name)
        assert isinstance(staff.attempt(statement), DENIED), repr(name)
    staff.actor()
    assert staff.attempt(statement) is None
    staff.connection.rollback()
    assert isinstance(staff.attempt(statement), DENIED), "the actor goes with its transaction"


def test_no_write_without_an_actor_even_in_a_nested_way(staff):
    """From a function or a rule of its own the check is the same."""
    staff.execute(
        "create function backoffice.rename() returns void language sql security definer"
        " as $$ update public.organizations set name = 'x' $$"
    )
    assert isinstance(staff.attempt("select backoffice.rename()"), DENIED)
    assert isinstance(staff.attempt("do $$ begin update public.organizations set name = 'x'; end $$"), DENIED)
    assert isinstance(
        staff.attempt("with x as (update organizations set name = 'x' returning 1) select * from x"), DENIED
    )


def test_number_takes_agents_of_the_same_organization_only(acting):
    for statement in (
        f"update phone_numbers set agent_id = '{of('b0000000', 2)}' where id = '{NUMBER}'",
        f"update phone_numbers set organization_id = '{of('b0000000', 1)}' where id = '{NUMBER}'",
        "insert into phone_numbers (organization_id, agent_id, phone_number)"
        f" values ('{ORG}', '{of('b0000000', 2)}', '+14155550888')",
    ):
        assert acting.attempt(statement) is not None, statement
    acting.execute(
        f"update phone_numbers set organization_id = '{of('b0000000', 1)}', agent_id = '{of('b0000000', 2)}'"
        f" where id = '{NUMBER}'"
    )


def test_a_number_that_is_wrong_already_can_be_released(upgraded):
    with upgraded.session("backoffice") as session:
        session.actor()
        session.execute(
            "update phone_numbers set status = 'released' where id = '50000000-0000-0000-0000-000000000002'"
        )
        session.execute("update phone_numbers set agent_id = null")


def test_shadows_do_not_fool_the_functions(world, acting):
    """Temporary tables and functions of one's own under the names that the owner's functions use."""
    for table in TABLES:
        acting.execute(f"create temp table {table} (id uuid, organization_id uuid, credits_balance numeric)")
    acting.execute("create temp table event (id int)")
    acting.execute("create temp table users (id uuid, email text, created_at timestamptz)")
    for name, arguments, returns in [
        ("current_setting", "text, boolean", "text"),
        ("set_config", "text, text, boolean", "text"),
        ("now", "", "timestamptz"),
        ("has_function_privilege", "text, text, text", "boolean"),
    ]:
        acting.execute(
            f"create function backoffice.{name}({arguments}) returns {returns} language plpgsql"
            " as $$ begin raise exception 'shadow'; end $$"
        )
    acting.execute("set local search_path = pg_temp, backoffice, pg_catalog, public")
    acting.execute("update public.organizations set name = 'Renamed' where id = %s", ORG)
    acting.execute("select public.post_credit(%s, 5, 'top_up', 'because')", ORG)
    acting.execute("select audit.delete_record('organizations', %s)", of("c0000000", 1))
    assert acting.one("select count(*) from audit.find_login('alice@example.com')") == 1
    acting.execute("set local search_path = backoffice, public")
    assert acting.one("select credits_balance from public.organizations where id = %s", ORG) == 105
    assert acting.one("select count(*) from public.organizations") == 2
    assert (
        acting.one("select count(*) from audit.event where table_name = 'organizations' and source = 'app'")
        == 2
    )


def test_triggers_of_the_owner_cannot_be_hung_on_tables_of_its_own(world, acting):
    """Else a table of its own, named organizations, forges entries of the audit and the ledger."""
    functions = world.query(
        "select oid::regprocedure::text from pg_proc where prorettype = 'trigger'::regtype"
        " and pronamespace::regnamespace::text in ('public', 'audit', 'billing', 'transcripts', 'figures')"
    )
    ledger = acting.one("select count(*) from public.credit_transactions")
    acting.execute("create table backoffice.organizations as select * from public.organizations limit 0")
    for function in functions:
        acting.attempt(
            "create trigger forging after insert or update or delete on backoffice.organizations for each row"
            f" execute function {function}"
        )
        acting.attempt(
            "create trigger forging_all before truncate on backoffice.organizations for each statement"
            f" execute function {function}"
        )
        acting.attempt(
            "insert into backoffice.organizations (id, name, credits_balance) values (gen_random_uuid(), 'Forged', 5)"
        )
        acting.attempt("update backoffice.organizations set credits_balance = 1000")
        acting.attempt("truncate backoffice.organizations")
        acting.attempt("drop trigger if exists forging on backoffice.organizations")
        acting.attempt("drop trigger if exists forging_all on backoffice.organizations")
    assert acting.one("select count(*) from public.credit_transactions") == ledger
    assert (
        acting.all("select * from audit.event where table_name = 'organizations' and row_label = 'Forged'")
        == []
    )


def test_functions_that_it_may_call(world):
    """Any other function of the owner that it can call needs a reason to stand here."""
    callable_ = world.query(
        "select oid::regprocedure::text from pg_proc where prosecdef"
        " and pronamespace::regnamespace::text in ('public', 'audit', 'billing', 'transcripts', 'figures')"
        " and prorettype <> 'trigger'::regtype and has_function_privilege('backoffice', oid, 'EXECUTE')"
    )
    names = {name.split("(")[0] for name in callable_}
    assert names <= {
        "post_credit",
        "audit.find_login",
        "audit.trunks_with_password",
        "audit.log_read",
        "audit.login_of_mail",  # by a whole mail address only, as find_login
        "audit.delete_blockers",
        "audit.delete_record",
        "audit.closing_blockers",
        "audit.close_organization",
        "audit.person_ids",  # by a whole mail address or number only
        "audit.person_logins",
        "audit.find_person",
        "audit.begin_erasure",
        "audit.end_erasure",
        "audit.erase_rows",
        "audit.prune",  # never less than a year old, and told: test_retention_sql.py
        "billing.add_bulk_posting",
        "billing.decide_bulk_posting",
        "billing.erase_given",
        "billing.adopt_change",
        "billing.close_month",  # for whoever acts with a reason, of what it may read
        "billing.month_problem",
        "billing.organizations_to_close",
        "billing.statement_content",
        "billing.post_bulk_row",
        "billing.decide_request",
        "billing.request_credit",
        "billing.withdraw_request",
        "billing.posted_today",  # a sum of one person's postings, which it may read
        "billing.withdraw_bulk_posting",
        "billing.begin_settlement",  # opens a day that is over, in order
        "billing.settle_rows",  # posts what the rows given to it still owe, once
        "billing.finish_settlement",
    }


# What its functions give.


def test_find_login(staff):
    def found(query):
        return [str(row["id"]) for row in staff.all("select * from audit.find_login(%s)", query)]

    assert found("alice@example.com") == [ALICE]
    assert found("  Alice@Example.COM ") == [ALICE]
    assert found(BOB) == [BOB]
    for nothing in (
        "",
        " ",
        "%",
        "_",
        "alice",
        "example.com",
        "alice@example.com' or true --",
        None,
        "a" * 10000,
    ):
        assert found(nothing) == [], nothing
    row = staff.one("select * from audit.find_login('bob@example.com')")
    assert set(row) == {"id", "email", "created_at"}


def test_delete_blockers(staff):
    def blockers(table, row):
        return {
            r["relation"]: r["row_count"]
            for r in staff.all("select * from audit.delete_blockers(%s, %s)", table, row)
        }

    assert blockers("organizations", of("c0000000", 1)) == {}
    found = blockers("organizations", ORG)
    assert {
        "agents": 1,
        "sip_trunks": 1,
        "phone_numbers": 1,
        "usage_logs": 1,
        "call_logs": 1,
    }.items() <= found.items()
    found = blockers("agents", AGENT)
    # Numbers and calls would lose their agent: that too is a row that depends on it.
    assert found == {
        "agent_sessions": 5,
        "usage_logs": 1,
        "chat_sessions": 2,
        "phone_numbers": 1,
        "call_logs": 1,
    }
    assert blockers("agent_sessions", SESSION) == {"agent_messages": 2, "usage_logs": 1}
    assert blockers("user_profiles", ALICE)["chat_sessions"] == 1
    assert blockers("phone_numbers", NUMBER) == {"call_logs": 1}


@pytest.mark.parametrize(
    "table",
    [
        "auth.users",
        "users",
        "credit_transactions",
        "audit.event",
        "event",
        "backoffice.user",
        "pg_class",
        "organizations; drop table organizations",
        'organizations" cascade --',
        "ORGANIZATIONS",
        "",
        None,
    ],
)
def test_deleting_knows_its_tables(acting, table):
    assert acting.attempt("select * from audit.delete_blockers(%s, %s)", table, ORG) is not None
    assert acting.attempt("select audit.delete_record(%s, %s)", table, ORG) is not None


def test_delete_record_refuses_what_has_dependents(acting):
    for table, row in [
        ("organizations", ORG),
        ("organizations", of("b0000000", 1)),
        ("user_profiles", ALICE),
        ("agents", AGENT),
        ("agent_sessions", SESSION),
        ("chat_sessions", of("a0000000", 7)),
        ("phone_numbers", NUMBER),
    ]:
        error = acting.attempt("select audit.delete_record(%s, %s)", table, row)
        assert error is not None, table
        relation = acting.all("select relation from audit.delete_blockers(%s, %s)", table, row)[0]["relation"]
        assert relation in str(error), "the sentence names what stands in the way"


def test_delete_record_refuses_a_row_that_is_not_there(acting):
    assert acting.attempt("select audit.delete_record('organizations', gen_random_uuid())") is not None
    assert acting.attempt("select audit.delete_record('organizations', null)") is not None


def test_delete_record_needs_actor_and_reason_and_leaves_an_entry(staff):
    empty = of("c0000000", 1)
    for actor, reason in [("", ""), ("Ada", ""), ("", "why"), ("Ada", "   "), ("  ", "why")]:
        staff.actor(name=actor, reason=reason)
        error = staff.attempt("select audit.delete_record('organizations', %s)", empty)
        assert isinstance(error, DENIED), (actor, reason)
    staff.actor(reason="Asked to close it")
    staff.execute("select audit.delete_record('organizations', %s)", empty)
    entry = staff.one(
        "select * from audit.event where table_name = 'organizations' and row_id = %s order by id desc limit 1",
        empty,
    )
    assert (entry["action"], entry["actor"], entry["actor_id"], entry["reason"], entry["source"]) == (
        "delete",
        "Ada Lovelace",
        7,
        "Asked to close it",
        "app",
    )
    assert entry["old"]["name"] == "Nothing hangs on it"
    assert entry["row_label"] == "Nothing hangs on it"


def test_delete_record_by_table(make):
    """Every table that it names: a row on which nothing depends goes, and is entered."""
    database = make("world")
    database.query(
        f"insert into agent_sessions (id, agent_id, session_id) values ('{of('a4100000', 5)}', '{AGENT}', 'empty one')"
    )
    database.query(f"insert into chat_sessions (id, project_id) values ('{of('e0000000', 7)}', '{AGENT}')")
    with database.session("backoffice") as acting:
        acting.actor()
        delete_one_of_each(acting)


def delete_one_of_each(acting):
    acting.execute(
        f"insert into agents (id, organization_id, name) values ('{of('e0000000', 2)}', '{ORG}', 'Alone')"
    )
    acting.execute(
        "insert into phone_numbers (id, organization_id, phone_number)"
        f" values ('{of('e0000000', 4)}', '{ORG}', '+14155550889')"
    )
    for table, row in [
        ("agents", of("e0000000", 2)),
        ("phone_numbers", of("e0000000", 4)),
        ("sip_trunks", TRUNK),
        ("agent_sessions", of("a4100000", 5)),
        ("chat_sessions", of("e0000000", 7)),
    ]:
        acting.execute("select audit.delete_record(%s, %s)", table, row)
        entry = acting.one("select * from audit.event where action = 'delete' order by id desc limit 1")
        assert (entry["table_name"], entry["row_id"]) == (table, row)
        assert "secret" not in str(entry["old"]).replace("[secret", "")


def test_blocker_counts_stop_at_a_thousand(anyone):
    anyone.execute(
        "insert into public.phone_numbers (organization_id, phone_number)"
        " select %s, '+1' || (4155600000 + n) from generate_series(1, 1500) n",
        of("c0000000", 1),
    )
    found = anyone.all("select * from audit.delete_blockers('organizations', %s)", of("c0000000", 1))
    assert [tuple(row.values()) for row in found] == [("phone_numbers", 1000)]


def test_read_log(staff):
    staff.actor(reason="Complaint 12")
    number = staff.one(
        "select audit.log_read('reveal', 'agent_sessions', %s, 'session_1', %s, 'transcript, 2 messages')",
        SESSION,
        ORG,
    )
    entry = staff.one("select * from audit.read_log where id = %s", number)
    assert entry["actor"] == "Ada Lovelace"
    assert entry["actor_id"] == 7
    assert entry["reason"] == "Complaint 12"
    assert entry["request_id"] == "req-1"
    assert entry["db_role"] == "backoffice"
    assert (entry["kind"], entry["table_name"], entry["row_id"]) == ("reveal", "agent_sessions", SESSION)
    assert str(entry["organization_id"]) == ORG
    assert staff.attempt("select audit.log_read('peek', 't', 'r', 'l', null, null)") is not None
    for kind in ("transcript", "reveal", "recording", "export"):
        assert staff.attempt("select audit.log_read(%s, 't', null, null, null, null)", kind) is None
