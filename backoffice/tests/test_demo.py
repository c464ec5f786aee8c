"""The demo tells its story: every oddity that pages must survive stands in the data, and the same on every run."""

import functools
import io
import os
import wave
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.http import Http404
from psycopg.rows import tuple_row

from backoffice.demo import audio, conversations, oddities
from backoffice.demo.load import DemoError, load, occupied_by
from backoffice.demo.tenants import TENANTS
from backoffice.demo.texts import MODULES, language
from backoffice.demo.views import demo_audio
from backoffice.demo.world import World
from backoffice.figures.tenant import kept
from backoffice.health.checking import check_rows
from backoffice.management.commands.demo_data import Command, moment
from backoffice.models import HealthFinding
from backoffice.testing import Database, make_user
from telephony.conflicts.rules import RULES
from telephony.conflicts.sql import ALL_OF_THEM, NUMBERS
from telephony.conflicts.sql import TENANTS as TENANTS_RULES
from tenants.desk.conversations import conversations_of
from tenants.desk.facts import facts_from, facts_read, related_from, related_read
from tenants.desk.timeline import timeline_of
from tenants.desk.together import read_together
from tenants.desk.usage import usage_of
from tenants.health import KINDS, all_signs
from tenants.models import Organization

UNTIL = datetime(2026, 3, 20, 15, tzinfo=UTC)
TABLES = (
    "auth.users", "user_profiles", "organizations", "agents", "sip_trunks", "phone_numbers", "agent_sessions",
    "agent_messages", "chat_sessions", "chat_messages", "usage_logs", "call_logs", "credit_transactions",
)  # fmt: skip


@pytest.fixture(scope="module")
def loaded(embedded, template_database):
    """A connection, as owner, to a database with the demo in it."""
    database = Database(embedded, f"test_pid{os.getpid()}_demo")
    embedded.create_database(database.name, template=template_database, owner="postgres")
    with psycopg.connect(database.owner_url, autocommit=True) as connection:
        connection.execute("set search_path = public")
        load(connection, until=UNTIL, seed=7)
        yield connection
    embedded.drop_database(database.name)


def count(connection, rows):
    return connection.execute(f"select count(*) from {rows}").fetchone()[0]


def digest(connection):
    """One hash per table, without the times that the database itself stamps."""
    return {
        table: connection.execute(
            "select md5(string_agg(row, '' order by row)) from ("
            "  select md5((to_jsonb(t) - 'updated_at' - %s)::text) as row"
            f" from {table} t) rows",
            ["created_at" if table == "credit_transactions" else "updated_at"],
        ).fetchone()[0]
        for table in TABLES
    }


def test_another_seed_says_other_things():
    first, second = (World(seed=seed, until=UNTIL, scale=1) for seed in (1, 2))
    assert first.rows["agents"] != second.rows["agents"]
    assert [row[0] for row in first.rows["agents"]] == [row[0] for row in second.rows["agents"]]


def test_amounts_are_those_of_a_demo(loaded):
    expected = {
        "organizations": 40,
        "agents": 120,
        "sip_trunks": 25,
        "phone_numbers": 60,
        "agent_sessions": 2500,
        "agent_messages": 20000,
        "chat_sessions": 300,
        "usage_logs": 14000,
        "call_logs": 2500,
        "credit_transactions": 450,
    }
    found = {table: count(loaded, table) for table in expected}
    assert found == {table: pytest.approx(about, rel=0.25) for table, about in expected.items()}
    assert found["organizations"] == len(TENANTS)


@pytest.mark.parametrize(
    "times",
    [
        "organizations.created_at", "user_profiles.created_at", "agents.created_at", "sip_trunks.created_at",
        "phone_numbers.created_at", "agent_sessions.started_at", "agent_sessions.last_activity_at",
        "agent_sessions.ended_at", "agent_messages.created_at", "chat_messages.timestamp", "usage_logs.created_at",
        "call_logs.created_at",
    ],
)  # fmt: skip
def test_nothing_lies_in_the_future(loaded, times):
    table, column = times.split(".")
    latest = loaded.execute(f"select max({column}) from {table}").fetchone()[0]
    assert latest <= UNTIL


def test_the_last_day_has_conversations_and_calls(loaded):
    for table in ("agent_sessions", "agent_messages", "call_logs", "usage_logs"):
        assert count(loaded, f"{table} where created_at > timestamptz '{UNTIL - timedelta(days=1)}'") > 3


