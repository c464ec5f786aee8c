"""The questions a search asks, as SQL: each gives id, what matched, rank (0 is an exact hit) and a key to sort by.

All that fit what was typed go to the database as one query. Every one reads an index of db/backoffice.sql (part 6) or
db/master_schema.sql and stops at {limit} rows; names that begin with the text are read apart, so that the best are
among them however many there are.
"""

EXACT, NAMED, BEGINS, WORDS = 0, 1, 2, 3
LAST = "\U0010ffff"  # behind every text that goes on in another way


def begins(column, name):
    """A condition, that a text begins with the parameter `name`: as a range, which an index of patterns answers in a
    statement that is planned for any parameters, as it does not with LIKE. beginning() gives the parameters.
    """
    return f"{column} ~>=~ %({name})s and {column} ~<~ %({name}_end)s"


def beginning(name, text):
    return {name: text, f"{name}_end": text + LAST}


# Kind and table of everything with a uuid.
TABLES = {
    "organization": "public.organizations",
    "profile": "public.user_profiles",
    "agent": "public.agents",
    "number": "public.phone_numbers",
    "trunk": "public.sip_trunks",
    "session": "public.agent_sessions",
    "call": "public.call_logs",
    "message": "public.agent_messages",
    "chat": "public.chat_sessions",
    "chat_message": "public.chat_messages",
    "usage": "public.usage_logs",
    "job": "backoffice.backoffice_job",
    "note": "backoffice.tenants_note",
}
BY_ID = [
    (kind, f"select id::text, 'id', 0, '' from {table} where id = any(%(uuids)s)")
    for kind, table in TABLES.items()
] + [
    (
        "organization",
        "select id::text, 'owner', 2, '' from public.organizations where owner_id = any(%(uuids)s) limit {limit}",
    ),
]

BY_NUMBER = [
    ("ledger", "select id::text, 'number', 0, '' from public.credit_transactions where id = %(number)s"),
    ("change", "select id::text, 'number', 0, '' from audit.event where id = %(number)s"),
    ("reading", "select id::text, 'number', 0, '' from audit.read_log where id = %(number)s"),
]

BY_MAIL = [
    (
        "profile",
        "select id::text, 'e-mail', 0, '' from public.user_profiles where lower(email) = lower(%(mail)s) limit {limit}",
    ),
    (
        "organization",
        "select o.id::text, 'owner', 2, '' from public.user_profiles p join public.organizations o on o.owner_id = p.id"
        " where lower(p.email) = lower(%(mail)s) limit {limit}",
    ),
    (
        "organization",  # of a login that has no profile
        "select o.id::text, 'owner''s login', 0, '' from audit.login_of_mail(%(mail)s) l"
        " join public.organizations o on o.owner_id = l"
        " where not exists (select from public.user_profiles p where p.id = l) limit {limit}",
    ),
]

BY_TOKEN = [
    (
        "session",
        "select id::text, 'session id', 0, '' from public.agent_sessions where session_id = any(%(tokens)s)",
    ),
    (
        "call",
        "select id::text, 'session id', 0, '' from public.call_logs where session_id = any(%(tokens)s) limit {limit}",
    ),
    (
        "profile",
        "select id::text, 'Stripe customer', 0, '' from public.user_profiles"
        " where stripe_customer_id = %(token)s limit {limit}",
    ),
    (
        "profile",
        "select id::text, 'Stripe subscription', 0, '' from public.user_profiles"
        " where stripe_subscription_id = %(token)s limit {limit}",
    ),
    (
        "number",
        "select id::text, 'provider''s id', 0, '' from public.phone_numbers"
        " where provider_sid = %(token)s limit {limit}",
    ),
    (
        "trunk",
        "select id::text, 'SIP domain', case when lower(sip_domain) = %(domain)s then 0 else 2 end, ''"
        f" from public.sip_trunks where {begins('left(lower(sip_domain), 200)', 'domain')} limit {{limit}}",
    ),
    (
        "trunk",
        "select id::text, 'user name', case when lower(username) = %(domain)s then 0 else 2 end, ''"
        f" from public.sip_trunks where {begins('left(lower(username), 200)', 'domain')} limit {{limit}}",
    ),
]

