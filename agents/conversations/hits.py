"""What stands on a page of search results: where each turn was said, and a part of its text, masked.

The index holds no text. It is read from where it is stored, for the turns of one page, in one query per store; a turn
that is there no more is left out.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from django.utils.http import urlencode
from django.utils.safestring import SafeString

from agents.conversations.words import snippet
from agents.models import Conversation, Store
from backoffice.masking import mask
from backoffice.replicas.choice import reading

ROLES = {"user": "Visitor", "assistant": "Agent", "system": "System", "unknown": "Unknown"}
# Characters of a text that are looked at. Of a piece that ends there perhaps only a part is known, too little to know
# it for what it is: nothing of the last ones is shown.
READ = 20_000
LAST = 500
TEXTS = {
    "messages": f"select id::text, left(content, {READ}), length(content) from public.agent_messages"
    " where id = any (%s::uuid[])",
    "legacy": f"select id::text, left(text, {READ}), length(text) from public.chat_messages"
    " where id = any (%s::uuid[])",
}
ENTRIES = f"""
select s.id, 'h' || e.entry, left(e.content, {READ}), length(e.content)
from (select id, array_agg(entry) as entries
      from unnest(%(ids)s::uuid[], %(entries)s::integer[]) w (id, entry) group by id) w
join public.agent_sessions s on s.id = w.id
cross join lateral transcripts.entries(s.conversation_history) e
where e.entry = any (w.entries)
"""


@dataclass(frozen=True)
class Hit:
    """A turn that was found. `url` opens its conversation there; `is_cut`: only the beginning of it was looked at."""

    conversation: Conversation
    key: str
    role: str
    at: datetime
    snippet: SafeString
    url: str
    is_cut: bool

    @property
    def role_label(self):
        return ROLES.get(self.role, self.role.capitalize())


def hits(found, query):
    """The Hits of a find.Found, in its order."""
    ids = {row.conversation_id for row in found.rows}
    conversations = (
        Conversation.objects.select_related("organization", "agent")
        .only("store", "source_id", "channel", "started_at", "organization__name", "agent__name")
        .in_bulk(ids)
    )
    texts = texts_of(found.rows, conversations)
    made = []
    for row in found.rows:
        conversation = conversations.get(row.conversation_id)
        text, length = texts.get((row.conversation_id, row.key), (None, 0))
        if text is None:
            continue
        masked, is_cut = mask(text), length > READ
        masked = masked[:-LAST] if is_cut else masked
        made.append(
            Hit(
                conversation=conversation,
                key=row.key,
                role=row.role,
                at=row.at,
                snippet=snippet(masked, query),
                url=url_of(conversation, row.key, query),
                is_cut=is_cut,
            )
        )
    return made


def texts_of(rows, conversations):
    """{(id of the conversation, key): (beginning of the text, its length)} of the turns that are still there."""
    asked = defaultdict(dict)
    entries = []
    for row in rows:
        if (conversation := conversations.get(row.conversation_id)) is None:
            continue
        if conversation.store == Store.CHAT:
            asked["legacy"][row.key] = row
        elif row.key.startswith("h"):
            entries.append((conversation, row))
        else:
            asked["messages"][row.key] = row
    texts = {}
    with reading().cursor() as cursor:
        for store, wanted in asked.items():
            cursor.execute(TEXTS[store], [list(wanted)])
            for key, text, length in cursor.fetchall():
                texts[wanted[key].conversation_id, key] = text, length
        if entries:
            ids = [conversation.source_id for conversation, _ in entries]
            cursor.execute(ENTRIES, {"ids": ids, "entries": [int(row.key[1:]) for _, row in entries]})
            by_source = {conversation.source_id: conversation.pk for conversation, _ in entries}
            for source, key, text, length in cursor.fetchall():
                texts[by_source[source], key] = text, length
    return texts


def url_of(conversation, key, query):
    """The address of a conversation at a turn. What is secret in the query is not carried on."""
    parameters = {"turn": key} | ({} if query.secrets else {"find": str(query)})
    return f"{conversation.get_absolute_url()}?{urlencode(parameters)}#t-{key}"