def test_nobody_talks_to_an_agent_before_there_is_one(loaded):
    early = "agent_sessions s join agents a on a.id = s.agent_id where s.created_at < a.created_at"
    assert count(loaded, early) == 0


def test_every_ledger_explains_its_balance(loaded):
    assert (
        count(
            loaded,
            """organizations o full join (select organization_id, sum(amount) as total from credit_transactions
               group by 1) l on l.organization_id = o.id
               where coalesce(o.credits_balance, 0) <> coalesce(l.total, 0)""",
        )
        == 0
    )


def test_every_balance_ends_where_its_profile_says(loaded):
    later = {"cascade-credit": 500, "juniper-sage": -3.2, "grand-meridian": 17}
    later |= {"praxis-weber": 2.5, "maple-street": 2.5}
    expected = sorted(
        "" if t.target is None else f"{float(t.target) + later.get(t.slug, 0):.2f}" for t in TENANTS
    )
    found = loaded.execute("select coalesce(credits_balance::text, '') from organizations")
    assert sorted(row[0] for row in found) == expected


STATUSES = {
    "agent_sessions.status": {"active", "ended", "timeout", "archived", None},
    "agent_sessions.channel": {"text", "voice", "phone", "fax", None},
    "agent_messages.role": {"user", "assistant", "system"},
    "chat_messages.role": {"user", "model"},
    "call_logs.status": {"active", "completed", "failed", "busy", "no-answer", "ringing", None},
    "call_logs.direction": {"inbound", "outbound", "internal"},
    "phone_numbers.status": {"active", "released", "porting", None},
    "sip_trunks.provider": {"twilio", "telnyx", "livekit", "plivo"},
    "user_profiles.subscription_tier": {"free", "pro", "enterprise", "trial", None},
    "usage_logs.channel": {"text", "voice", "phone", "fax", None},
    "agents.is_published": {True, False, None},
    "credit_transactions.kind": {
        "top_up", "refund", "goodwill", "promotion", "correction", "settlement", "reversal", "opening", "closing",
        "outside",
    },
}  # fmt: skip


# Nothing is wrong with the telephony of these.
CLEAN = {
    "Zahnarztpraxis Dr. Weber",
    "Parcelwise Logistics",
    "Northlight Bank",
    "Stadtwerke Lindental GmbH",
    "桜旅館",
}


def test_every_rule_of_conflicts_finds_something_and_nothing_at_clean_tenants(loaded):
    values = {"silent_days": (datetime.now(UTC) - UNTIL).days + 60}
    found = set()
    for part in NUMBERS + TENANTS_RULES:
        rows = loaded.execute(
            f"select f.rule, o.name from ({part.format(**ALL_OF_THEM)}) f"
            " (rule, subject_id, organization_id, number_id, partner_id, label, text)"
            " join organizations o on o.id = f.organization_id",
            values,
        )
        found |= {(row[0], row[1]) for row in rows.fetchall()}
    assert {rule for rule, _ in found} == set(RULES)
    assert {name for _, name in found} & CLEAN == set()


@pytest.mark.parametrize("column", STATUSES)
def test_every_value_occurs(loaded, column):
    table, name = column.split(".")
    assert {row[0] for row in loaded.execute(f"select distinct {name} from {table}")} == STATUSES[column]


