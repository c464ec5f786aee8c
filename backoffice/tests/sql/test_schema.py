"""db/*.sql builds the platform's database, and upgrades one that is there without changing a row."""

import psycopg
import pytest

from backoffice import schema

from .catalog import access, dump, part
from .servers import DB, HERE, TABLES

# Name, type, NOT NULL, default: the platform's runtime and browser app know the tables by these.
UUID, WHEN = "uuid", "timestamp with time zone"
DOCUMENTED = {
    "organizations": [
        ("id", UUID, True, "gen_random_uuid()"),
        ("name", "character varying(255)", True, None),
        ("owner_id", UUID, True, None),
        ("credits_balance", "numeric(10,2)", False, "0.00"),
        ("created_at", WHEN, False, "now()"),
        ("updated_at", WHEN, False, "now()"),
    ],
    "user_profiles": [
        ("id", UUID, True, None),
        ("email", "character varying(255)", True, None),
        ("full_name", "character varying(255)", False, None),
        ("company_name", "character varying(255)", False, None),
        ("phone_number", "character varying(50)", False, None),
        ("avatar_url", "text", False, None),
        ("subscription_tier", "character varying(50)", False, "free"),
        ("stripe_customer_id", "character varying(255)", False, None),
        ("stripe_subscription_id", "character varying(255)", False, None),
        ("created_at", WHEN, False, "now()"),
        ("updated_at", WHEN, False, "now()"),
    ],
    "agents": [
        ("id", UUID, True, "gen_random_uuid()"),
        ("organization_id", UUID, True, None),
        ("name", "character varying(255)", True, None),
        ("description", "text", False, None),
        ("llm_provider", "character varying(50)", False, "openai"),
        ("llm_model", "character varying(100)", False, "gpt-4o-mini"),
        ("system_prompt", "text", False, None),
        ("temperature", "numeric(3,2)", False, "0.7"),
        ("max_tokens", "integer", False, "1000"),
        ("voice_provider", "character varying(50)", False, None),
        ("voice_id", "character varying(255)", False, None),
        ("voice_model", "character varying(100)", False, None),
        ("voice_speed", "numeric(3,2)", False, "1.0"),
        ("voice_temperature", "numeric(3,2)", False, "1.0"),
        ("voice_volume", "numeric(3,2)", False, "1.0"),
        ("responsiveness", "numeric(3,2)", False, "1.0"),
        ("interruption_sensitivity", "numeric(3,2)", False, "1.0"),
        ("enable_backchannel", "boolean", False, "true"),
        ("normalize_speech", "boolean", False, "true"),
        ("backchannel_words", "jsonb", False, "["),
        ("boosted_keywords", "jsonb", False, "[]"),
        ("ambient_sound", "character varying(50)", False, "none"),
        ("ambient_volume", "numeric(3,2)", False, "0.5"),
        ("max_duration_seconds", "integer", False, "1800"),
        ("end_after_silence_seconds", "integer", False, "600"),
        ("voicemail_detection", "boolean", False, "false"),
        ("voicemail_action", "character varying(20)", False, "hangup"),
        ("voicemail_message", "text", False, None),
        ("stt_provider", "character varying(50)", False, "whisper"),
        ("stt_mode", "character varying(20)", False, "fast"),
        ("denoising_mode", "character varying(50)", False, "noise-cancellation"),
        ("pii_redaction_enabled", "boolean", False, "false"),
        ("pii_redaction_list", "jsonb", False, "[]"),
        ("data_storage_policy", "character varying(50)", False, "everything"),
        ("webhook_url", "text", False, None),
        ("webhook_timeout_ms", "integer", False, "5000"),
        ("custom_headers", "jsonb", False, "{}"),
        ("enabled_mcp_servers", "jsonb", False, "[]"),
        ("knowledge_base_ids", "jsonb", False, "[]"),
        ("is_published", "boolean", False, "false"),
        ("version", "integer", False, "1"),
        ("config", "jsonb", False, None),
        ("created_at", WHEN, False, "now()"),
        ("updated_at", WHEN, False, "now()"),
    ],
    "sip_trunks": [
        ("id", UUID, True, "gen_random_uuid()"),
        ("organization_id", UUID, False, None),
        ("provider", "text", True, None),
        ("username", "text", False, None),
        ("password", "text", False, None),
        ("sip_domain", "text", False, None),
        ("created_at", WHEN, False, "now()"),
    ],
    "phone_numbers": [
        ("id", UUID, True, "gen_random_uuid()"),
        ("organization_id", UUID, True, None),
        ("agent_id", UUID, False, None),
        ("phone_number", "text", True, None),
        ("provider", "text", False, "twilio"),
        ("provider_sid", "text", False, None),
        ("status", "text", False, "active"),
        ("created_at", WHEN, False, "now()"),
    ],
    "agent_sessions": [
        ("id", UUID, True, "gen_random_uuid()"),
        ("agent_id", UUID, True, None),
        ("session_id", "character varying(255)", True, None),
        ("user_id", UUID, False, None),
        ("website_domain", "character varying(255)", False, None),
        ("ip_address", "character varying(45)", False, None),
        ("channel", "character varying(50)", False, "text"),
        ("conversation_history", "jsonb", False, "[]"),
        ("context_data", "jsonb", False, "{}"),
        ("message_count", "integer", False, "0"),
        ("status", "character varying(50)", False, "active"),
        ("started_at", WHEN, False, "now()"),
        ("last_activity_at", WHEN, False, "now()"),
        ("ended_at", WHEN, False, None),
        ("created_at", WHEN, False, "now()"),
    ],
    "agent_messages": [
        ("id", UUID, True, "gen_random_uuid()"),
        ("session_id", UUID, True, None),
        ("role", "character varying(20)", True, None),
        ("content", "text", True, None),
        ("audio_url", "text", False, None),
        ("audio_duration_ms", "integer", False, None),
        ("tokens_used", "integer", False, None),
        ("latency_ms", "integer", False, None),
        ("model_used", "character varying(100)", False, None),
        ("created_at", WHEN, False, "now()"),
    ],
    "chat_sessions": [
        ("id", UUID, True, "gen_random_uuid()"),
        ("project_id", UUID, True, None),
        ("user_id", UUID, False, None),
        ("created_at", WHEN, False, "now()"),
    ],
    "chat_messages": [
        ("id", UUID, True, "gen_random_uuid()"),
        ("session_id", UUID, True, None),
        ("role", "text", True, None),
        ("text", "text", True, None),
        ("timestamp", WHEN, False, "now()"),
    ],
    "usage_logs": [
        ("id", UUID, True, "gen_random_uuid()"),
        ("agent_id", UUID, True, None),
        ("organization_id", UUID, True, None),
        ("session_id", UUID, False, None),
        ("tokens_used", "integer", False, "0"),
        ("cost_usd", "numeric(10,4)", False, "0"),
        ("model_used", "character varying(100)", False, None),
        ("channel", "character varying(50)", False, None),
        ("created_at", WHEN, False, "now()"),
    ],
    "call_logs": [
        ("id", UUID, True, "gen_random_uuid()"),
        ("organization_id", UUID, True, None),
        ("agent_id", UUID, False, None),
        ("phone_number_id", UUID, False, None),
        ("session_id", "text", True, None),
        ("direction", "text", True, None),
        ("caller_number", "text", False, None),
        ("duration_seconds", "integer", False, "0"),
        ("cost", "numeric(10,4)", False, "0"),
        ("recording_url", "text", False, None),
        # The document has no default here, and a call without a status is one whose state nobody knows.
        ("status", "text", False, None),
        ("created_at", WHEN, False, "now()"),
    ],
}
FOREIGN_KEYS = {
    ("organizations", "owner_id", "auth.users", "c"),
    ("user_profiles", "id", "auth.users", "c"),
    ("agents", "organization_id", "organizations", "c"),
    ("sip_trunks", "organization_id", "organizations", "c"),
    ("phone_numbers", "organization_id", "organizations", "c"),
    ("usage_logs", "organization_id", "organizations", "c"),
    ("call_logs", "organization_id", "organizations", "c"),
    ("agent_sessions", "agent_id", "agents", "c"),
    ("usage_logs", "agent_id", "agents", "c"),
    ("phone_numbers", "agent_id", "agents", "n"),
    ("call_logs", "agent_id", "agents", "n"),
    ("chat_sessions", "project_id", "agents", "a"),
    ("chat_sessions", "user_id", "user_profiles", "a"),
    ("agent_messages", "session_id", "agent_sessions", "c"),
    ("usage_logs", "session_id", "agent_sessions", "n"),
    ("agent_sessions", "user_id", "auth.users", "n"),
    ("chat_messages", "session_id", "chat_sessions", "c"),
    ("call_logs", "phone_number_id", "phone_numbers", "n"),
}
LEDGER = {
    "id": "bigint",
    "organization_id": "uuid",
    "organization_name": "text",
    "amount": "numeric(12,2)",
    "balance_after": "numeric(12,2)",
    "kind": "text",
    "reason": "text",
    "reference": "text",
    "note": "text",
    "actor": "text",
    "actor_id": "bigint",
    "idempotency_key": "text",
    "reverses_id": "bigint",
    "db_role": "text",
    "created_at": WHEN,
}
OLDER_POLICIES = [
    "Users can view their own organizations",
    "Users can update their own profile",
    "Owners manage their agents",
    "Anyone can insert usage",
    "Anyone can view agent sessions",
    "Anyone can update agent sessions",
    "Anyone can create agent messages",
    "Anyone can create chat sessions",
    "Anyone can view chat messages",
]
LEDGER_DIFFERS = """
    select o.id, o.credits_balance, sum(t.amount) as ledger
    from public.organizations o left join public.credit_transactions t on t.organization_id = o.id
    group by o.id having coalesce(sum(t.amount), 0) <> coalesce(nullif(o.credits_balance, 'NaN'), 0)
"""


