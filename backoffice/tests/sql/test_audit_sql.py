"""The audit: what changed, from what to what, who and why; secrets never; the runtime's own writes not."""

import psycopg
import pytest
from psycopg.types.json import Json

from .test_rls import ALICE, ALICE_TOKEN, BOB, of

ORG, AGENT, TRUNK, NUMBER = of("a0000000", 1), of("a0000000", 2), of("a0000000", 3), of("a0000000", 4)
SESSION, CALL = of("a0000000", 5), of("a0000000", 10)


@pytest.fixture
def acting(staff):
    staff.actor()
    return staff


class Entries:
    """The entries since this was made."""

    def __init__(self, session):
        self.session = session
        self.since = session.one("select coalesce(max(id), 0) from audit.event")

    def all(self):
        return self.session.all("select * from audit.event where id > %s order by id", self.since)

    def only(self):
        rows = self.all()
        assert len(rows) == 1, rows
        return rows[0]


@pytest.mark.parametrize(
    "table, row, column, old, new, organization",
    [
        ("organizations", ORG, "name", "Alice Ltd", "Alice GmbH", ORG),
        ("organizations", ORG, "owner_id", ALICE, BOB, ORG),
        ("user_profiles", ALICE, "full_name", "Alice", "Alice B.", None),
        ("user_profiles", ALICE, "subscription_tier", "free", "enterprise", None),
        ("user_profiles", ALICE, "stripe_customer_id", None, "cus_9", None),
        ("agents", AGENT, "system_prompt", None, "Be brief", ORG),
        ("agents", AGENT, "max_tokens", 1000, 2000, ORG),
        ("agents", AGENT, "is_published", True, None, ORG),
        ("sip_trunks", TRUNK, "sip_domain", "a.example.net", "b.example.net", ORG),
        ("phone_numbers", NUMBER, "status", "active", "released", ORG),
        ("phone_numbers", NUMBER, "agent_id", AGENT, None, ORG),
        ("agent_sessions", SESSION, "status", "active", "ended", ORG),
        ("call_logs", CALL, "cost", 0, 1.5, ORG),
        ("call_logs", CALL, "duration_seconds", 0, -5, ORG),
    ],
)
def test_an_edit_by_staff(acting, table, row, column, old, new, organization):
    entries = Entries(acting)
    acting.execute(f"update {table} set {column} = %s where id = %s", new, row)
    entry = entries.only()
    assert (entry["table_name"], entry["row_id"], entry["action"]) == (table, row, "update")
    # Only what changed; the time of the change is the entry's own.
    assert set(entry["old"]) - {"updated_at"} == {column}
    assert entry["old"][column] == old
    assert entry["new"][column] == new
    assert (entry["actor"], entry["actor_id"], entry["reason"], entry["request_id"]) == (
        "Ada Lovelace",
        7,
        "Asked for by the customer",
        "req-1",
    )
    assert (entry["db_role"], entry["source"]) == ("backoffice", "app")
    assert entry["row_label"]
    assert str(entry["organization_id"]) == str(organization)
    assert entry["at"] is not None


def test_an_addition_by_staff(acting):
    entries = Entries(acting)
    acting.execute("insert into agents (organization_id, name) values (%s, 'New')", ORG)
    entry = entries.only()
    assert (entry["action"], entry["old"], entry["new"]["name"]) == ("insert", None, "New")
    assert str(entry["organization_id"]) == ORG


def test_own_tables_say_which_tenant_a_row_is_about(acting):
    acting.execute(
        "create table backoffice.memo (id int, organization_id uuid);"
        "create trigger audit_record after insert on backoffice.memo for each row execute function audit.record()"
    )
    entries = Entries(acting)
    acting.execute("insert into backoffice.memo values (1, %s)", ORG)
    entry = entries.only()
    assert (entry["table_name"], str(entry["organization_id"])) == ("backoffice.memo", ORG)