DIGITS = "left(reverse(regexp_replace(right({column}, 100), '[^0-9]', '', 'g')), 20)"
NUMBER_COLUMN = DIGITS.format(column="phone_number")
CALLER_COLUMN = DIGITS.format(column="caller_number")
# {n}: one of the endings; seven digits and more are taken for the whole number.
BY_DIGITS = [
    (
        "number",
        f"select id::text, 'number', %(close{{n}})s::int, '' from public.phone_numbers"
        f" where {begins(NUMBER_COLUMN, 'ending{n}')} limit {{limit}}",
    ),
    (
        "profile",
        f"select id::text, 'phone', %(close{{n}})s::int, '' from public.user_profiles"
        f" where {begins(NUMBER_COLUMN, 'ending{n}')} limit {{limit}}",
    ),
    (
        "caller",
        "select caller_number, count(*)::text, %(close{n})s::int, '' from (select caller_number from public.call_logs"
        f" where {begins(CALLER_COLUMN, 'ending{n}')} limit 1000) c group by caller_number limit {{limit}}",
    ),
]

# What a row is known by, as in its index; `{column}` for the columns.
TEXTS = {
    "tenants.organization": "{name}",
    "agents.agent": """case when ltrim({name}) like '{{%%' then substring({name}, '"name"\\s*:\\s*"([^"\\\\]+)"')"""
    " else {name} end",
    "tenants.userprofile": "coalesce({full_name}, '') || ' ' || coalesce({company_name}, '') || ' '"
    " || coalesce({email}, '')",
}
COLUMNS = {
    "tenants.organization": ["name"],
    "agents.agent": ["name"],
    "tenants.userprofile": ["full_name", "company_name", "email"],
}


def _text(label):
    return TEXTS[label].format(**{column: column for column in COLUMNS[label]})


def _named(kind, table, label):
    text = _text(label)
    key = f"left(audit.search_text({text}), 100)"
    return (
        kind,
        f"""
        select id::text, 'name',
          case when key = %(words)s then 1 when starts_with(key, %(words)s) then 2 else 3 end, key
        from (
          (select id, {key} as key from {table} where {begins(key, "words")}
           order by {key} using ~<~ limit {{limit}})
          union
          (select id, {key} from {table}
           where audit.search_vector(audit.search_text({text})) @@ %(query)s::tsquery limit {{limit}})
          offset 0
        ) named""",  # OFFSET keeps the planner from working a name out again for each use of it
    )


# As in the index note_search (tenants.models.notes.Words).
NOTE_WORDS = " || ".join(
    f"audit.search_vector(audit.search_text({text}))"
    for text in ("text", "substr(text, 1901, 2000)", "substr(text, 3801)", "ticket")
)
BY_WORDS = [
    _named("organization", "public.organizations", "tenants.organization"),
    _named("agent", "public.agents", "agents.agent"),
    (
        "profile",
        f"""
        select id::text, 'name',
          case when text = %(words)s then 1 when starts_with(text, %(words)s) then 2 else 3 end, text
        from (select id, audit.search_text(concat(full_name)) as text from public.user_profiles
              where audit.search_vector(audit.search_text({_text("tenants.userprofile")})) @@ %(query)s::tsquery
              limit {{limit}}) named""",
    ),
    (
        "note",
        f"""
        select id::text, 'text', {WORDS}, '' from tenants_note where ({NOTE_WORDS}) @@ %(query)s::tsquery
        order by created_at desc, id desc limit {{limit}}""",
    ),
]


def union(probes, limit):
    """One query out of probes [(kind, SQL)]; None if there are none.

    It is kept short: psycopg takes apart anew, each time, what has more than 4,096 letters.
    """
    parts = [f"select '{kind}', p.* from ({sql}) p" for kind, sql in probes]
    return " ".join(" union all ".join(parts).replace("{limit}", str(limit)).split()) or None