def same_rows(before, after):
    """Every row is there with the values that it had; columns may have been added."""
    assert set(before) <= set(after)
    for table, rows in before.items():
        columns = set(rows[0]) if rows else set()
        kept = [{key: value for key, value in row.items() if key in columns} for row in after[table]]
        assert sorted(kept, key=repr) == sorted(rows, key=repr), table


def test_documented_columns(fresh):
    columns = {}
    for row in part(fresh, "columns"):
        columns.setdefault(row["relname"], {})[row["attname"]] = row
    assert set(columns) == {*DOCUMENTED, "credit_transactions"}
    for table, expected in DOCUMENTED.items():
        assert set(columns[table]) == {name for name, *_ in expected}, table
        for name, type_, not_null, default in expected:
            found = columns[table][name]
            assert (found["type"], found["attnotnull"]) == (type_, not_null), (table, name)
            shown = found["expression"]
            if default is None:
                assert shown is None, (table, name)
            else:
                shown = shown.split("::")[0].strip("'") if shown else None
                if table == "agents" and name == "backchannel_words":
                    assert shown.startswith("["), name
                elif type_.startswith("numeric"):
                    assert float(shown) == float(default), (table, name)
                else:
                    assert shown == default, (table, name)
    assert {name: row["type"] for name, row in columns["credit_transactions"].items()} == LEDGER


