"""What the Data API lets anybody do: nothing to what belongs to others, whoever asks and whatever they send.

Each test is one transaction of a superuser who takes the part of a caller and then looks at the outcome.
"""

import json

import psycopg
import pytest
from psycopg.types.json import Json

from .servers import TABLES

ALICE, BOB = "a0000000-0000-4000-8000-000000000000", "b0000000-0000-4000-8000-000000000000"


def of(tenant, place):
    """The id of a tenant's row in the table at this place of world.sql."""
    return f"{tenant}-0000-4000-8000-{place:012x}"


ALICE_TOKEN, BOB_TOKEN = "session_1765700000000_alicealic", "session_1765700000000_bobbobbob"
SIXTEEN = "exactly16letters"
EVERY = [*TABLES, "credit_transactions"]
# Whose row it is, in SQL.
TENANT = {
    "organizations": "t.id",
    "user_profiles": "(select min(id::text)::uuid from public.organizations o where o.owner_id = t.id)",
    "agents": "t.organization_id",
    "sip_trunks": "t.organization_id",
    "phone_numbers": "t.organization_id",
    "agent_sessions": "(select organization_id from public.agents where id = t.agent_id)",
    "agent_messages": "(select organization_id from public.agents a join public.agent_sessions s on s.agent_id = a.id"
    " where s.id = t.session_id)",
    "chat_sessions": "(select organization_id from public.agents where id = t.project_id)",
    "chat_messages": "(select organization_id from public.agents a join public.chat_sessions s on s.project_id = a.id"
    " where s.id = t.session_id)",
    "usage_logs": "t.organization_id",
    "call_logs": "t.organization_id",
    "credit_transactions": "t.organization_id",
}
# Callers who must not reach anything of Alice's: role, login, headers.
STRANGERS = {
    "anonymous": ("anon", None, None),
    "anonymous with an empty token": ("anon", None, {"x-conversation-token": ""}),
    "anonymous with the token default": ("anon", None, {"x-conversation-token": "default"}),
    "anonymous with a short token": ("anon", None, {"x-conversation-token": "only15letters.."}),
    "anonymous with another's conversation": ("anon", None, {"x-conversation-token": BOB_TOKEN}),
    "anonymous with a chat's message": ("anon", None, {"x-conversation-token": of("a0000000", 8)}),
    "anonymous with an inner id": ("anon", None, {"x-conversation-token": of("a0000000", 5)}),
    "anonymous with a pattern": ("anon", None, {"x-conversation-token": "session_1765700000000_%"}),
    "anonymous with the token in another case": ("anon", None, {"x-conversation-token": ALICE_TOKEN.upper()}),
    "login without anything": ("authenticated", "d0000000-0000-4000-8000-000000000000", None),
    "token without sub": ("authenticated", None, None),
    "Bob": ("authenticated", BOB, None),
    "Bob with his own conversation": ("authenticated", BOB, {"x-conversation-token": BOB_TOKEN}),
    "Bob with the token default": ("authenticated", BOB, {"x-conversation-token": "default"}),
}


def alices(session):
    """All that is not Bob's: Alice's rows and those of nobody."""
    return {
        table: session.all(
            f"select to_jsonb(t) as row from public.{table} t where {TENANT[table]} is null"
            f" or {TENANT[table]} not in (select id from public.organizations where owner_id = %s)"
            " order by t::text",
            BOB,
        )
        for table in EVERY
    }


def different(type_, column):
    """An expression of another value for a column."""
    if type_ == "uuid":
        return f"'{of('b0000000', 1)}'::uuid"
    return {
        "timestamp with time zone": "now()",
        "jsonb": """'{"taken": true}'::jsonb""",
        "boolean": f"not coalesce({column}, false)",
        "integer": "666",
        "bigint": "666",
    }.get(type_, "6.66" if type_.startswith("numeric") else "'taken'")


def columns(session, table):
    return session.all(
        "select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute"
        " where attrelid = format('public.%%I', %s::text)::regclass and attnum > 0 and not attisdropped",
        table,
    )


