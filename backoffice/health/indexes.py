"""Which indexes pages need and the database lacks; which are broken, double or unused."""

import re
from collections import defaultdict
from functools import cache
from typing import NamedTuple

from django.apps import apps

from backoffice.health.findings import BAD, INFO, WARN, Finding
from backoffice.health.wanted import wanted

BUILD = "manage.py build_indexes builds it while the platform goes on writing (docs/data-health.md)."
# With fewer rows a table is read whole in a moment, with or without an index.
FEW_ROWS = 20_000
# Unused or double indexes below this size are not worth a word.
WORTH_A_WORD_BYTES = 1024 * 1024

# What is slow without an index, by its table and the column that it begins with; "" for any other.
PAGES = {
    "public.organizations": {
        "owner_id": "finding a tenant by its owner, deleting a login",
        "": "the list of organizations, search",
    },
    "public.user_profiles": {"": "the list of profiles, search by e-mail and Stripe id"},
    "public.agents": {
        "organization_id": "a tenant's page, deleting a tenant",
        "": "the list of agents, search",
    },
    "public.sip_trunks": {"organization_id": "a tenant's page", "": "the list of trunks, search"},
    "public.phone_numbers": {
        "organization_id": "a tenant's page",
        "agent_id": "an agent's page, deleting an agent",
        "phone_number": "every inbound call",
        "": "the list of numbers, search",
    },
    "public.agent_sessions": {
        "agent_id": "an agent's and a tenant's conversations, deleting an agent",
        "session_id": "every message of the platform, search by session id",
        "user_id": "erasing a person, deleting a login",
        "": "the list of sessions, stale sessions, the index of conversations",
    },
    "public.agent_messages": {
        "session_id": "every transcript, the index of conversations",
        "": "the list of messages, the index of conversations",
    },
    "public.chat_sessions": {"": "legacy conversations, deleting an agent or a login"},
    "public.chat_messages": {"session_id": "legacy transcripts", "": "the list of legacy messages"},
    "public.usage_logs": {
        "organization_id": "a tenant's usage, settlement, months",
        "agent_id": "an agent's usage, deleting an agent",
        "session_id": "a conversation's cost",
        "": "the list of usage, settlement, the dashboard",
    },
    "public.call_logs": {
        "organization_id": "a tenant's calls, settlement, months",
        "agent_id": "an agent's calls",
        "phone_number_id": "a number's calls",
        "session_id": "a conversation's call",
        "": "the list of calls, settlement, the dashboard",
    },
    "public.credit_transactions": {"": "ledger, balances, reconciliation"},
    "audit.event": {"": "the list of changes, a record's history"},
    "audit.read_log": {"": "the list of readings"},
}

SIZES = """
select n.nspname || '.' || c.relname, greatest(c.reltuples, 0)::bigint, c.relpages::bigint * 8192
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and n.nspname = any (%s)
"""
# Sizes are those of the last vacuum: asking for those of now would wait for locks.
USE = """
select s.schemaname || '.' || s.relname, s.indexrelname, split_part(pg_get_indexdef(s.indexrelid), ' USING ', 2),
  s.idx_scan, c.relpages::bigint * 8192, i.indisunique, i.indisvalid and i.indisready
from pg_stat_user_indexes s
join pg_index i on i.indexrelid = s.indexrelid join pg_class c on c.oid = s.indexrelid
where s.schemaname = any (%s)
order by 1, 2
"""
# Which one it is, is not told to other roles.
BEING_BUILT = "select exists (select from pg_stat_progress_create_index where datname = current_database())"
SINCE = "select to_char(stats_reset, 'YYYY-MM-DD') from pg_stat_database where datname = current_database()"


class Missing(NamedTuple):
    """An index to build. `name` is the one that db/*.sql gives it."""

    table: str
    name: str
    definition: str
    is_unique: bool

    @property
    def first_column(self):
        return (re.match(r"\w+ \((\w+)[,) ]", self.definition) or [None, ""])[1]

    @property
    def sentence(self):
        return f"{'unique ' if self.is_unique else ''}{self.definition}"


def missing_indexes(catalog):
    """[Missing] of the tables that exist, in the order of the record."""
    have = defaultdict(list)
    for table, _, definition, is_unique, _, is_valid, *_ in catalog.indexes:
        if is_valid:
            have[table].append((definition, is_unique))
    return [
        Missing(table, name, definition, is_unique)
        for table, name, definition, is_unique in wanted()["indexes"]
        if table in catalog.columns and not any(serves(found, definition, is_unique) for found in have[table])
    ]