def test_an_edit_that_changes_nothing_leaves_nothing(acting):
    entries = Entries(acting)
    acting.execute("update organizations set name = name")
    acting.execute("update agents set config = config, name = name")
    acting.execute("update call_logs set cost = cost")
    assert entries.all() == []


def test_many_rows_are_as_many_entries(acting):
    entries = Entries(acting)
    acting.execute("update phone_numbers set status = 'released'")
    assert len(entries.all()) == 2


def test_an_edit_that_is_taken_back_leaves_nothing(acting):
    entries = Entries(acting)
    acting.execute("savepoint s")
    acting.execute("update organizations set name = 'X'")
    acting.execute("rollback to savepoint s")
    assert entries.all() == []


def test_odd_values_are_recorded(upgraded):
    """Timestamps of infinity, NaN, JSON of every wrong shape: neither the trigger nor the entry stumbles."""
    with upgraded.session("backoffice") as session:
        session.actor()
        for table, columns in {
            "organizations": ["name"],
            "user_profiles": ["full_name", "email"],
            "agents": ["name", "config", "custom_headers", "backchannel_words"],
            "sip_trunks": ["username"],
            "phone_numbers": ["status"],
            "agent_sessions": ["status"],
            "call_logs": ["cost", "status"],
        }.items():
            for row in session.all(f"select id from {table}"):
                for column in columns:
                    value = {
                        "config": Json(["changed"]),
                        "custom_headers": Json("changed"),
                        "backchannel_words": Json(None),
                        "cost": "NaN",
                        "email": f"{row['id']}@example.com",
                    }.get(column, "changed")
                    session.execute(f"update {table} set {column} = %s where id = %s", value, row["id"])
        for column in ("config", "custom_headers"):
            session.execute(f"update agents set {column} = null")
        assert session.one("select count(*) from audit.event where source = 'app'") > 40


# Secrets

SECRET = "5ecret-value"
SHAPES = [
    {"sip": {"password": SECRET, "username": "u1", "port": 5060}},
    {"config": {"sip": {"Password": SECRET}}},
    {"integrations": [{"api_key": SECRET}, {"apiKey": SECRET}, {"API-Key": SECRET}]},
    {"access_token": SECRET, "refreshToken": SECRET, "token": SECRET},
    {"Authorization": f"Bearer {SECRET}"},
    {"client_secret": SECRET, "secret": {"deep": [SECRET, {"deeper": SECRET}]}, "secrets": [SECRET]},
    [{"password": SECRET}, [{"password": SECRET}]],
    {"a": {"b": {"c": {"d": {"e": {"password": SECRET}}}}}},
    {"password": [SECRET, {"x": SECRET}]},
    {"webhook_secret": SECRET, "auth_token": SECRET, "x-api-key": SECRET, "sip_password": SECRET},
]


def leaks(session, since):
    return session.all(
        "select id, old, new, row_label, reason from audit.event e where id > %s and e::text like %s",
        since,
        f"%{SECRET[:6]}%",
    )


@pytest.mark.parametrize("shape", SHAPES, ids=range(len(SHAPES)))
@pytest.mark.parametrize("who", ["backoffice", "postgres", "tenant"])
def test_secrets_in_config_are_not_recorded(anyone, who, shape):
    since = Entries(anyone).since
    if who == "tenant":
        anyone.become("authenticated", ALICE)
    else:
        anyone.as_user(who)
        anyone.actor()
    for value in (shape, {"x": 1}, shape):
        anyone.execute("update public.agents set config = %s where id = %s", Json(value), AGENT)
    anyone.execute(
        "insert into public.agents (organization_id, name, config) values (%s, 'With secrets', %s)",
        ORG,
        Json(shape),
    )
    if who == "postgres":
        anyone.execute("delete from public.agents where name = 'With secrets'")
    anyone.leave()
    assert len(Entries(anyone).session.all("select 1 from audit.event where id > %s", since)) >= 4
    assert leaks(anyone, since) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {SECRET}", "X-Tenant": SECRET},
        {"X-Custom": SECRET},
        {"Cookie": {"session": SECRET}},
        {"Cookie": [SECRET]},
        [SECRET, {"name": "Authorization", "value": SECRET}],
        f"Bearer {SECRET}",
    ],
    ids=range(6),
)
def test_header_values_are_not_recorded(acting, headers):
    entries = Entries(acting)
    for value in (headers, {}, headers, None, headers):
        value = None if value is None else Json(value)
        acting.execute("update agents set custom_headers = %s where id = %s", value, AGENT)
    acting.execute(
        "update agents set config = %s where id = %s",
        Json({"custom_headers": headers, "name": "Desk"}),
        AGENT,
    )
    assert len(entries.all()) == 6
    assert leaks(acting, entries.since) == []


