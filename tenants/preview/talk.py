"""What was said in a conversation, as the tenant may read it: the table of messages, and the session's own JSON.

The back office unites the two (agents/conversations/transcript.py); here each is told by itself, for so the browser app
gets them. Masked as everywhere; nothing is unmasked here. Inside as_tenant().
"""

from django.db import connections

from agents.conversations.bubbles import Reading, bubbles
from agents.conversations.transcript import READ, Piece, Turn
from agents.conversations.turn_html import turns_html
from agents.models import AgentSession
from backoffice.postgresql.base import PREVIEW

PIECE = 100
# The order of transcripts.session_turns (db/transcripts.sql): saved in one transaction, question and answer have the
# same time.
MESSAGES = """
with t as (
  select row_number() over (order by coalesce(created_at, '-infinity'),
      case role when 'system' then 0 when 'user' then 1 else 2 end, id) as number,
    id::text as key, role::text as role, content, created_at as at, tokens_used, latency_ms, model_used::text as model
  from public.agent_messages where session_id = %(id)s)
"""
CHAT_MESSAGES = """
with t as (
  select row_number() over (order by coalesce("timestamp", '-infinity'),
      case role when 'user' then 0 else 1 end, id) as number,
    id::text as key, case role when 'model' then 'assistant' else role end as role, text as content, "timestamp" as at,
    null::integer as tokens_used, null::integer as latency_ms, null::text as model
  from public.chat_messages where session_id = %(id)s)
"""
SOME = f"""
select number, key, 'messages', role, left(content, {READ}), char_length(content), at, null, null, tokens_used,
  latency_ms, model
from t where number between %(first)s - 1 and %(first)s + {PIECE} order by number
"""
HISTORY = f"""
select e.place::bigint, 'h' || e.place, 'history',
  coalesce(case when lower(e.value ->> 'role') = 'model' then 'assistant' else left(lower(e.value ->> 'role'), 20) end,
    'unknown'),
  left(c.content, {READ}), char_length(c.content), null::timestamptz, null, null, null::integer, null::integer, null
from public.agent_sessions s
cross join lateral jsonb_array_elements(
  case when s.conversation_history is null or s.conversation_history in ('null', '{{}}', '""') then '[]'
       when jsonb_typeof(s.conversation_history) = 'array' then s.conversation_history
       else jsonb_build_array(s.conversation_history) end) with ordinality e (value, place)
cross join lateral (select coalesce(case when jsonb_typeof(e.value) = 'object' and e.value ? 'content'
  then e.value ->> 'content' else e.value #>> '{{}}' end, '') as content) c
where s.id = %(id)s and e.place between %(first)s - 1 and %(first)s + {PIECE} order by e.place
"""


def read_messages(record, first):
    """(HTML of at most PIECE messages from number `first` on, number of the next ones or None)."""
    sql = MESSAGES if isinstance(record, AgentSession) else CHAT_MESSAGES
    return read(sql + SOME, record, first)


def read_history(record, first):
    """The same of the entries in the session's JSON; a legacy chat has none."""
    if not isinstance(record, AgentSession):
        return "", None
    return read(HISTORY, record, first, with_days=False)


def read(sql, record, first, with_days=True):
    with connections[PREVIEW].cursor() as cursor:
        cursor.execute(sql, {"id": record.pk, "first": first})
        turns = [Turn(*row) for row in cursor.fetchall()]
    piece = Piece(
        [turn for turn in turns if first <= turn.number < first + PIECE],
        next((turn for turn in turns if turn.number < first), None),
    )
    later = first + PIECE if any(turn.number >= first + PIECE for turn in turns) else None
    start = getattr(record, "started_at", None) or record.created_at
    return turns_html(bubbles(piece, Reading(start=start)), with_days=with_days), later