STORY = {
    "config flat": "agents where config ? 'llm_model' and not config ? 'systemInstruction'",
    "config simple": "agents where config ? 'systemInstruction' and not config ? 'llm_model'",
    "config merged": "agents where config ? 'systemInstruction' and config ? 'llm_model'",
    "config envelope": "agents where config #> '{config,systemInstruction}' is not null and config ->> 'name' <> name",
    "config missing": "agents where config is null",
    "config empty": "agents where config = '{}'",
    "config of a wrong type": "agents where jsonb_typeof(config) = 'array'",
    "list of a wrong type": "agents where jsonb_typeof(boosted_keywords) = 'object'",
    "name is a JSON text": "agents where name like '{%'",
    "column and config differ": "agents where config ->> 'llm_model' <> llm_model",
    "prompt only in the config": "agents where system_prompt is null and config ? 'systemInstruction'",
    "model the runtime cannot serve": "agents where llm_model !~ '^(gpt|claude|gemini)'",
    "voice the runtime cannot serve": "agents where voice_provider in ('cartesia', 'google', 'azure')",
    "voice that its provider does not have": "agents where voice_provider = 'openai' and voice_id = 'Puck'",
    "envelope in an envelope, with secrets": "agents where config #> '{config,config,sip,password}' is not null",
    "config with values of wrong types": "agents where jsonb_typeof(config -> 'voice') = 'string'",
    "config written as a text": "agents where jsonb_typeof(config) = 'string'",
    "speech the runtime cannot serve": "agents where stt_provider in ('openai', 'google', 'azure')",
    "http webhook with a token": "agents where webhook_url like 'http:%' and custom_headers ? 'Authorization'",
    "draft in use": "agents a where not is_published and exists (select from agent_sessions where agent_id = a.id)",
    "no-pii, yet a card number is stored":
        "agents a join agent_sessions s on s.agent_id = a.id join agent_messages m on m.session_id = s.id "
        "where a.data_storage_policy = 'no-pii' and not a.pii_redaction_enabled and m.content like '%4111 1111%'",
    "social security number": "agent_messages where content like '%078-05-1120%'",
    "address and number of a visitor": "agent_messages where content ~ '@example.com' and role = 'user'",
    "history lost but for one entry":
        "agent_sessions s where jsonb_array_length(case when jsonb_typeof(conversation_history) = 'array' "
        "then conversation_history else '[]' end) = 1 and message_count = 6 "
        "and not exists (select from agent_messages where session_id = s.id)",
    "history and messages":
        "agent_sessions s where conversation_history <> '[]' "
        "and exists (select from agent_messages where session_id = s.id)",
    "messages only":
        "agent_sessions s where conversation_history = '[]' "
        "and exists (select from agent_messages where session_id = s.id)",
    "neither history nor messages":
        "agent_sessions s where conversation_history = '[]' and message_count > 0 "
        "and not exists (select from agent_messages where session_id = s.id)",
    "history of a wrong type": "agent_sessions where jsonb_typeof(conversation_history) = 'object'",
    "failed before the first message": "agent_sessions where message_count = 0 and conversation_history = '[]'",
    "error as an answer": "agent_messages where role = 'assistant' and content like 'Error:%'",
    "fewer messages than counted":
        "agent_sessions s where message_count > (select count(*) from agent_messages m where m.session_id = s.id) "
        "and exists (select from agent_messages m where m.session_id = s.id)",
    "the shared default session": "agent_sessions where session_id = 'default' and message_count > 400",
    "session id by the browser": "agent_sessions where session_id ~ '^session_[0-9]{13}_[0-9a-z]{9}$'",
    "session id a uuid": "agent_sessions where session_id ~ '^[0-9a-f]{8}-'",
    "session id migrated": "agent_sessions where session_id ~ '^session_[0-9a-f]{8}-'",
    "knowledge in the context": "agent_sessions where context_data ? 'knowledge'",
    "markup from a stranger": "agent_messages where content like '%<script>%'",
    "formula from a stranger": "agent_messages where content like '=HYPERLINK%'",
    "very long transcript": "agent_messages group by session_id having count(*) > 120",
    "turn with latency, tokens and model":
        "agent_messages where latency_ms > 0 and tokens_used > 0 and model_used is not null",
    "answer without any figures":
        "agent_messages where role = 'assistant' and coalesce(latency_ms, tokens_used) is null",
    "turn with audio": "agent_messages where audio_url like '/demo/audio/%' and audio_duration_ms > 0",
    "system turn": "agent_messages where role = 'system'",
    "German": "agent_messages where content ~ 'Guten Tag'",
    "Japanese": "agent_messages where content ~ '予約'",
    "Arabic": "agent_messages where content ~ 'شكر'",
    "anonymous legacy chat": "chat_sessions where user_id is null and created_at is not null",
    "signed-in legacy chat": "chat_sessions where user_id is not null",
    "usage with a price": "usage_logs where cost_usd > 0",
    "usage with a cost of zero": "usage_logs where cost_usd = 0 and tokens_used > 0",
    "usage with cost NULL": "usage_logs where cost_usd is null and tokens_used > 0",
    "usage without a session": "usage_logs where session_id is null and tokens_used > 0",
    "usage of another tenant's agent":
        "usage_logs u join agents a on a.id = u.agent_id where a.organization_id <> u.organization_id",
    "call with its conversation": "call_logs c join agent_sessions s on s.session_id = c.session_id",
    "call without one":
        "call_logs c where not exists (select from agent_sessions s where s.session_id = c.session_id)",
    "call in the default session": "call_logs where session_id = 'default'",
    "call active for ever":
        f"call_logs where status = 'active' and created_at < timestamptz '{UNTIL - timedelta(days=60)}'",
    "withheld caller": "call_logs where caller_number is null",
    "caller not in E.164": "call_logs where caller_number !~ '^[+][0-9]+$'",
    "recorded call": "call_logs where recording_url like '/demo/audio/%' and status = 'completed'",
    "priced call": "call_logs where cost > 0",
    "call without an agent": "call_logs where agent_id is null",
    "balance zero": "organizations where credits_balance = 0 and name = 'Riverbend Dental'",
    "balance below zero": "organizations where credits_balance < 0",
    "balance NULL": "organizations where credits_balance is null",
    "posting with actor": "credit_transactions where actor = 'Demo data' and db_role = 'backoffice'",
    "change from outside": "credit_transactions where kind = 'outside' and amount = 500",
    "reversal": "credit_transactions where kind = 'reversal' and reverses_id is not null",
    "ledger of a closed tenant":
        "credit_transactions where kind = 'closing' and organization_id not in (select id from organizations)",
    "number with another tenant's agent":
        "phone_numbers n join agents a on a.id = n.agent_id where a.organization_id <> n.organization_id",
    "number without agent": "phone_numbers where agent_id is null and status = 'active'",
    "number not in E.164": "phone_numbers where phone_number !~ '^[+][0-9]+$'",
    "number released": "phone_numbers where status = 'released'",
    "trunk of the platform": "sip_trunks where organization_id is null and password is not null",
    "trunk without credentials": "sip_trunks where organization_id is not null and password is null",
    "owner of several organizations": "organizations group by owner_id having count(*) = 3",
    "enterprise without Stripe": "user_profiles where subscription_tier = 'enterprise' and stripe_customer_id is null",
    "owner without a name": "organizations o join user_profiles p on p.id = o.owner_id where p.full_name is null",
    "owner without a profile": "organizations where owner_id not in (select id from user_profiles)",
    "login without an organization": "user_profiles where id not in (select owner_id from organizations)",
    "login without an address": "user_profiles where email like '%@no-mail.invalid'",
    "sign-up of today": f"organizations where created_at > timestamptz '{UNTIL - timedelta(days=1)}'",
    "tenant without agents":
        "organizations o where not exists (select from agents a where a.organization_id = o.id)",
    "silent tenant":
        "organizations o where (select max(s.created_at) from agent_sessions s join agents a on a.id = s.agent_id "
        f"where a.organization_id = o.id) < timestamptz '{UNTIL - timedelta(days=120)}'",
    "change by staff": "audit.event where source = 'app' and actor = 'Demo data' and reason is not null",
    "reading by staff": "audit.read_log where kind = 'transcript'",
}  # fmt: skip


