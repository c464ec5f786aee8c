"""Rows of a tenant in the back office beside those that its login may see, table by table, and why they differ."""

from dataclasses import dataclass

from django.db import connection, connections

from backoffice.postgresql.base import PREVIEW
from backoffice.preview import NotPermitted, permitted

LIMIT = 1000
AGENTS = "(select id from public.agents where organization_id = %(id)s)"
SESSIONS = f"(select id from public.agent_sessions where agent_id in {AGENTS})"
CHATS = f"(select id from public.chat_sessions where project_id in {AGENTS})"
OF_TENANT = "organization_id = %(id)s"
# (table, words, page of the view or "", which rows are the tenant's)
TABLES = [
    ("organizations", "Organization", "", "id = %(id)s"),
    ("user_profiles", "Profile of the owner", "", "id = %(owner)s"),
    ("agents", "Agents", "agents", OF_TENANT),
    ("phone_numbers", "Phone numbers", "numbers", OF_TENANT),
    ("sip_trunks", "SIP trunks", "trunks", OF_TENANT),
    ("agent_sessions", "Conversations", "sessions", f"agent_id in {AGENTS}"),
    ("agent_messages", "Messages of conversations", "", f"session_id in {SESSIONS}"),
    ("chat_sessions", "Legacy chats", "chats", f"project_id in {AGENTS}"),
    ("chat_messages", "Messages of legacy chats", "", f"session_id in {CHATS}"),
    ("call_logs", "Calls", "calls", OF_TENANT),
    ("usage_logs", "Usage", "usage", OF_TENANT),
    ("credit_transactions", "Credit ledger", "ledger", OF_TENANT),
]
COUNT = "(select count(*) from (select from public.{table} where {rows} limit {limit}) counted)"
# What explains a difference: the session that the phone worker shares among tenants, and its messages.
SHARED = f"""
, (select count(*) from public.agent_sessions where session_id = 'default' and agent_id in {AGENTS})
, (select count(*) from (select from public.agent_messages m where m.session_id in (
     select id from public.agent_sessions where session_id = 'default' and agent_id in {AGENTS})
     limit {LIMIT + 1}) counted)
, (select count(*) from (select from public.phone_numbers where agent_id in {AGENTS} and organization_id <> %(id)s
     limit {LIMIT + 1}) counted)
, (select count(*) from (select from public.phone_numbers n join public.agents a on a.id = n.agent_id
     where n.organization_id = %(id)s and a.organization_id <> %(id)s limit {LIMIT + 1}) counted)
"""
TENANT_TIMEOUT = "4s"
EACH_TIMEOUT = "1s"
SHARED_SESSION = (
    "The session “default”, in which the platform's phone worker mixes callers of all tenants, is hidden from every"
    " tenant."
)
LEDGER = "Tenants see their balance, not the ledger."
BEYOND = f"More than {LIMIT:,} on both sides: not compared any further."
UNKNOWN = "Row level security hides them, for no reason that is known here: see the rights under Data health."


@dataclass(frozen=True)
class Line:
    """One table. Counts end at LIMIT + 1; `seen` is None where the tenant may not read, or `refusal` says why not."""

    table: str
    label: str
    page: str
    stored: int
    seen: int | None
    refusal: str = ""
    causes: tuple = ()

    @property
    def differs(self):
        return not self.refusal and self.seen != self.stored

    @property
    def is_wrong(self):
        """Whether the tenant sees less than it should, as far as is known here: the ledger is for nobody's app."""
        return self.differs or bool(self.refusal and self.table != "credit_transactions")


@dataclass(frozen=True)
class Stored:
    """What the back office has: rows by table, and what explains differences."""

    counts: dict
    shared_sessions: int
    shared_messages: int
    elsewhere_numbers: int  # of other tenants, answered by this one's agents
    foreign_agents: int  # numbers of this tenant that another tenant's agent answers


def counts(tables):
    return ", ".join(COUNT.format(table=table, rows=rows, limit=LIMIT + 1) for table, _, _, rows in tables)


def stored_rows(organization):
    """The Stored of a tenant, in one query by role backoffice."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"select {counts(TABLES)}{SHARED}", {"id": organization.pk, "owner": organization.owner_id}
        )
        *numbers, sessions, messages, elsewhere, foreign = cursor.fetchone()
    found = dict(zip([table for table, *_ in TABLES], numbers, strict=True))
    return Stored(found, sessions, messages, elsewhere, foreign)


def seen_rows(organization):
    """({table: rows}, {table: why it may not be read}) as the tenant; inside as_tenant().

    One query for all tables; only where something is refused or takes too long, one for each.
    """
    parameters = {"id": organization.pk, "owner": organization.owner_id}
    with connections[PREVIEW].cursor() as cursor:
        cursor.execute(
            "select array_agg(t) from unnest(%s::text[]) t where has_any_column_privilege('public.' || t, 'select')",
            [[table for table, *_ in TABLES]],
        )
        readable = cursor.fetchone()[0] or []
        tables = [entry for entry in TABLES if entry[0] in readable]
        try:
            with permitted():
                cursor.execute(f"set local statement_timeout = '{TENANT_TIMEOUT}'")
                cursor.execute(f"select {counts(tables)}", parameters)
                numbers = cursor.fetchone()
            return dict(zip([table for table, *_ in tables], numbers, strict=True)), refusals(readable)
        except NotPermitted:
            return one_by_one(cursor, parameters)


def refusals(readable):
    return {table: f"permission denied for table {table}" for table, *_ in TABLES if table not in readable}


def one_by_one(cursor, parameters):
    found, refused = {}, {}
    for entry in TABLES:
        try:
            with permitted():
                cursor.execute(f"set local statement_timeout = '{EACH_TIMEOUT}'")
                cursor.execute(f"select {counts([entry])}", parameters)
                (found[entry[0]],) = cursor.fetchone()
        except NotPermitted as error:
            refused[entry[0]] = str(error)
    return found, refused


def lines(organization, preview, stored, seen, refused):
    """[Line] of every table, with the causes of its difference."""
    found = []
    for table, label, page, _ in TABLES:
        line = Line(table, label, page, stored.counts[table], seen.get(table), refused.get(table, ""))
        found.append(Line(**{**vars(line), "causes": tuple(causes(line, organization, preview, stored))}))
    return found


def causes(line, organization, preview, stored):
    """Sentences about why the tenant sees another number of rows, or what it may miss although the numbers agree."""
    is_owner = str(preview.login_id) == str(organization.owner_id)
    if line.refusal:
        if line.table == "credit_transactions":
            yield LEDGER
    elif line.seen > LIMIT and line.stored > LIMIT:
        yield BEYOND
    elif line.seen != line.stored:
        hidden = line.stored - line.seen
        shared = {"agent_sessions": stored.shared_sessions, "agent_messages": stored.shared_messages}
        if not is_owner:
            yield "This login does not own the organization: only its owner's login sees its rows."
        elif shared.get(line.table) and hidden <= shared[line.table]:
            yield SHARED_SESSION
        elif hidden < 0:
            yield "They changed between the two counts: load the page again."
        else:
            yield UNKNOWN
    if line.table == "user_profiles" and not line.stored:
        yield "The login has no profile."
    if line.table == "phone_numbers" and stored.elsewhere_numbers:
        yield f"Its agents answer {said(stored.elsewhere_numbers)} that belong to other tenants: these it does not see."
    if line.table == "agents" and stored.foreign_agents:
        yield f"Another tenant's agent answers on {said(stored.foreign_agents)} of it: that agent it does not see."


def said(numbers):
    return "one number" if numbers == 1 else f"{min(numbers, LIMIT):,} numbers"