@pytest.mark.parametrize("stranger", STRANGERS)
def test_strangers_see_nothing(anyone, stranger):
    role, sub, headers = STRANGERS[stranger]
    mine = BOB_TOKEN in str(headers) or sub == BOB
    anyone.become(role, sub, headers)
    seen = {}
    for table in EVERY:
        # A primary key is what any caller may ask for first; a whole row may be more than is granted.
        for what in ("id", "*"):
            anyone.execute("savepoint look")
            try:
                rows = anyone.all(f"select {what} from public.{table}")
            except psycopg.errors.InsufficientPrivilege:
                rows = []
                anyone.execute("rollback to savepoint look")
            foreign = [row for row in rows if not mine or str(row["id"])[0] not in "bc"]
            if table == "credit_transactions":
                foreign = [row for row in rows if str(row.get("organization_id"))[0] not in "bcN"]
            if foreign:
                seen[table, what] = foreign
    assert seen == {}


@pytest.mark.parametrize("stranger", STRANGERS)
def test_strangers_change_nothing(anyone, stranger):
    role, sub, headers = STRANGERS[stranger]
    before = alices(anyone)
    described = {table: columns(anyone, table) for table in EVERY}
    anyone.become(role, sub, headers)
    for table in EVERY:
        for column in described[table]:
            anyone.attempt(
                f'update public.{table} set "{column["name"]}" = {different(column["type"], column["name"])}'
            )
        anyone.attempt(f"delete from public.{table}")
        anyone.attempt(f"truncate public.{table} cascade")
    anyone.leave()
    assert alices(anyone) == before


@pytest.mark.parametrize("stranger", STRANGERS)
def test_strangers_add_nothing(anyone, stranger):
    """Copies of Alice's rows under new ids, with all columns or only those that a client would send.

    A visitor may start a conversation with any agent, if he presents its token: these carry another.
    """
    role, sub, headers = STRANGERS[stranger]
    before = alices(anyone)
    described = {table: {c["name"] for c in columns(anyone, table)} for table in EVERY}
    fresh = {
        "id": "dddddddd-0000-4000-8000-000000000000",
        "phone_number": "+14155550999",
        "email": "x@example.com",
    }
    anyone.become(role, sub, headers)
    for table in EVERY:
        for row in before[table]:
            copy = {**row["row"], **{k: v for k, v in fresh.items() if k in described[table]}}
            if table == "agent_sessions":
                copy["session_id"] = "a token of somebody's own"
            if table == "credit_transactions":
                copy |= {"id": 999, "idempotency_key": "taken"}
            for left_out in (
                set(),
                {"id", "created_at", "updated_at"},
                {"credits_balance", "created_at", "updated_at"},
            ):
                names = [name for name in copy if name not in left_out]
                listed = ", ".join(f'"{name}"' for name in names)
                anyone.attempt(
                    f"insert into public.{table} ({listed})"
                    f" select {listed} from jsonb_populate_record(null::public.{table}, %s)",
                    Json(copy),
                )
    anyone.leave()
    assert alices(anyone) == before


def test_tenant_sees_own_rows(anyone):
    anyone.become("authenticated", ALICE)
    seen = {
        table: {str(row["id"]) for row in anyone.all(f"select id from public.{table}")} for table in TABLES
    }
    assert seen["organizations"] == {of("a0000000", 1)}
    assert seen["user_profiles"] == {ALICE}
    assert seen["agents"] == {of("a0000000", 2)}
    assert seen["sip_trunks"] == {of("a0000000", 3)}
    assert seen["phone_numbers"] == {of("a0000000", 4)}
    assert {of("a0000000", 5), of("a1000000", 5), of("a2000000", 5)} <= seen["agent_sessions"]
    assert {of("a0000000", 6), of("a1000000", 6), of("a2000000", 6)} <= seen["agent_messages"]
    assert seen["chat_sessions"] == {of("a0000000", 7), of("a1000000", 7)}
    assert seen["chat_messages"] == {of("a0000000", 8), of("a1000000", 8)}
    assert seen["usage_logs"] == {of("a0000000", 9)}
    assert seen["call_logs"] == {of("a0000000", 10)}


def test_conversation_default_is_shown_to_no_tenant(anyone):
    """All callers of all tenants share the session `default`, under whichever agent came first."""
    for role, sub, headers in [
        ("authenticated", ALICE, None),
        ("authenticated", ALICE, {"x-conversation-token": "default"}),
        ("authenticated", BOB, None),
        ("anon", None, {"x-conversation-token": "default"}),
    ]:
        anyone.become(role, sub, headers)
        assert anyone.one("select count(*) from public.agent_sessions where session_id = 'default'") == 0
        assert anyone.one("select count(*) from public.agent_messages where id = %s", of("a3000000", 6)) == 0
        anyone.leave()