def test_foreign_keys_and_checks(fresh):
    found = fresh.query(
        "select c.conrelid::regclass::text as child, a.attname, c.confrelid::regclass::text as parent,"
        " c.confdeltype::text from pg_constraint c"
        " join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]"
        " where contype = 'f' and c.conrelid::regclass::text = any(%s)",
        TABLES,
    )
    assert {tuple(row.values()) for row in found} == FOREIGN_KEYS
    for table, role in [("agent_messages", "model"), ("chat_messages", "assistant")]:
        text = "content" if table == "agent_messages" else "text"
        parent = "agent_sessions" if table == "agent_messages" else "chat_sessions"
        with fresh.session() as session:
            session.execute("set local session_replication_role = replica")
            session.execute(f"select count(*) from public.{parent}")
            error = session.attempt(
                f"insert into public.{table} (session_id, role, {text}) values (gen_random_uuid(), %s, '')",
                role,
            )
            assert isinstance(error, psycopg.errors.CheckViolation)


def test_unique_keys(fresh):
    found = fresh.query(
        "select indrelid::regclass::text || '.' || attname as key from pg_index"
        " join pg_attribute on attrelid = indrelid and attnum = indkey[0]"
        " where indisunique and indnatts = 1 and indrelid::regclass::text = any(%s)",
        [*TABLES, "credit_transactions"],
    )
    assert set(found) == {f"{table}.id" for table in [*TABLES, "credit_transactions"]} | {
        "user_profiles.email",
        "agent_sessions.session_id",
        "phone_numbers.phone_number",
        "credit_transactions.idempotency_key",
    }