@pytest.mark.parametrize("element", STORY)
def test_story_has(loaded, element):
    rows = STORY[element]
    if "group by" in rows:
        rows = f"(select from {rows}) found"
    assert count(loaded, rows) > 0


NULLABLE = {
    "organizations": ["credits_balance", "created_at", "updated_at"],
    "user_profiles": ["full_name", "company_name", "phone_number", "subscription_tier", "stripe_customer_id"],
    "agents": ["llm_model", "temperature", "is_published", "version", "backchannel_words", "created_at"],
    "sip_trunks": ["organization_id", "username", "sip_domain", "created_at"],
    "phone_numbers": ["agent_id", "provider", "provider_sid", "status", "created_at"],
    "agent_sessions": [
        "channel",
        "conversation_history",
        "context_data",
        "message_count",
        "status",
        "created_at",
    ],
    "agent_messages": ["audio_url", "tokens_used", "latency_ms", "model_used", "created_at"],
    "chat_sessions": ["user_id", "created_at"],
    "chat_messages": ["timestamp"],
    "usage_logs": ["session_id", "tokens_used", "cost_usd", "model_used", "channel", "created_at"],
    "call_logs": ["agent_id", "phone_number_id", "duration_seconds", "cost", "status", "created_at"],
}


@pytest.mark.parametrize("table", NULLABLE)
def test_null_occurs_wherever_it_may(loaded, table):
    for column in NULLABLE[table]:
        assert count(loaded, f"{table} where {column} is null") > 0, column


