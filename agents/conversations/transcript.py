"""What was said in a conversation, whichever store holds it: read live, in order, numbered from 1.

`transcripts.session_turns` and `chat_turns` (db/transcripts.sql) unite the message table with what stands in the
session's JSON alone. A page reads a piece of it; whatever needs all turns gets them one after the other.
"""

import datetime
from dataclasses import dataclass, field, fields
from typing import NamedTuple

from django.db import connection
from django.urls import reverse

from agents.conversations.index import TURNS
from agents.models import AgentSession, Store
from backoffice.recordings import is_playable

PIECE = 150
BEFORE = 50  # turns shown before the one that was asked for
# Characters of a turn that a piece reads: what backoffice.masking.mask_beginning needs for the SHOWN of them that
# are shown, and two more, by which it sees that the text goes on.
SHOWN = 4_000
READ = SHOWN * 12 + 402
ROWS_AT_ONCE = 50
NOTHING_YET = "0"  # ahead of the first turn
LONGEST_KEY = 40

COLUMNS = """number, key, source, role, {content} as content, char_length(content) as size, at, audio_url,
  audio_duration_ms, tokens_used, latency_ms, model_used"""
SOME = COLUMNS.format(content=f"left(content, {READ})")
ALL = COLUMNS.format(content="content")
IN_HISTORY = {
    Store.SESSION: """(select count(*) from public.agent_sessions s
                       cross join lateral transcripts.entries(s.conversation_history) where s.id = %(id)s)""",
    Store.CHAT: "0",
}
# The figures of all turns, and which of them is shown first.
PLACE = """f as (
  select count(*) as turns,
    count(*) filter (where source <> 'history') as in_table,
    {in_history} as in_history,
    count(*) filter (where role in ('user', 'assistant')) as spoken,
    sum(tokens_used)::bigint as tokens,
    count(*) filter (where latency_ms >= 0) as measured,
    percentile_disc(0.5) within group (order by latency_ms) filter (where latency_ms >= 0) as p50,
    percentile_disc(0.95) within group (order by latency_ms) filter (where latency_ms >= 0) as p95,
    min(at) filter (where isfinite(at)) as first_at,
    max(at) filter (where isfinite(at)) as last_at,
    coalesce((select number from t where key = %(key)s), %(number)s::bigint) as asked
  from t),
place as (
  select case when %(exact)s then f.asked + 1
              else greatest(1, least(coalesce(f.asked - %(before)s, 1), f.turns - %(size)s + 1)) end as first from f)"""
OPEN = f"""
with t as materialized (select {{some}} from {{turns}}(array[%(id)s]::uuid[])),
{PLACE}
-- The figures in a line of their own, ahead of the turns: not decoded once more with each of them.
select f.*, place.first, t.* from f cross join place left join t on false
union all
select f.*, null, t.* from place join t on t.number between place.first - 1 and place.first + %(size)s
  left join f on false
order by number nulls first
"""
# The same of a long one, for which it is quicker to put all turns in order without their texts, and to read these for
# the turns that are shown.
LONG = 2_000  # turns, by the platform's own counter
OPEN_LONG = f"""
with t as materialized (
  select number, key, source, role, at, audio_url, audio_duration_ms, tokens_used, latency_ms, model_used
  from transcripts.session_turns(array[%(id)s]::uuid[])),
{PLACE},
piece as materialized (
  select t.* from place join t on t.number between place.first - 1 and place.first + %(size)s),
said as (
  select piece.key, m.content from piece
  join public.agent_messages m on m.id = case piece.source when 'messages' then piece.key::uuid end
  union all
  select 'h' || e.entry, e.content
  from public.agent_sessions s cross join lateral transcripts.entries(s.conversation_history) e
  where s.id = %(id)s and exists (select from piece where source = 'history')
    and 'h' || e.entry in (select key from piece)),
shown as (select {{some}} from piece left join said using (key))
select f.*, place.first, shown.* from f cross join place left join shown on false
union all
select f.*, null, shown.* from shown left join f on false
order by number nulls first
"""
BETWEEN = """
select {some} from {turns}(array[%(id)s]::uuid[]) t
where number between %(first)s - 1 and %(last)s + 1 order by number
"""
ONE = "select {all} from {turns}(array[%(id)s]::uuid[]) t where key = %(key)s"
EVERY = "select {all} from {turns}(array[%(id)s]::uuid[]) t order by number"


