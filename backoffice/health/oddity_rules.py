"""Rules about rows that the platform should not have written so."""

from django.apps import apps
from django.conf import settings

from backoffice.health.findings import BAD, INFO, WARN
from backoffice.health.row_rules import KINDS, Rule, find_in
from backoffice.model_fields import OpenChoiceField

# The time by which each table is read, and what a row of it is called.
TIMES = [
    ("public.organizations", "created_at", "Organizations"),
    ("public.user_profiles", "created_at", "Profiles"),
    ("public.agents", "created_at", "Agents"),
    ("public.sip_trunks", "created_at", "SIP trunks"),
    ("public.phone_numbers", "created_at", "Numbers"),
    ("public.agent_sessions", "created_at", "Sessions"),
    ("public.agent_messages", "created_at", "Messages"),
    ("public.chat_sessions", "created_at", "Legacy chats"),
    ("public.chat_messages", '"timestamp"', "Legacy messages"),
    ("public.usage_logs", "created_at", "Usage"),
    ("public.call_logs", "created_at", "Calls"),
]
# Before that the index of conversations would tell of those only that it holds already.
INDEX_IS_BUILT = "select exists (select from backoffice.agents_indexstate where built_at is not null)"
# As the index of conversations flags them: (flag, name, label, meaning, remedy, level, hazard).
FLAGS = [
    (
        "shared", "shared_sessions", "Sessions that several callers share",
        "Calls of several numbers or tenants have one session id: what was said is mixed.",
        "Show none of it to a tenant; the phone worker has to use a session of its own for each call.", BAD, "H8",
    ),
    (
        "nothing_stored", "nothing_stored", "Conversations of which nothing is stored",
        "The platform counted messages and kept none of them.",
        "Nothing here: the runtime has to save messages.", INFO, "H6",
    ),
    (
        "incomplete", "messages_missing", "Conversations with fewer messages than counted",
        "message_count is higher than what is stored: the platform keeps the first entry of a history only.",
        "Nothing here: count with message_count, and read transcripts knowing that turns are missing.", INFO, "H6",
    ),
    (
        "more_than_counted", "more_than_counted", "Conversations with more messages than counted",
        "More is stored than message_count says: somebody else writes messages too.",
        "Look at one of them: anybody with the conversation's token may add messages.", WARN, "H3",
    ),
    (
        "odd_history", "odd_history", "Conversations whose JSON is no list of messages",
        "conversation_history has another shape than the runtime writes.",
        "Look at one of them: the runtime fails on the next message of such a conversation.", WARN, "H3",
    ),
    (
        "channel_mismatch", "channel_mismatch", "Calls whose conversation is not on channel phone",
        "A call belongs to the conversation, and its channel says something else: the runtime stores text always.",
        "Nothing here: figures by channel count such calls as text.", INFO, "H8",
    ),
]  # fmt: skip
# JSON columns and the types that the runtime expects.
JSON_COLUMNS = {
    "array": [
        "backchannel_words", "boosted_keywords", "pii_redaction_list", "enabled_mcp_servers", "knowledge_base_ids",
    ],
    "object": ["custom_headers", "config"],
}  # fmt: skip


def flag_rule(flag, name, label, meaning, remedy, level, hazard):
    sql = (
        "select case c.store when 'chat' then 'agents.chatsession' else 'agents.agentsession' end as record, "
        "c.source_id as row_id, c.organization_id, '' as detail "
        "from backoffice.agents_conversation c where c.flags @> array[%(flag)s]::varchar[]"
    )
    return Rule(
        name, "oddities", level, label, meaning, remedy, sql, hazard,
        list=("agents:conversation_list", {"flag": flag}), params={"flag": flag}, needs=INDEX_IS_BUILT,
    )  # fmt: skip