def test_tenant_changes_what_is_theirs(anyone):
    anyone.become("authenticated", ALICE)
    for statement in (
        "update public.organizations set name = 'Renamed' where id = %(org)s returning id, name, credits_balance",
        "update public.user_profiles set full_name = 'A', company_name = 'B', phone_number = '1', avatar_url = 'x'"
        " where id = %(me)s returning *",
        "update public.agents set name = 'New', config = '{}', system_prompt = 'Be brief', is_published = true"
        " where id = %(agent)s returning *",
        "update public.phone_numbers set agent_id = null where id = %(number)s returning *",
        "update public.phone_numbers set agent_id = %(agent)s where id = %(number)s returning *",
        "insert into public.agents (organization_id, name) values (%(org)s, 'Second') returning *",
        "insert into public.sip_trunks (organization_id, provider, username, password) values"
        " (%(org)s, 'twilio', 'u', 'new-secret') returning id, username",
        "update public.sip_trunks set password = 'newer-secret' where organization_id = %(org)s returning id",
        "insert into public.organizations (name, owner_id) values ('Another', %(me)s) returning id, name",
    ):
        params = {
            "org": of("a0000000", 1),
            "me": ALICE,
            "agent": of("a0000000", 2),
            "number": of("a0000000", 4),
        }
        anyone.execute("savepoint own")
        assert anyone.connection.execute(statement, params).fetchall(), statement
        anyone.execute("release savepoint own")


RESERVED = {
    "organizations": ["id", "owner_id", "credits_balance", "created_at"],
    "user_profiles": ["id", "subscription_tier", "stripe_customer_id", "stripe_subscription_id"],
    "agents": ["organization_id"],
    "sip_trunks": ["organization_id"],
    "phone_numbers": ["organization_id", "phone_number", "provider_sid"],
    "agent_sessions": ["agent_id", "session_id", "user_id"],
    "usage_logs": ["organization_id", "tokens_used", "cost_usd", "agent_id"],
    "call_logs": ["organization_id", "duration_seconds", "cost", "status"],
    "credit_transactions": ["organization_id", "amount", "balance_after", "kind"],
}


@pytest.mark.parametrize("table", RESERVED)
def test_tenant_cannot_change_what_is_the_platforms(anyone, table):
    """In one's own rows; with a token for one's own conversations as well."""
    types = {column["name"]: column["type"] for column in columns(anyone, table)}
    before = anyone.all(f"select * from public.{table} order by id")
    anyone.become("authenticated", BOB, {"x-conversation-token": BOB_TOKEN})
    for column in RESERVED[table]:
        value = different(types[column], column)
        if types[column] == "uuid":
            value = f"'{ALICE if column in ('owner_id', 'id', 'user_id') else of('a0000000', 1)}'::uuid"
        if column == "agent_id":
            value = f"'{of('a0000000', 2)}'::uuid"
        anyone.attempt(f"update public.{table} set {column} = {value}")
        anyone.attempt(
            f"insert into public.{table} select * from public.{table} on conflict (id) do update set {column} = {value}"
        )
    anyone.leave()
    assert anyone.all(f"select * from public.{table} order by id") == before


def test_tenant_cannot_begin_with_money_or_a_tier(anyone):
    anyone.become("authenticated", BOB)
    refused = [
        anyone.attempt(
            "insert into public.organizations (name, owner_id, credits_balance) values ('Rich', %s, 1000)",
            BOB,
        ),
        anyone.attempt("insert into public.organizations (name, owner_id) values ('For another', %s)", ALICE),
        anyone.attempt(
            "insert into public.user_profiles (id, email, subscription_tier) values (%s, 'b2@example.com', 'pro')",
            BOB,
        ),
        anyone.attempt(
            "select public.post_credit(%s, 100, 'top_up', 'because', p_idempotency_key => 'mine')",
            of("b0000000", 1),
        ),
        anyone.attempt(
            "insert into public.credit_transactions (organization_id, organization_name, amount, balance_after, kind,"
            " reason, actor, db_role) values (%s, 'Bob', 5, 15, 'top_up', 'x', 'x', 'x')",
            of("b0000000", 1),
        ),
    ]
    assert all(isinstance(error, psycopg.errors.InsufficientPrivilege) for error in refused), refused
    anyone.actor()
    error = anyone.attempt("select public.post_credit(%s, 100, 'top_up', 'because')", of("b0000000", 1))
    assert isinstance(error, psycopg.errors.InsufficientPrivilege), "an actor is only a setting"