def test_loads_as_an_ordinary_role(fresh):
    """Nothing needs a superuser: `postgres` is none, here as on Supabase, and everything made belongs to it."""
    role = fresh.query("select rolsuper, rolbypassrls from pg_roles where rolname = 'postgres'")
    assert role == [{"rolsuper": False, "rolbypassrls": True}]
    owners = {
        (row["name"].split(".")[0] if "." in row["name"] else "public", row["owner"])
        for row in part(fresh, "relations")
    }
    assert owners == {
        ("public", "postgres"),
        ("audit", "postgres"),
        ("billing", "postgres"),
        ("transcripts", "postgres"),
        ("figures", "postgres"),
        ("auth", "supabase_auth_admin"),
    }
    assert {row["owner"] for row in part(fresh, "functions") if not row["name"].startswith("auth.")} == {
        "postgres"
    }
    assert {"nspname": "backoffice", "nspowner": "backoffice"} in part(fresh, "schemas")
    assert {"nspname": "audit", "nspowner": "postgres"} in part(fresh, "schemas")


def test_same_grants_under_both_defaults(make, fresh):
    """Before 2026 Supabase granted every new object in `public` to the API roles; the outcome is the same."""
    before = make("bare_granting")
    before.upgrade()
    assert access(before) == access(fresh)


def test_upgrade_gives_the_same_grants_and_policies(fresh, upgraded):
    assert part(upgraded, "policies") == part(fresh, "policies")
    leftover = access(upgraded) - access(fresh)
    # The older trigger function stays behind; nobody can call it as one.
    assert {row[1] for row in leftover} <= {"update_updated_at_column()"}
    assert not access(fresh) - access(upgraded)


def test_second_load_changes_nothing(make):
    for template in ("fresh", "upgraded"):
        database = make(template)
        catalog, rows = dump(database), database.rows()
        notices = database.upgrade()
        assert dump(database) == catalog
        assert database.rows() == rows
        assert not [notice for notice in notices if notice.startswith(("Dropped", "Added"))]


def test_reloading_the_master_schema_alone_keeps_the_back_office_in(make):
    database = make("world")
    catalog, rows = dump(database), database.rows()
    database.run("master_schema.sql")
    assert dump(database) == catalog
    assert database.rows() == rows
    assert database.value("select count(*) from organizations", user="backoffice") == 3


def test_master_schema_alone_is_a_whole_platform(make):
    """A project may use the platform's schema without the back office."""
    database = make("bare")
    database.run("master_schema.sql")
    database.query("insert into auth.users (email) values ('first@example.com')")
    database.query("update organizations set credits_balance = 5", user="postgres")
    assert database.query(LEDGER_DIFFERS) == []
    assert "audit" not in {row["nspname"] for row in part(database, "schemas")}