def test_a_secret_that_changed_says_so(acting):
    def change(config):
        entries = Entries(acting)
        acting.execute("update agents set config = %s where id = %s", Json(config), AGENT)
        return entries.only()

    change({"sip": {"password": "one", "port": 5060}})
    entry = change({"sip": {"password": "two", "port": 5060}})
    assert entry["old"]["config"]["sip"] == {"password": "[secret]", "port": 5060}
    assert entry["new"]["config"]["sip"] == {"password": "[secret, changed]", "port": 5060}
    entry = change({"sip": {"password": "two", "port": 5061}})
    assert entry["new"]["config"]["sip"] == {"password": "[secret]", "port": 5061}


@pytest.mark.parametrize("column", ["name", "config"])
def test_a_secret_inside_a_text_that_is_json_is_not_recorded(acting, column):
    text = '{"sip": {"password": "hush-1", "username": "u1"}}'
    entries = Entries(acting)
    acting.execute(
        f"update agents set {column} = %s where id = %s", Json(text) if column == "config" else text, AGENT
    )
    entry = entries.only()
    assert "hush-1" not in str(entry)
    assert "u1" in entry["new"][column]


@pytest.mark.parametrize(
    "config",
    [
        {"sip": {"pass": "hush-1"}},
        {"webhook": {"headers": {"X-Key": "hush-1"}}},
        {"access_tokens": ["hush-1"]},
        {"url": "https://user:hush-1@example.com/?token=hush-1"},
        ["password=hush-1"],
        "password=hush-1",
    ],
)
def test_secrets_under_other_names_and_in_other_shapes_are_not_recorded(acting, config):
    entries = Entries(acting)
    acting.execute("update agents set config = %s where id = %s", Json(config), AGENT)
    assert "hush-1" not in str(entries.only())


@pytest.mark.parametrize("text", ["[" * 50_000, "[1e999999]", '["\\u0000"]', '["\\ud800"]'])
def test_a_text_that_cannot_be_read_as_json_does_not_stop_the_write(acting, text):
    entries = Entries(acting)
    acting.execute("update agents set description = %s where id = %s", text, AGENT)
    assert entries.only()["new"] == {"description": text}


def test_json_nested_without_end_does_not_stop_the_write(acting):
    deep = "[" * 2000 + "]" * 2000
    entries = Entries(acting)
    acting.execute("update agents set boosted_keywords = %s::jsonb where id = %s", deep, AGENT)
    assert "nested too deep" in str(entries.only()["new"])


def test_what_was_said_is_not_recorded_when_a_session_goes(anyone):
    anyone.as_user("backoffice")
    anyone.actor()
    history = '[{"role": "user", "content": "hush-1"}]'
    anyone.leave()
    anyone.execute(
        "update public.agent_sessions set conversation_history = %s where id = %s", history, SESSION
    )
    anyone.execute("delete from public.agent_messages where session_id = %s", SESSION)
    anyone.execute("update public.usage_logs set session_id = null where session_id = %s", SESSION)
    anyone.as_user("backoffice")
    anyone.actor()
    entries = Entries(anyone)
    anyone.execute("select audit.delete_record('agent_sessions', %s)", SESSION)
    entry = entries.only()
    assert entry["action"] == "delete"
    assert "hush-1" not in str(entry)
    assert "content" in entry["old"]["conversation_history"]