def test_number_takes_agents_of_the_same_organization_only(anyone):
    anyone.become("authenticated", BOB)
    error = anyone.attempt(
        "update public.phone_numbers set agent_id = %s where id = %s", of("a0000000", 2), of("b0000000", 4)
    )
    assert error is not None
    anyone.leave()
    # Nor of another organization of the same owner.
    anyone.execute(
        "insert into public.agents (id, organization_id, name) values (%s, %s, 'Other company of Bob')",
        of("c0000000", 2),
        of("c0000000", 1),
    )
    anyone.become("authenticated", BOB)
    error = anyone.attempt(
        "update public.phone_numbers set agent_id = %s where id = %s", of("c0000000", 2), of("b0000000", 4)
    )
    assert error is not None


def test_tenant_destroys_no_bills(anyone):
    """Deleting parents must not take usage, calls and the organization's history along."""
    before = {
        t: anyone.one(f"select count(*) from public.{t}")
        for t in ("usage_logs", "call_logs", "organizations")
    }
    anyone.execute("delete from public.chat_sessions")  # would stand in the way by themselves
    anyone.become("authenticated", BOB)
    for table in EVERY:
        anyone.attempt(f"delete from public.{table}")
    anyone.leave()
    assert {t: anyone.one(f"select count(*) from public.{t}") for t in before} == before


@pytest.mark.parametrize(
    "statement",
    [
        "select password from public.sip_trunks",
        "select * from public.sip_trunks",
        "select t from public.sip_trunks t",
        "select to_jsonb(t) from public.sip_trunks t",
        "select id from public.sip_trunks where password like 'a%%'",
        "select id from public.sip_trunks order by password",
        "update public.sip_trunks set username = password",
        "update public.sip_trunks set username = 'x' returning password",
        "delete from public.sip_trunks where password = 'alice-trunk-secret'",
        "copy public.sip_trunks to stdout",
        "copy public.sip_trunks (password) to stdout",
    ],
)
@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_trunk_password_is_readable_to_nobody(anyone, role, statement):
    """To the owner neither: it is write-only."""
    anyone.become(role, ALICE if role == "authenticated" else None)
    anyone.execute("savepoint look")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        if statement.startswith("copy"):
            with anyone.connection.cursor().copy(statement) as copy:
                list(copy)
        else:
            anyone.execute(statement)
    anyone.execute("rollback to savepoint look")


# The widget: one conversation, by its token.


def visible(session):
    return {
        table: sorted(str(row["id"]) for row in session.all(f"select id from public.{table}"))
        for table in ("agent_sessions", "agent_messages", "chat_sessions", "chat_messages")
    }


NOTHING = {"agent_sessions": [], "agent_messages": [], "chat_sessions": [], "chat_messages": []}


@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_token_gives_exactly_its_conversation(anyone, role):
    login = "d0000000-0000-4000-8000-000000000000" if role == "authenticated" else None
    for token, expected in {
        ALICE_TOKEN: {
            "agent_sessions": [of("a0000000", 5)],
            "agent_messages": [of("a0000000", 6), of("a1000000", 6)],
        },
        SIXTEEN: {"agent_sessions": [of("a1000000", 5)], "agent_messages": [of("a5000000", 6)]},
        of("a1000000", 7): {"chat_sessions": [of("a1000000", 7)], "chat_messages": [of("a1000000", 8)]},
        of("a1000000", 7).upper(): {
            "chat_sessions": [of("a1000000", 7)],
            "chat_messages": [of("a1000000", 8)],
        },
    }.items():
        anyone.become(role, login, {"x-conversation-token": token, "user-agent": "widget"})
        assert visible(anyone) == {**NOTHING, **expected}, token
        anyone.leave()