def test_back_office_needs_the_master_schema(make):
    database = make("bare")
    before = dump(database)
    with pytest.raises(psycopg.Error, match="master_schema"):
        database.run("backoffice.sql")
    assert dump(database) == before


def test_upgrade_keeps_every_row(make):
    database = make("older")
    before = database.rows()
    assert all(before[table] for table in TABLES)
    database.upgrade()
    same_rows(before, database.rows())


def test_upgrade_names_each_policy_that_it_drops(make):
    database = make("older")
    notices = "\n".join(database.upgrade())
    older = [name for name in OLDER_POLICIES if name not in notices]
    assert not older
    names = {row["policyname"] for row in part(database, "policies")}
    assert not names & set(OLDER_POLICIES)
    assert not [name for name in names if name.startswith(("Anyone", "Users can", "Owners manage"))]


def test_policies_that_only_look_like_ours_go_too(make):
    """Ours are known by what they are, not by how somebody called them: each other one goes and is named."""
    database = make("fresh")
    before = part(database, "policies")
    database.query('create policy "tenant: all of it" on organizations using (true)')
    database.query('create policy "backoffice: more" on usage_logs for all to backoffice using (true)')
    notices = "\n".join(database.upgrade())
    assert part(database, "policies") == before
    assert "tenant: all of it" in notices
    assert "backoffice: more" in notices


def test_upgrade_opens_the_ledger(make):
    database = make("older")
    database.upgrade()
    assert database.query(LEDGER_DIFFERS) == []
    opening = database.query(
        "select organization_name, kind, amount, balance_after from credit_transactions order by organization_id"
    )
    assert [(row["kind"], str(row["amount"]), str(row["balance_after"])) for row in opening] == [
        ("opening", "12.34", "12.34"),
        ("opening", "-50.01", "-50.01"),
        ("opening", "99999999.99", "99999999.99"),
        ("opening", "-99999999.99", "-99999999.99"),
    ]
    database.upgrade()
    assert database.value("select count(*) from credit_transactions") == 4


def test_balance_changed_while_the_ledger_was_off(make):
    """Somebody disabled the trigger, or restored a table: the next run says so instead of hiding it."""
    database = make("world")
    with database.connect("embedded_admin") as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute("update organizations set credits_balance = 77 where name = 'Alice Ltd'")
    database.upgrade()
    assert database.query(LEDGER_DIFFERS) == []
    assert database.value("select kind from credit_transactions order by id desc limit 1") == "outside"


def test_odd_rows_stay_usable(upgraded):
    """Rows that break a rule can still be read by staff, and changed by the platform, column by column."""
    with upgraded.session("backoffice") as session:
        for table in TABLES:
            columns = session.one(
                "select string_agg(quote_ident(attname) || '::text', ', ') from pg_attribute"
                " where attrelid = %s::regclass and attnum > 0 and attname <> 'password'",
                table,
            )
            assert session.all(f"select {columns} from {table}")
    with upgraded.session("postgres") as session:
        for table in TABLES:
            column = {"chat_sessions": "created_at", "chat_messages": "timestamp"}.get(table, "created_at")
            assert session.attempt(f"update public.{table} set {column} = now()") is None, table


def test_balance_that_is_not_a_number(make):
    """numeric takes NaN. Such a row is kept, and can be renamed, repaired and deleted like any other."""
    database = make("older")
    broken = "20000000-0000-0000-0000-000000000004"
    database.query("update organizations set credits_balance = 'NaN' where id = %s", broken)
    before = database.rows()
    database.upgrade()
    same_rows(before, database.rows())
    with database.session("postgres") as session:
        for statement in (
            "update organizations set name = 'Renamed' where id = %s",
            "update organizations set credits_balance = 5 where id = %s",
            "update organizations set credits_balance = 6 where id = %s",
            "delete from organizations where id = %s",
        ):
            assert session.attempt(statement, broken) is None, statement
            assert session.one("select count(*) as n from (" + LEDGER_DIFFERS + ") d") == 0, statement