def serves(found, definition, is_unique):
    """Whether an index that exists does what the wanted one would: the same, or one that begins with its columns."""
    found_definition, found_is_unique = found
    if is_unique and not found_is_unique:
        return False
    if found_definition == definition:
        return True
    begins = (
        definition.startswith("btree (") and definition.endswith(")") and " WHERE " not in found_definition
    )
    return begins and not is_unique and found_definition.startswith(f"{definition[:-1]},")


def pages_of(missing):
    pages = PAGES.get(missing.table, {})
    return pages.get(missing.first_column) or pages.get("", "pages that read this table")


def index_findings(catalog):
    cursor = catalog.cursor
    cursor.execute(SIZES, [catalog.schemas])
    sizes = {table: (rows, size) for table, rows, size in cursor.fetchall()}
    for missing in missing_indexes(catalog):
        rows, size = sizes.get(missing.table, (0, 0))
        text = (
            f"Table {missing.table} lacks the index {missing.sentence}. Slow without it: {pages_of(missing)}. "
            f"The table has about {rows:,} rows ({megabytes(size)})."
        )
        level = BAD if rows >= FEW_ROWS or missing.is_unique else WARN
        yield Finding("indexes", "index_missing", f"{missing.table} {missing.definition}", level, text, BUILD)
    yield from used_or_not(cursor, [*catalog.schemas, "backoffice"])
    yield from own_indexes_missing(cursor)


def used_or_not(cursor, schemas):
    """Invalid, double and never used indexes, also of our own schema."""
    cursor.execute(BEING_BUILT)
    (is_building,) = cursor.fetchone()
    cursor.execute(SINCE)
    since = (cursor.fetchone() or [None])[0] or "the statistics were first collected"
    cursor.execute(USE, [schemas])
    seen = defaultdict(list)
    needed = {(table, definition) for table, _, definition, _ in wanted()["indexes"]}
    own = own_indexes()
    rows = cursor.fetchall()
    for table, name, definition, scans, size, is_unique, is_valid in rows:
        subject = f"{table} {name}"
        if not is_valid:
            text = (
                f"Index {name} of {table} is invalid: building it failed or still goes on. It is kept up with every "
                "write, and no page can use it."
            )
            yield Finding(
                "indexes", "index_invalid", subject, INFO if is_building else BAD, text,
                "manage.py build_indexes drops it and builds it anew, where it is one that pages need; otherwise: "
                f"drop index concurrently {table.partition('.')[0]}.{name};",
            )  # fmt: skip
            continue
        seen[table, definition].append((name, size, is_unique))
        is_needed = (table, definition) in needed or name in own
        if not scans and not is_unique and size >= WORTH_A_WORD_BYTES and not is_needed:
            text = f"Index {name} of {table} ({megabytes(size)}) was not used since {since}."
            remedy = f"If nothing outside needs it: drop index concurrently {table.partition('.')[0]}.{name};"
            yield Finding("indexes", "index_unused", subject, INFO, text, remedy)
    for (table, definition), same in seen.items():
        if len(same) > 1:
            names = ", ".join(name for name, *_ in same)
            size = sum(size for _, size, _ in same)
            text = f"Indexes {names} of {table} are the same, {definition} ({megabytes(size)} together)."
            spare = next((name for name, _, is_unique in reversed(same) if not is_unique), "")
            remedy = f"drop index concurrently {table.partition('.')[0]}.{spare};" if spare else ""
            yield Finding("indexes", "index_double", f"{table} {definition}", INFO, text, remedy)


@cache
def own_indexes():
    """{name: table} of the indexes that the models of our own tables declare."""
    return {
        index.name: model._meta.db_table
        for model in apps.get_models()
        if model._meta.managed
        for index in model._meta.indexes
    }


def own_indexes_missing(cursor):
    """Indexes of the back office's own tables, which its migrations made."""
    declared = own_indexes()
    cursor.execute(
        "select x.relname from pg_class x join pg_namespace n on n.oid = x.relnamespace "
        "where n.nspname = 'backoffice' and x.relkind = 'i'"
    )
    there = {name for (name,) in cursor.fetchall()}
    for name in sorted(set(declared) - there):
        text = f"Our own table {declared[name]} lacks its index {name}: it is being filled, or somebody dropped it."
        remedy = (
            "While the index of conversations is built, nothing. Otherwise ask the migrations for it again."
        )
        yield Finding("indexes", "own_index_missing", name, WARN, text, remedy)


def megabytes(size):
    return f"{size / 1024 / 1024:,.1f} MB"