def time_rule(table, column, rows):
    """By the same expression as the index of the list, so that it is found however large the table is."""
    name = table.removeprefix("public.")
    key = f"coalesce(t.{column}, '-infinity'::timestamptz)"
    return Rule(
        f"{name}_times", "oddities", WARN, f"{rows} without a time, or with an impossible one",
        f"{name}.{column.strip(chr(34))} is not set, infinite, before 2015 or more than a day in the future: "
        "the row is missing from every period.",
        "Nothing, if it is a test row. Otherwise let the database's owner set the time.",
        find_in(
            table,
            f"coalesce('time ' || t.{column}::text, 'no time')",
            f"({key} < '2015-01-01' or {key} > now() + interval '1 day')",
        ),
        hazard="H20",
    )  # fmt: skip


def known_values():
    """{table: {column: [known values]}} of columns whose models list what the platform is known to write."""
    found = {}
    for model in apps.get_models():
        table = f"public.{model._meta.db_table}"
        if table in KINDS and not model._meta.managed:
            for field in model._meta.concrete_fields:
                if isinstance(field, OpenChoiceField) and field.choices:
                    found.setdefault(table, {})[field.column] = [value for value, _ in field.flatchoices]
    return found


def value_rules():
    for table, columns in sorted(known_values().items()):
        name = table.removeprefix("public.")
        params, tests = {}, []
        for column, values in columns.items():
            params[f"values_{column}"] = values
            # What is not set is no unknown value.
            tests.append((column, f"t.{column} <> all (%(values_{column})s)"))
        detail = " || ' ' || ".join(
            f"case when {test} then '{column}: ' || left(t.{column}, 40) else '' end"
            for column, test in tests
        )
        yield Rule(
            f"{name}_values", "oddities", INFO, f"Unknown values in {name}",
            f"A value that the platform is not known to write in {', '.join(columns)}.",
            "Pages show it as it is. Filters and figures by that column do not know it: correct it, or ask the "
            "platform's people what it means.",
            find_in(table, f"btrim({detail})", " or ".join(test for _, test in tests)),
            params=params,
        )  # fmt: skip


def wrong_json():
    tests = [
        (column, f"jsonb_typeof(t.{column}) <> '{kind}'")
        for kind, columns in JSON_COLUMNS.items()
        for column in columns
    ]
    detail = " || ' ' || ".join(f"case when {test} then '{column}' else '' end" for column, test in tests)
    return find_in("public.agents", f"btrim({detail})", " or ".join(f"({test})" for _, test in tests))