def test_sign_up_works_after_an_upgrade(make):
    database = make("upgraded")
    login = database.value("insert into auth.users (email) values (null) returning id")
    assert database.value("select count(*) from organizations where owner_id = %s", login) == 1


def test_hand_patched(make):
    database = make("older")
    database.run(HERE / "hand_patched.sql")
    before = database.rows()
    notices = "\n".join(database.upgrade())
    after = database.rows()
    same_rows(before, after)
    for policy in ("let me in", "Enable read access for all users", 'odd " name; drop table x'):
        assert policy in notices
    columns = {(row["relname"], row["attname"]) for row in part(database, "columns")}
    assert {
        ("agents", "config_json"),
        ("agents", "created_by"),
        ("agents", "is_active"),
        ("usage_logs", "bot_id"),
        ("organizations", "description"),
        ("agents", "voice_volume"),
        ("agents", "knowledge_base_ids"),
        ("user_profiles", "stripe_subscription_id"),
        ("call_logs", "recording_url"),
        ("agent_sessions", "context_data"),
    } <= columns
    # A column that was not there holds nothing for the rows that were: "not recorded" is not the default.
    assert {row["voice_volume"] for row in after["agents"]} == {None}
    assert {row["context_data"] for row in after["agent_sessions"]} == {None}
    assert database.query(LEDGER_DIFFERS) == []
    granted = access(database)
    assert ("relation", "agents", "", "public", "SELECT", False) not in granted
    assert ("column", "organizations", "credits_balance", "authenticated", "UPDATE", False) not in granted
    assert ("column", "sip_trunks", "password", "anon", "SELECT", False) not in granted
    catalog = dump(database)
    database.upgrade()
    assert dump(database) == catalog


def test_hand_patched_indexes_are_not_made_twice(make):
    database = make("older")
    database.run(HERE / "hand_patched.sql")
    database.upgrade()
    definitions = [
        (row["tablename"], row["indexdef"].split(" USING ", 1)[1])
        for row in part(database, "indexes")
        if row["schemaname"] == "public"
    ]
    assert len(definitions) == len(set(definitions))


def test_an_index_goes_when_that_which_does_more_is_valid(make):
    older = "call_logs_phone_number_id_created_at_id_dbcc03"
    newer = "call_logs_phone_number_id_created_at_id__9b0ac8"
    database = make("fresh")
    definition = database.value("select indexdef from pg_indexes where indexname = %s", newer)
    for is_valid in (False, True):
        database.query(f"drop index if exists public.{older}")
        database.query(definition.replace(newer, older).removesuffix(" INCLUDE (created_at)"))
        database.query(
            "update pg_index set indisvalid = %s where indexrelid = %s::regclass", is_valid, f"public.{newer}"
        )
        database.run("master_schema.sql")
        assert (database.value("select to_regclass(%s)::text", f"public.{older}") is None) == is_valid


def test_hand_patched_without_legacy_chat(make, fresh):
    database = make("older")
    database.run(HERE / "no_legacy_chat.sql")
    before = database.rows()
    database.upgrade()
    same_rows(before, database.rows())
    assert database.value("select count(*) from chat_messages", user="backoffice") == 0
    for kind in ("policies", "columns"):
        assert [r for r in part(database, kind) if str(r).find("chat_") >= 0] == [
            r for r in part(fresh, kind) if str(r).find("chat_") >= 0
        ]
    assert access(fresh) <= access(database)


def test_sign_up_trigger_of_another_name(make):
    """A deployment may have its trigger under another name; a login must not get two organizations by it."""
    database = make("older")
    database.query(
        "alter trigger on_auth_user_created on auth.users rename to create_profile_for_login",
        user="embedded_admin",
    )
    database.upgrade()
    login = database.value("insert into auth.users (email) values ('late@example.com') returning id")
    assert database.value("select count(*) from organizations where owner_id = %s", login) == 1
    assert database.value("select count(*) from user_profiles where id = %s", login) == 1