def test_a_text_that_only_begins_like_json_is_recorded_as_it_is(acting):
    entries = Entries(acting)
    acting.execute("update agents set name = %s where id = %s", "[VIP] Front Desk", AGENT)
    assert entries.only()["new"]["name"] == "[VIP] Front Desk"


def test_settings_that_only_sound_secret_are_recorded(acting):
    entries = Entries(acting)
    plain = {
        "max_tokens": 1500,
        "maxReplyTokens": 150,
        "tokens": 7,
        "max_output_tokens": 9,
        "systemInstruction": "Hi",
    }
    acting.execute("update agents set config = %s, max_tokens = 5 where id = %s", Json(plain), AGENT)
    entry = entries.only()
    assert entry["new"]["config"] == plain
    assert entry["new"]["max_tokens"] == 5


@pytest.mark.parametrize("who", ["backoffice", "postgres", "service_role", "tenant"])
def test_trunk_password_is_not_recorded(anyone, who):
    entries = Entries(anyone)
    if who == "tenant":
        anyone.become("authenticated", ALICE)
    elif who == "service_role":
        anyone.become(who)
    else:
        anyone.as_user(who)
        anyone.actor()
    anyone.execute("update public.sip_trunks set password = %s where id = %s", SECRET, TRUNK)
    anyone.execute("update public.sip_trunks set password = null where id = %s", TRUNK)
    anyone.execute("update public.sip_trunks set password = %s where id = %s", SECRET, TRUNK)
    anyone.execute(
        "insert into public.sip_trunks (organization_id, provider, password) values (%s, 'new', %s)",
        ORG,
        SECRET,
    )
    if who == "backoffice":
        anyone.execute("select audit.delete_record('sip_trunks', %s)", TRUNK)
    else:
        anyone.execute("delete from public.sip_trunks where organization_id = %s", ORG)
    anyone.leave()
    found = entries.all()
    assert len(found) >= 5
    assert leaks(anyone, entries.since) == []
    assert "alice-trunk-secret" not in str(found)
    assert set(found[0]["new"]) == {"password"}
    assert found[0]["old"] == {"password": "[secret]"}
    assert found[0]["new"] == {"password": "[secret, changed]"}


def test_no_secret_of_the_older_rows_is_recorded_when_they_change(upgraded):
    with upgraded.session("postgres") as session:
        session.execute("update public.agents set name = 'x', config = '{}', custom_headers = '{}'")
        session.execute("update public.sip_trunks set password = 'new-one', username = 'x'")
        text = str(session.all("select old, new from audit.event"))
    for secret in ("pw-in-json", "Bearer", "older-trunk-password", "new-one"):
        assert secret not in text


# Who


def test_an_edit_in_sql_is_recorded_as_outside(anyone):
    for role in ("postgres", "embedded_admin"):
        entries = Entries(anyone)
        anyone.as_user(role)
        anyone.actor(name="Somebody else")
        anyone.execute(
            "update public.organizations set name = 'By hand, ' || session_user where id = %s", ORG
        )
        anyone.leave()
        entry = entries.only()
        assert (entry["source"], entry["db_role"], entry["jwt_sub"]) == ("outside", role, None)
        assert entry["actor"] != "Somebody else", "an actor is believed from the back office only"
        assert entry["actor_id"] is None
        assert entry["new"]["name"] == f"By hand, {role}"