STALE_CALL = f"coalesce(t.created_at, '-infinity') < now() - interval '{settings.MAX_CALL_MINUTES} minutes'"
RULES = [
    *(flag_rule(*flag) for flag in FLAGS),
    Rule(
        "default_session", "oddities", BAD, "The session “default”",
        "The phone worker uses one session id, “default”, for all callers of all tenants, under the agent that was "
        "called first.",
        "Show none of it to a tenant. The phone worker has to use a session of its own for each call.",
        find_in("public.agent_sessions", "t.message_count || ' messages counted'", "t.session_id = 'default'"),
        hazard="H8",
    ),
    Rule(
        "stale_sessions", "oddities", INFO, "Conversations that were never closed",
        f"Still “active” without activity for {settings.STALE_SESSION_HOURS} hours: the platform closes none.",
        "Close those of one tenant from the list, or leave them: nothing depends on it.",
        "select 'agents.agentsession' as record, c.source_id as row_id, c.organization_id, '' as detail "
        "from backoffice.agents_conversation c where c.store = 'session' and c.status = 'active' "
        f"and c.last_at < now() - interval '{settings.STALE_SESSION_HOURS} hours'",
        "H9",
        list=("agents:conversation_list", {"flag": "stale"}),
        needs=INDEX_IS_BUILT,
    ),
    Rule(
        "stale_calls", "oddities", WARN, "Calls that were never closed",
        f"Still “active” after {settings.MAX_CALL_MINUTES} minutes: duration and cost stay at zero.",
        "Mark them as stale, or let finance correct duration and cost with a reason.",
        find_in("public.call_logs", "''", f"t.status = 'active' and t.created_at is not null and {STALE_CALL}"),
        "H9",
        list=("telephony:calllog_list", {"problem": "stale"}),
    ),
    Rule(
        "usage_amounts", "oddities", WARN, "Usage with impossible amounts",
        "Tokens or cost are negative, or the cost is no number (NaN).",
        "Settlement takes what is no number as zero. Tell who runs the job that writes usage.",
        find_in(
            "public.usage_logs",
            "'tokens ' || coalesce(t.tokens_used::text, 'none') || ', cost ' || coalesce(t.cost_usd::text, 'none')",
            "t.tokens_used < 0 or t.cost_usd < 0 or t.cost_usd = 'NaN'",
        ),
        "H19",
    ),
    Rule(
        "call_amounts", "oddities", WARN, "Calls with impossible amounts",
        "Duration or cost is negative, or the cost is no number (NaN).",
        "Finance corrects it with a reason on the call's page.",
        find_in(
            "public.call_logs",
            "'seconds ' || coalesce(t.duration_seconds::text, 'none') || ', cost ' || coalesce(t.cost::text, 'none')",
            "t.duration_seconds < 0 or t.cost < 0 or t.cost = 'NaN'",
        ),
        "H19",
    ),
    Rule(
        "balance_no_number", "oddities", BAD, "Balances that are not set, or no number",
        "credits_balance is NULL or NaN: an inbound call ends in a server error.",
        "Finance posts a credit: the balance then is a number again.",
        find_in(
            "public.organizations",
            "coalesce(t.credits_balance::text, 'not set')",
            "t.credits_balance is null or t.credits_balance = 'NaN'",
        ),
        "H1",
        list=("tenants:organization_list", {"balance": "null"}),
    ),
    Rule(
        "balance_near_limit", "oddities", WARN, "Balances near what the column holds",
        "credits_balance holds less than 100,000,000: the next posting may fail.",
        "Talk to finance before the next top-up.",
        find_in(
            "public.organizations",
            "t.credits_balance::text",
            "t.credits_balance <> 'NaN' and abs(t.credits_balance) >= 90000000",
        ),
        "H19",
    ),
    Rule(
        "owner_of_several", "oddities", INFO, "Organizations whose owner has several",
        "One login owns more than one organization. The tier is the person's, credits are the organization's.",
        "Nothing, if it is meant. Otherwise close the one that is empty.",
        find_in(
            "public.organizations",
            "'owner ' || t.owner_id::text",
            "exists (select from public.organizations o where o.owner_id = t.owner_id and o.id <> t.id)",
        ),
        "H15",
    ),
    Rule(
        "number_not_e164", "oddities", BAD, "Numbers that are not E.164",
        "The platform compares the dialled number as exact text, so calls to these get 404.",
        "Correct the number on its page: a plus, the country code, digits only.",
        find_in("public.phone_numbers", "''", "t.phone_number !~ '^\\+[1-9][0-9]{6,14}$'"),
        "H14",
        see=("Conflicts of numbers", "telephony:conflict_list"),
    ),
    Rule(
        "agent_json_name", "oddities", WARN, "Agents whose name is JSON",
        "The builder once wrote the whole configuration into the name.",
        "Give the agent a name on its page.",
        find_in("public.agents", "''", "left(btrim(t.name), 1) in ('{', '[')"),
        "H7",
    ),
    Rule(
        "agent_wrong_json", "oddities", WARN, "Agents with JSON of the wrong type",
        "A list is due and something else stands there, or the other way round: editors and runtime may fail on it.",
        "Set the field anew on the agent's page.",
        wrong_json(),
        "H7",
    ),
    Rule(
        "agent_without_prompt", "oddities", INFO, "Agents without a system prompt in its column",
        "agents.system_prompt is not set: the platform's own list of agents fails for the whole organization.",
        "Save the agent's prompt once on its page: that writes column and configuration.",
        find_in("public.agents", "''", "t.system_prompt is null"),
        "H7",
    ),
    *(time_rule(*time) for time in TIMES),
]  # fmt: skip