@pytest.mark.parametrize(
    "headers",
    [
        "",
        "no json",
        "[]",
        "null",
        '"session_1765700000000_alicealic"',
        "17",
        "{}",
        '{"x-conversation-token": null}',
        '{"x-conversation-token": 17}',
        '{"x-conversation-token": ["session_1765700000000_alicealic"]}',
        '{"x-conversation-token": {"token": "session_1765700000000_alicealic"}}',
        '{"X-Conversation-Tokens": "session_1765700000000_alicealic"}',
        '{"x-conversation-token": "session_1765700000000_alicealic',
        '{"x-conversation-token": "default"}',
        '{"x-conversation-token": "only15letters.."}',
        '{"x-conversation-token": ""}',
        '{"x-conversation-token": "%"}',
        '{"x-conversation-token": "not-a-uuid-but-long-enough"}',
        '{"cookie": "x-conversation-token=session_1765700000000_alicealic"}',
    ],
)
def test_other_headers_give_nothing_and_do_no_harm(anyone, headers):
    anyone.become("anon", None, headers)
    assert visible(anyone) == NOTHING
    anyone.leave()
    anyone.become("authenticated", BOB, headers)
    assert visible(anyone)["agent_sessions"] == [of("b0000000", 5)], (
        "an owner's pages do not depend on the header"
    )


def test_no_header_at_all(anyone):
    """Not even an empty setting, as outside a request."""
    anyone.execute("set session authorization authenticator")
    anyone.execute("set local role anon")
    assert visible(anyone) == NOTHING


@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_widget_starts_continues_and_reads_back(anyone, role):
    """As a browser app does: insert with the row returned, then lines, then the whole conversation again."""
    login = "d0000000-0000-4000-8000-000000000000" if role == "authenticated" else None
    token = "b6f3a8de-6f0a-4f6e-9c05-0a5d6f1f2a10"
    anyone.become(role, login, {"x-conversation-token": token})
    session = anyone.one(
        "insert into public.agent_sessions (agent_id, session_id, channel) values (%s, %s, 'text') returning *",
        of("a0000000", 2),
        token,
    )
    for speaker, text in [("user", "Hello"), ("assistant", "Hi")]:
        anyone.one(
            "insert into public.agent_messages (session_id, role, content) values (%s, %s, %s) returning *",
            session["id"],
            speaker,
            text,
        )
    changed = anyone.all(
        "update public.agent_sessions set message_count = 2, last_activity_at = now(), status = 'ended',"
        " ended_at = now(), conversation_history = '[]', context_data = '{}' where session_id = %s returning *",
        token,
    )
    assert len(changed) == 1
    assert len(anyone.all("select * from public.agent_messages")) == 2

    chat = anyone.one(
        "insert into public.chat_sessions (id, project_id) values (%s, %s) returning *",
        token,
        of("a0000000", 2),
    )
    for speaker, text in [("user", "Hello"), ("model", "Hi")]:
        anyone.one(
            "insert into public.chat_messages (session_id, role, text) values (%s, %s, %s) returning *",
            chat["id"],
            speaker,
            text,
        )
    assert len(anyone.all("select * from public.chat_messages")) == 2


@pytest.mark.parametrize(
    "headers", [{}, {"x-conversation-token": "a token of another talk"}, {"x-conversation-token": "default"}]
)
@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_widget_writes_into_its_own_conversation_only(anyone, role, headers):
    before = alices(anyone)
    anyone.become(role, BOB if role == "authenticated" else None, headers)
    agent, session, chat = of("a0000000", 2), of("a0000000", 5), of("a1000000", 7)
    for statement, *params in [
        (
            "insert into public.agent_sessions (agent_id, session_id) values (%s, 'never-presented-by-me')",
            agent,
        ),
        ("insert into public.agent_sessions (agent_id, session_id) values (%s, 'default')", agent),
        ("insert into public.agent_sessions (agent_id, session_id) values (%s, 'short')", agent),
        ("insert into public.agent_messages (session_id, role, content) values (%s, 'user', 'x')", session),
        (
            "insert into public.agent_messages (session_id, role, content) values (%s, 'user', 'x')",
            of("a3000000", 5),
        ),
        ("insert into public.chat_sessions (project_id) values (%s)", agent),
        ("insert into public.chat_messages (session_id, role, text) values (%s, 'user', 'x')", chat),
        (
            "insert into public.agent_sessions (agent_id, session_id) values (%s, %s)"
            " on conflict (session_id) do update set message_count = 99",
            agent,
            ALICE_TOKEN,
        ),
    ]:
        assert anyone.attempt(statement, *params) is not None, statement
    anyone.leave()
    assert alices(anyone) == before