def test_an_edit_through_the_data_api_is_recorded_with_its_login(anyone):
    for role, sub, statement in [
        ("authenticated", ALICE, "update public.organizations set name = 'By the owner'"),
        (
            "service_role",
            None,
            "update public.phone_numbers set status = 'released' where phone_number like '%%100'",
        ),
        ("service_role", BOB, "delete from public.sip_trunks where organization_id is null"),
    ]:
        entries = Entries(anyone)
        anyone.become(role, sub)
        anyone.execute(statement.replace("%%", "%"))
        anyone.leave()
        entry = entries.only()
        assert (entry["source"], entry["db_role"], entry["jwt_sub"]) == ("outside", role, sub)


def test_claims_that_make_no_sense_stop_nobody(anyone):
    for claims in ("", "no json", "[]", '"text"', "null", '{"sub": null}', '{"sub": ["x"]}'):
        entries = Entries(anyone)
        anyone.execute("select set_config('request.jwt.claims', %s, true)", claims)
        anyone.as_user("postgres")
        anyone.execute("update public.organizations set name = name || '.' where id = %s", ORG)
        anyone.leave()
        assert entries.only()["source"] == "outside"


def test_a_deleted_login_is_recorded_with_what_went_along(anyone):
    login = of("d0000000", 0)
    anyone.execute("insert into auth.users (id, email) values (%s, 'gone@example.com')", login)
    entries = Entries(anyone)
    anyone.as_user("supabase_auth_admin")
    anyone.execute("delete from auth.users where id = %s", login)
    anyone.leave()
    gone = {(row["table_name"], row["action"], row["db_role"], row["source"]) for row in entries.all()}
    assert gone == {
        ("organizations", "delete", "supabase_auth_admin", "outside"),
        ("user_profiles", "delete", "supabase_auth_admin", "outside"),
    }


# The runtime


@pytest.mark.parametrize("role", ["postgres", "service_role"])
def test_the_runtime_leaves_no_entries(anyone, role):
    entries = Entries(anyone)
    anyone.become(role) if role == "service_role" else anyone.as_user(role)
    for statement in (
        f"insert into public.agent_sessions (agent_id, session_id) values ('{AGENT}', 'another session of the kind')",
        "update public.agent_sessions set message_count = message_count + 2, conversation_history = '[]'",
        f"insert into public.agent_messages (session_id, role, content) values ('{SESSION}', 'user', 'x')",
        "update public.agent_messages set latency_ms = 5",
        f"insert into public.chat_sessions (project_id) values ('{AGENT}')",
        f"insert into public.chat_messages (session_id, role, text) values ('{of('a0000000', 7)}', 'user', 'x')",
        f"insert into public.usage_logs (agent_id, organization_id) values ('{AGENT}', '{ORG}')",
        "update public.usage_logs set cost_usd = 1",
    ):
        anyone.execute(statement)
    anyone.leave()
    assert entries.all() == []


def test_a_visitor_leaves_no_entries(anyone):
    entries = Entries(anyone)
    anyone.become("anon", None, {"x-conversation-token": ALICE_TOKEN})
    anyone.execute("update public.agent_sessions set message_count = 9")
    anyone.execute(
        "insert into public.agent_messages (session_id, role, content) values (%s, 'user', 'x')", SESSION
    )
    anyone.leave()
    assert entries.all() == []


def test_an_entry_cannot_be_altered_by_staff_of_the_database(anyone):
    """Nor by the service role: nobody but the owner reaches the audit at all."""
    for table in ("audit.event", "audit.read_log"):
        for statement in (f"delete from {table}", f"update {table} set actor = 'x'", f"truncate {table}"):
            for role in ("service_role", "authenticated", "anon"):
                anyone.become(role)
                assert isinstance(anyone.attempt(statement), psycopg.errors.InsufficientPrivilege)
                anyone.leave()


def test_a_truncated_table_leaves_one_entry(anyone):
    entries = Entries(anyone)
    anyone.as_user("postgres")
    anyone.execute("truncate public.sip_trunks")
    anyone.leave()
    entry = entries.only()
    assert (entry["table_name"], entry["action"], entry["row_label"]) == (
        "sip_trunks",
        "delete",
        "all rows (truncate)",
    )
