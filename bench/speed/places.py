"""Places deep in the lists: where a page begins that nobody reaches by hand."""

import base64
import json

DEEP = 2_000  # number of the page that is asked for; the middle one of a list that has fewer
ROWS = 50
CREATED = "coalesce(created_at, '-infinity')"
# {list: (table, key, id)}
PLACES = {
    "sessions": ("public.agent_sessions", CREATED, "id"),
    "messages": ("public.agent_messages", CREATED, "id"),
    "conversations": ("backoffice.agents_conversation", "coalesce(started_at, '-infinity')", "id"),
    "organizations": ("public.organizations", CREATED, "id"),
    "profiles": ("public.user_profiles", CREATED, "id"),
    "agents": ("public.agents", CREATED, "id"),
    "calls": ("public.call_logs", CREATED, "id"),
    "usage": ("public.usage_logs", CREATED, "id"),
    "ledger": ("public.credit_transactions", "id", "id"),
    "changes": ("audit.event", "at", "id"),
}


def cursor(key, pk):
    """The place as our addresses have it (backoffice.keyset.encode, which needs Django)."""
    return base64.urlsafe_b64encode(json.dumps([key, str(pk)]).encode()).decode().rstrip("=")


def place(connection, name, rows):
    """(key, id, number of the page) of the row before a page in the depth of a list; None if it has one page only."""
    table, key, pk = PLACES[name]
    number = min(DEEP, rows // ROWS // 2)
    if number < 2:
        return None
    row = connection.execute(
        # Named, or "order by id" would mean the text.
        f"select ({key})::text as key_text, {pk}::text as id_text from {table}"
        f" order by {key} desc, {pk} desc offset %s limit 1",
        [(number - 1) * ROWS - 1],
    ).fetchone()
    return (*row, number)