def test_widget_cannot_move_its_conversation(anyone):
    """Not to another agent, token or login, nor its lines to another conversation, nor wipe it."""
    anyone.become("anon", None, {"x-conversation-token": BOB_TOKEN})
    for column, value in {
        "agent_id": of("a0000000", 2),
        "session_id": "another_token_entirely",
        "user_id": ALICE,
        "id": of("e0000000", 5),
    }.items():
        assert anyone.attempt(f"update public.agent_sessions set {column} = %s", value) is not None, column
    anyone.attempt("update public.agent_messages set session_id = %s", of("a0000000", 5))
    anyone.attempt("update public.agent_messages set content = 'changed'")
    for table in NOTHING:
        anyone.attempt(f"delete from public.{table}")
    anyone.leave()
    assert (
        anyone.one("select content from public.agent_messages where id = %s", of("b0000000", 6)) == "Bob asks"
    )
    assert anyone.one(
        "select agent_id::text from public.agent_sessions where id = %s", of("b0000000", 5)
    ) == of("b0000000", 2)


@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_widget_speaks_for_no_login_but_its_own(anyone, role):
    token = "b6f3a8de-6f0a-4f6e-9c05-0a5d6f1f2a10"
    anyone.become(role, BOB if role == "authenticated" else None, {"x-conversation-token": token})
    agent = of("b0000000", 2)
    for statement in (
        "insert into public.agent_sessions (agent_id, session_id, user_id) values (%s, %s, %s)",
        "insert into public.chat_sessions (project_id, id, user_id) values (%s, %s, %s)",
    ):
        assert anyone.attempt(statement, agent, token, ALICE) is not None


def test_service_role_goes_on_working(anyone):
    """The platform's backend and outside jobs under service_role read and write the eleven tables."""
    anyone.become("service_role", None)
    for table in TABLES:
        assert anyone.all(f"select * from public.{table}"), table
    for statement in (
        "insert into public.agent_sessions (agent_id, session_id) values (%(agent)s, 'default-2')",
        "insert into public.usage_logs (agent_id, organization_id, tokens_used) values (%(agent)s, %(org)s, 5)",
        "insert into public.call_logs (organization_id, session_id, direction) values (%(org)s, 'x', 'inbound')",
        "insert into public.phone_numbers (organization_id, phone_number) values (%(org)s, '+14155550777')",
        "update public.organizations set credits_balance = credits_balance - 1 where id = %(org)s",
        "update public.user_profiles set subscription_tier = 'pro'",
        "delete from public.chat_messages",
    ):
        anyone.connection.execute(statement, {"agent": of("a0000000", 2), "org": of("a0000000", 1)})


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
def test_api_roles_have_no_way_into_the_back_office(anyone, role):
    anyone.become(role, ALICE)
    for statement in (
        "select * from audit.event",
        "select * from audit.read_log",
        "select audit.find_login('bob@example.com')",
        "select audit.trunks_with_password(array[]::uuid[])",
        "select audit.log_read('transcript', 't', 'r', 'l', null, null)",
        f"select audit.delete_record('organizations', '{of('c0000000', 1)}')",
        f"select audit.delete_blockers('organizations', '{of('c0000000', 1)}')",
        f"select public.post_credit('{of('a0000000', 1)}', 5, 'top_up', 'x')",
        "create table backoffice.x (id int)",
        "create table public.x (id int)",
        "create table audit.x (id int)",
        "insert into public.credit_transactions (organization_id) values (gen_random_uuid())",
        "update public.credit_transactions set amount = 1",
        "delete from public.credit_transactions",
        "truncate public.credit_transactions",
        "select setval('public.credit_transactions_id_seq', 1)",
        "select nextval('public.credit_transactions_id_seq')",
    ):
        error = anyone.attempt(statement)
        assert isinstance(error, psycopg.errors.InsufficientPrivilege), (statement, error)


@pytest.mark.parametrize("user", ["authenticator", "anon", "authenticated"])
def test_api_roles_do_not_become_more(world, anyone, user):
    anyone.execute(f"set session authorization {user}")
    for role in ("postgres", "backoffice", "supabase_auth_admin", "embedded_admin"):
        assert anyone.attempt(f"set role {role}") is not None, role


def test_policies_use_indexes_not_functions_per_row(anyone):
    """The token and the login are worked out once per statement."""
    anyone.become("anon", None, {"x-conversation-token": ALICE_TOKEN})
    anyone.execute("set local enable_seqscan = off")
    plan = json.dumps(anyone.all("explain (verbose) select id from public.agent_messages"))
    assert "InitPlan" in plan or "hashed SubPlan" in plan