UNSUPPORTED = {
    "no_organizations": ["organizations"],
    "no_tenant_columns": ["phone_numbers", "call_logs", "organization_id"],
    "other_types": ["credits_balance", "message_count", "config"],
    "view_for_table": ["call_logs"],
    "everything": ["phone_numbers", "call_logs", "credits_balance", "config", "email"],
}


@pytest.mark.parametrize("shape", UNSUPPORTED)
def test_unsupported_shape_is_refused_before_any_change(make, shape):
    database = make("older")
    database.run(HERE / "unsupported" / f"{shape}.sql")
    catalog, rows = dump(database), database.rows()
    with pytest.raises(psycopg.Error) as refused:
        database.run("master_schema.sql")
    text = f"{refused.value.diag.message_primary} {refused.value.diag.message_detail}"
    assert [word for word in UNSUPPORTED[shape] if word not in text] == []
    assert dump(database) == catalog
    assert database.rows() == rows


def test_everything_in_one_transaction(make):
    """A run that fails at its very end leaves nothing, whichever the file."""
    for n, file in enumerate(schema.OURS):
        database = make("older")
        for earlier in schema.OURS[:n]:
            database.run(earlier)
        catalog, rows = dump(database), database.rows()
        text = (DB / file).read_text()
        head, commit, tail = text.rpartition("\ncommit;")
        assert commit and not tail.strip(), "the file ends with its commit"
        with database.connect("postgres") as connection, pytest.raises(psycopg.Error):
            connection.execute(head + "\nselect 1/0;\ncommit;")
        assert dump(database) == catalog
        assert database.rows() == rows


def test_local_stand_in_is_refused_on_supabase(server, make):
    database = make("template0")
    before = database.query("select nspname from pg_namespace order by 1")
    database.query("create role supabase_admin")
    try:
        with pytest.raises(psycopg.Error, match="supabase_admin"):
            database.run("local_supabase.sql")
    finally:
        database.query("drop role supabase_admin")
    assert database.query("select nspname from pg_namespace order by 1") == before


def test_local_stand_in_twice(make):
    database = make("world")
    catalog = dump(database)
    database.run("local_supabase.sql")
    assert dump(database) == catalog


def test_every_foreign_key_has_an_index(fresh, upgraded):
    for database in (fresh, upgraded):
        bare = database.query("""
            select c.conrelid::regclass::text || '.' || a.attname from pg_constraint c
            join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
            where c.contype = 'f' and c.connamespace::regnamespace::text in ('public', 'audit', 'billing', 'transcripts', 'figures') and not exists (
                select from pg_index i where i.indrelid = c.conrelid and i.indkey[0] = c.conkey[1]
                    and i.indpred is null and i.indisvalid)
        """)
        assert bare == []


def test_pages_read_in_index_order(fresh):
    """Newest first, alone and per parent, with NULL times last, in either direction: an index, no sort."""
    orders = {table: ["created_at"] for table in TABLES}
    orders["chat_messages"] = ["timestamp"]
    orders["agent_sessions"] = ["created_at", "last_activity_at"]
    parents = {
        "agents": ["organization_id"],
        "sip_trunks": ["organization_id"],
        "phone_numbers": ["organization_id"],
        "agent_sessions": ["agent_id"],
        "agent_messages": ["session_id"],
        "chat_sessions": ["project_id"],
        "chat_messages": ["session_id"],
        "usage_logs": ["organization_id", "agent_id"],
        "call_logs": ["organization_id", "agent_id", "phone_number_id"],
    }
    sorted_ = []
    with fresh.session() as session:
        session.execute("set local enable_seqscan = off")
        session.execute("set local enable_bitmapscan = off")
        session.execute("set local enable_incremental_sort = off")
        for table, columns in orders.items():
            for column in columns:
                key = f"coalesce({column}, '-infinity')"
                for parent in [None, *parents.get(table, [])]:
                    where = f"where {parent} = gen_random_uuid()::text::uuid" if parent else ""
                    where = where.replace("gen_random_uuid()::text::uuid", "(select gen_random_uuid())")
                    for direction in ("desc", "asc"):
                        plan = session.all(
                            f"explain (costs off) select * from public.{table} {where}"
                            f" order by {key} {direction}, id {direction} limit 51"
                        )
                        if any("Sort" in next(iter(line.values())) for line in plan):
                            sorted_.append((table, column, parent, direction))
        ledger = session.all(
            "explain (costs off) select * from public.credit_transactions"
            " where organization_id = (select gen_random_uuid()) order by id desc limit 51"
        )
        assert not any("Sort" in next(iter(line.values())) for line in ledger)
    assert sorted_ == []