class Turn(NamedTuple):
    """One line. `content` is the first READ characters of `size` (all, where all was asked for), as it is stored.

    `source` is messages, history (only in the session's JSON) or legacy. `at` is aware UTC or None; figures are None
    where they were not recorded.
    """

    number: int
    key: str
    source: str
    role: str
    content: str
    size: int
    at: datetime.datetime | None
    audio_url: str | None
    audio_duration_ms: int | None
    tokens: int | None
    latency_ms: int | None
    model: str | None

    @property
    def is_whole(self):
        return len(self.content) == self.size

    @property
    def recording(self):
        """The address under which our pages play it, "" where there is nothing that they may play."""
        if self.source != "messages" or not is_playable(self.audio_url):
            return ""
        return reverse("agents:agentmessage_recording", args=[self.key])


@dataclass(frozen=True)
class Figures:
    """Of the whole conversation. `in_table` turns are rows, `in_history` entries has the JSON, `spoken` are by visitor
    or agent; latencies in ms over the `measured` turns. `asked` is the number of the turn that was asked for, if any.
    """

    turns: int
    in_table: int
    in_history: int
    spoken: int
    tokens: int | None
    measured: int
    p50: int | None
    p95: int | None
    first_at: datetime.datetime | None
    last_at: datetime.datetime | None
    asked: int | None

    @property
    def only_in_history(self):
        return self.turns - self.in_table

    @property
    def length_seconds(self):
        return (self.last_at - self.first_at).total_seconds() if self.first_at else None

    @property
    def found(self):
        """The number of the turn that was asked for, None where it is not there."""
        return self.asked if self.asked is not None and 1 <= self.asked <= self.turns else None


@dataclass(frozen=True)
class Piece:
    """Consecutive turns; `before` is the one ahead of them, None at the beginning."""

    turns: list = field(default_factory=list)
    before: Turn | None = None
    has_later: bool = False

    @property
    def first(self):
        return self.turns[0].number

    @property
    def last(self):
        return self.turns[-1].number


FIGURES = len(fields(Figures))


def store_of(record):
    return Store.SESSION if isinstance(record, AgentSession) else Store.CHAT


def run(cursor, sql, record, **params):
    store = store_of(record)
    sql = sql.format(some=SOME, all=ALL, turns=TURNS[store], in_history=IN_HISTORY[store])
    cursor.execute(sql, {"id": record.pk, **params})


def read(record, turn="", *, before=BEFORE, size=PIECE, after=False):
    """(Figures, Piece) of an AgentSession or ChatSession: its beginning, or what is around a turn (a key or number).

    With `after`, the piece behind that turn; empty where there is no such turn.
    """
    number = int(turn) if turn.isdecimal() and len(turn) < 10 else None
    with connection.prepared_cursor() as cursor:
        is_long = (getattr(record, "message_count", 0) or 0) > LONG
        sql = OPEN_LONG if is_long else OPEN
        run(cursor, sql, record, key=turn, number=number, before=before, size=size, exact=after)
        rows = cursor.fetchall()
    figures, first = Figures(*rows[0][:FIGURES]), rows[0][FIGURES]
    turns = [Turn(*row[FIGURES + 1 :]) for row in rows[1:]]
    return figures, piece_of(turns, first, first + size - 1) if first else Piece()


def between(record, first, last):
    """The Piece with the turns of these numbers."""
    with connection.prepared_cursor() as cursor:
        run(cursor, BETWEEN, record, first=first, last=last)
        return piece_of([Turn(*row) for row in cursor.fetchall()], first, last)


def piece_of(turns, first, last):
    before = turns[0] if turns and turns[0].number < first else None
    return Piece(
        [turn for turn in turns if first <= turn.number <= last],
        before,
        bool(turns) and turns[-1].number > last,
    )


def last_key(piece):
    """The key behind which new turns follow a piece; "" where others are in between."""
    if piece.has_later:
        return ""
    return piece.turns[-1].key if piece.turns else NOTHING_YET


def one(record, key):
    """One Turn with all of its text, None where there is no such turn."""
    with connection.cursor() as cursor:
        run(cursor, ONE, record, key=key)
        row = cursor.fetchone()
    return Turn(*row) if row else None


def every(record):
    """All turns with all of their texts, a few at a time in memory."""
    with connection.chunked_cursor() as cursor:
        run(cursor, EVERY, record)
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            for row in rows:
                yield Turn(*row)