def test_secrets_are_made_up(loaded):
    passwords = loaded.execute("select password from sip_trunks where password is not null").fetchall()
    assert all(password.startswith("demo-password") for (password,) in passwords)


@pytest.mark.parametrize("code", MODULES)
def test_every_slot_of_every_text_can_be_filled(code):
    from backoffice.demo.texts import Slots

    tongue = language(code)
    rng = World(seed=1, until=UNTIL, scale=1).rng(code)
    topics = [*tongue.openings, *tongue.closings, *tongue.system, *tongue.phone, *tongue.common]
    for topic in [*topics, *(topic for own in tongue.topics.values() for topic in own)]:
        slots = Slots(rng, tongue, agent="Avery", org="Acme")
        for _role, ways in topic:
            assert all(way.format_map(slots).strip() for way in ways)


def test_every_tenant_speaks_about_its_business():
    for tenant in TENANTS:
        for code in set(tenant.languages) - {"en"}:
            assert tenant.industry in language(code).topics or code == "de", tenant.slug
        assert tenant.industry in language("en").topics, tenant.slug


def test_a_larger_scale_is_streamed():
    world = World(seed=1, until=UNTIL, scale=3)
    assert len(world.homes) == 60
    sizes = [len(batch["agent_messages"]) for batch in conversations.batches(world, oddities.rows)]
    assert len(sizes) > 3
    assert max(sizes) < conversations.BATCH + 1000
    assert sum(sizes) == pytest.approx(60000, rel=0.25)


# The command


@pytest.fixture
def command(fresh_database, monkeypatch):
    """Runs demo_data on the test's own database; gives what it printed."""
    connect = functools.partial(fresh_database.connect, "postgres", row_factory=tuple_row)
    monkeypatch.setattr(Command, "owner_connection", lambda self: connect())

    def run(*args):
        output = io.StringIO()
        call_command("demo_data", *args, stdout=output)
        return output.getvalue()

    return run


def test_command_fills_an_empty_database_once_with_the_same_rows_as_before(loaded, command, fresh_database):
    assert "40 organizations" in command("--until", "2026-03-20T15:00", "--seed", "7")
    with fresh_database.connect("postgres", row_factory=tuple_row) as connection:
        connection.execute("set search_path = public")
        before = digest(connection)
        assert before == digest(loaded)
        assert "Nothing was done: the database holds 40 organizations already" in command()
        assert digest(connection) == before


def test_a_database_that_was_in_use_is_left_alone(fresh_database):
    with psycopg.connect(fresh_database.owner_url, autocommit=True) as connection:
        connection.execute("insert into auth.users (email) values ('somebody@example.test')")
        assert occupied_by(connection) == "1 organization"
        with pytest.raises(DemoError, match="Nothing was done"):
            load(connection, until=UNTIL)
        assert count(connection, "public.agents") == 0


def test_supabase_is_refused(fresh_database):
    with fresh_database.connect("embedded_admin", autocommit=False, row_factory=tuple_row) as connection:
        connection.execute("create role supabase_admin")  # seen by this transaction only
        with pytest.raises(DemoError, match="Supabase"):
            occupied_by(connection)
        connection.rollback()


def test_a_database_without_the_platform_is_refused(embedded):
    with embedded.connect() as connection, pytest.raises(DemoError, match="platform_schema"):
        occupied_by(connection)


@pytest.mark.parametrize("args", [["--scale", "0"], ["--until", "2999-01-01"], ["--until", "2026-02-31"]])
def test_wrong_arguments_are_refused(command, args):
    with pytest.raises(CommandError):
        command(*args)


def test_until_may_be_a_day():
    assert moment("2026-02-01") == datetime(2026, 2, 1, tzinfo=UTC)
    assert moment("2026-02-01T15:00") == datetime(2026, 2, 1, 15, tzinfo=UTC)


def test_the_data_ends_when_it_is_told_to(loaded):
    (latest,) = loaded.execute(
        "select max(created_at) from call_logs where created_at < %s", [UNTIL + timedelta(days=365)]
    ).fetchone()
    assert UNTIL - timedelta(days=1) <= latest < UNTIL