def test_row_security_on_every_table_for_named_roles(upgraded):
    off = [
        row["name"]
        for row in part(upgraded, "relations")
        if row["relkind"] == "r" and not row["relrowsecurity"] and not row["name"].startswith("auth.")
    ]
    assert off == []
    assert [row for row in part(upgraded, "policies") if "public" in row["roles"]] == []
    slow = [
        row["policyname"]
        for row in part(upgraded, "policies")
        if "auth.uid()" in (text := f"{row['qual']} {row['with_check']}") and "SELECT auth.uid()" not in text
    ]
    assert slow == [], "auth.uid() is called for every row"


# A pinned search_path would keep PostgreSQL from planning them as a part of the query that reads them; nobody but the
# back office may call them, and they run with its rights.
PLANNED_INSIDE = {
    "transcripts.entries",
    "transcripts.session_turns",
    "transcripts.chat_turns",
    "transcripts.seconds_between",
}


def test_definer_functions(upgraded):
    """They pin their search_path, to schemas in which nobody else can create, and the API roles cannot call them.

    A body that was bound when it was written (`return …`) looks no names up.
    """
    loose, open_to = [], []
    for row in part(upgraded, "functions"):
        if row["name"].startswith("auth.") or row["name"] == "update_updated_at_column()":
            continue
        config = dict(item.split("=", 1) for item in row["proconfig"] or [])
        path = [name.strip(' "') for name in config.get("search_path", "?").split(",")]
        if row["name"].split("(")[0] in PLANNED_INSIDE and not row["prosecdef"]:
            continue
        if not set(path) <= {"", "pg_catalog", "pg_temp"} and not row["is_bound"]:
            loose.append((row["name"], path))
        if not row["prosecdef"]:
            continue
        used_by_policies = upgraded.value(
            "select count(*) from pg_depend where refobjid = %s::regprocedure and classid = 'pg_policy'::regclass",
            row["name"],
        )
        for role in ("anon", "authenticated", "service_role"):
            allowed = upgraded.value("select has_function_privilege(%s, %s, 'EXECUTE')", role, row["name"])
            if allowed and not used_by_policies:
                open_to.append((row["name"], role))
    assert loose == []
    assert open_to == []


def test_nothing_else_in_public(fresh):
    names = fresh.query(
        "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'v', 'm', 'p')"
    )
    assert set(names) == {*TABLES, "credit_transactions"}


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role", "backoffice"])
def test_no_privilege_that_row_security_does_not_see(server, upgraded, role):
    """TRUNCATE ignores row security, TRIGGER and REFERENCES reach around it; nobody but the owner has them."""
    privileges = ["TRUNCATE", "TRIGGER", "REFERENCES"] + (["MAINTAIN"] if server.major >= 17 else [])
    held = upgraded.query(
        "select c.relname || ': ' || p from pg_class c, unnest(%s::text[]) p"
        " where c.relnamespace::regnamespace::text in ('public', 'audit', 'billing', 'transcripts', 'figures') and c.relkind = 'r'"
        " and has_table_privilege(%s, c.oid, p)",
        privileges,
        role,
    )
    assert held == []