# Recordings


def get_audio(rf, name="call-1", **headers):
    return demo_audio(rf.get(audio.address(name), headers=headers), name)


def test_a_recording_is_as_long_as_the_row_says():
    for name in ("call-1", "turn-0a1b2c3d", "x"):
        with wave.open(io.BytesIO(audio.wav(name))) as file:
            assert (file.getnchannels(), file.getframerate()) == (1, 8000)
            assert 1000 * file.getnframes() / 8000 == audio.duration_ms(name)
            assert 2000 <= audio.duration_ms(name) <= 6000


def test_a_recording_is_always_the_same_and_another_name_sounds_different():
    first = audio.wav("call-1")
    audio.wav.cache_clear()
    assert audio.wav("call-1") == first != audio.wav("call-2")


@pytest.mark.parametrize(
    "asked, status, content_range, part",
    [
        ("", 200, None, slice(None)),
        ("bytes=0-99", 206, "bytes 0-99/{size}", slice(0, 100)),
        ("bytes=100-", 206, "bytes 100-{last}/{size}", slice(100, None)),
        ("bytes=-50", 206, "bytes {tail}-{last}/{size}", slice(-50, None)),
        ("bytes=10-999999999", 206, "bytes 10-{last}/{size}", slice(10, None)),
        ("bytes=0-1,5-6", 200, None, slice(None)),
        ("bytes=9-5", 200, None, slice(None)),
        ("pages=1-2", 200, None, slice(None)),
        ("bytes=999999999-", 416, "bytes */{size}", slice(0, 0)),
        ("bytes=-0", 416, "bytes */{size}", slice(0, 0)),
    ],
)
def test_a_browser_can_seek(rf, asked, status, content_range, part):
    whole = audio.wav("call-1")
    response = get_audio(rf, range=asked)
    expected = content_range and content_range.format(
        size=len(whole), last=len(whole) - 1, tail=len(whole) - 50
    )
    assert response.status_code == status
    assert response.headers.get("Content-Range") == expected
    assert response.content == whole[part]


def test_a_recording_has_its_page_and_needs_a_login(client, support_client):
    address = audio.address("call-1")
    assert client.get(address).status_code == 302
    response = support_client.get(address)
    assert (response.status_code, response["Content-Type"]) == (200, "audio/wav")


def test_recordings_exist_only_in_the_demo(rf, settings):
    settings.EMBEDDED = False
    with pytest.raises(Http404):
        get_audio(rf)


def test_every_health_sign_and_every_tab_is_filled(fresh_database, django_db_blocker):
    """Signs count back from now, so the demo ends now."""
    with psycopg.connect(fresh_database.owner_url, autocommit=True) as connection:
        connection.execute("set search_path = public")
        load(connection, until=datetime.now(UTC), seed=7)
    with django_db_blocker.unblock(), fresh_database.django():
        assert {sign.kind for sign in all_signs()} == set(KINDS)
        tenant = Organization.objects.get(name="Parcelwise Logistics")
        (facts,), (related,) = read_together([facts_read(tenant, kept()), related_read(tenant)])
        assert all(related_from(related).counts.values()) and facts_from(facts).credit.days_left
        assert usage_of(tenant).records
        owner = make_user("manager")
        assert {row.source for row in conversations_of(tenant, owner, 500)} >= {
            "messages",
            "history",
            "legacy",
        }
        kinds = {entry.kind for entry in timeline_of(tenant, owner, limit=500).entries}
        assert kinds >= {"staff", "outside", "money"}


def test_data_health_finds_what_was_seeded(loaded, embedded, django_db_blocker):
    database = Database(embedded, loaded.info.dbname)
    with django_db_blocker.unblock(), database.django():
        check_rows()
        found = set(HealthFinding.objects.exclude(level="good").values_list("rule", flat=True))
    assert found >= {
        "agent_json_name", "agent_without_prompt", "agent_wrong_json", "agents_values", "balance_no_number",
        "call_amounts", "call_logs_times", "call_logs_values", "call_without_agent", "call_without_conversation",
        "default_session", "number_not_e164", "number_of_other_tenant", "organization_without_profile",
        "owner_of_several", "redaction_off", "secrets_in_headers", "sip_password_in_config", "stale_calls",
        "storage_policy_not_kept", "usage_of_other_tenant", "webhook_not_https",
    }  # fmt: skip
