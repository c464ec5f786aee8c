"""Keeps the list of conversations and the words of their turns in step with the platform's three stores.

`refresh` reads conversations again and writes what differs; all else decides which. New rows are found by their time,
with an overlap for transactions that commit late; changes, deletions and rows with other times by the marks of triggers
(db/transcripts.sql); what neither saw, by a comparison of everything in the night. One process at a time writes.
"""

import logging
import uuid
from collections import defaultdict

from django.db import connection, transaction

from agents.conversations.filling import complete_indexes
from agents.conversations.words import READING, vector
from agents.models import IndexState, Store
from backoffice.background import alone
from backoffice.postgresql.base import INFINITE_FUTURE

logger = logging.getLogger(__name__)

OVERLAP, FAR_OVERLAP = "1 minute", "1 hour"
FAR_EVERY, COMPARE_EVERY = "10 minutes", "20 hours"
AT_ONCE = 200
MARKS_AT_ONCE = 1000
BEFORE_ALL = {"position_at": INFINITE_FUTURE, "position": uuid.UUID(int=2**128 - 1)}
LOCK = 7_310_226_001  # of the transaction that writes
FOLLOWER = 7_310_226_002  # of the process that follows

SUMMARY = {Store.SESSION: "transcripts.session_summary", Store.CHAT: "transcripts.chat_summary"}
TURNS = {Store.SESSION: "transcripts.session_turns", Store.CHAT: "transcripts.chat_turns"}
TABLE = {Store.SESSION: "public.agent_sessions", Store.CHAT: "public.chat_sessions"}
FIGURES = (
    "external_id", "organization_id", "agent_id", "profile_id", "channel", "status", "started_at", "last_at",
    "length_seconds", "stored", "counted", "in_messages", "in_history", "only_in_history", "tokens", "cost_usd",
    "call_id", "caller", "flags",
)  # fmt: skip
# What reviews say, which is ours, beside the figures of the store.
REVIEWED = {
    "outcome": "r.outcome",
    "reviewed_by": "r.reviewer_name",
    "reviewed_at": "r.reviewed_at",
    "labels": """array(select distinct u.label_id from agents_labeluse u
                       where u.store = %(store)s and u.source_id = s.id order by u.label_id)""",
}
UPSERT = f"""
insert into agents_conversation (store, source_id, {", ".join(FIGURES)}, {", ".join(REVIEWED)}, indexed_at)
select %(store)s, s.id, {", ".join(f"s.{name}" for name in FIGURES)}, {", ".join(REVIEWED.values())}, clock_timestamp()
from {{summary}}(%(ids)s) s
left join agents_review r on r.store = %(store)s and r.source_id = s.id
order by s.id
on conflict (store, source_id) do update set
  {", ".join(f"{name} = excluded.{name}" for name in (*FIGURES, *REVIEWED, "indexed_at"))}
"""
FORGET_TURNS = """
delete from agents_indexedturn where conversation_id in (
  select c.id from agents_conversation c where c.store = %(store)s and c.source_id = any (%(ids)s)
    and not exists (select from {table} s where s.id = c.source_id))
"""
FORGET = """
delete from agents_conversation c where c.store = %(store)s and c.source_id = any (%(ids)s)
  and not exists (select from {table} s where s.id = c.source_id)
"""
# Turns that the index lacks or has otherwise; those that it has otherwise, or that are gone, are taken out. Both are
# sorted together, not joined: the planner cannot know that a conversation has 20,000 turns, and would compare each with
# each.
CHANGED_TURNS = f"""
with turns as (
  select c.id as conversation_id, t.key, t.placed_at, c.organization_id, c.agent_id, c.channel,
    left(t.role, 20) as role, hashtextextended(concat_ws(chr(31), {READING}, t.role, c.channel, c.organization_id,
      c.agent_id, t.placed_at, t.content), 0) as fingerprint,
    t.content, null::bigint as known
  from {{turns}}(%(ids)s) t
  -- The ids once more, for the planner would read all conversations rather than look for those of many turns.
  join agents_conversation c on c.store = %(store)s and c.source_id = t.session_id and c.source_id = any (%(ids)s)
  union all
  select i.conversation_id, i.key::text, null, null, null, null, null, i.fingerprint, null, i.id
  from agents_indexedturn i join agents_conversation c on c.id = i.conversation_id
  where c.store = %(store)s and c.source_id = any (%(ids)s)),
compared as materialized (
  select *, bool_or(known is null) over same as is_live, bool_or(known is not null) over same as is_known
  from turns window same as (partition by conversation_id, key, fingerprint)),
gone as (
  delete from agents_indexedturn where id = any (array(select known from compared where not is_live)))
select conversation_id::text, key, placed_at::text, organization_id::text, agent_id::text, channel, role,
  fingerprint::text, content
from compared where not is_known
"""
COPY_TURNS = """
copy agents_indexedturn (conversation_id, key, at, organization_id, agent_id, channel, role, fingerprint, words)
from stdin
"""

# Conversations in which something happened since a time, by the indexes on the times; those that the index has just so
# already are left out.
SINCE = {
    Store.SESSION: """
select s.id from public.agent_sessions s
where coalesce(s.created_at, '-infinity') >= %(since)s and coalesce(s.created_at, '-infinity') < %(until)s
  and not exists (select from agents_conversation c where c.store = 'session' and c.source_id = s.id)
union
select s.id from public.agent_sessions s
where coalesce(s.last_activity_at, '-infinity') >= %(since)s and coalesce(s.last_activity_at, '-infinity') < %(until)s
  and not exists (
    select from agents_conversation c where c.store = 'session' and c.source_id = s.id
      and c.last_at >= s.last_activity_at
      and c.counted is not distinct from s.message_count and c.status is not distinct from s.status)
union
select m.session_id from public.agent_messages m
where coalesce(m.created_at, '-infinity') >= %(since)s and coalesce(m.created_at, '-infinity') < %(until)s
  and not exists (
    select from agents_conversation c join agents_indexedturn i on i.conversation_id = c.id
    where c.store = 'session' and c.source_id = m.session_id and i.key = m.id::text)
union
select u.session_id from public.usage_logs u
where coalesce(u.created_at, '-infinity') >= %(since)s and coalesce(u.created_at, '-infinity') < %(until)s
  and u.session_id is not null
  and not exists (
    select from agents_conversation c
    where c.store = 'session' and c.source_id = u.session_id and c.organization_id = u.organization_id
      and exists (
        select from public.usage_logs o where o.session_id = u.session_id
        having sum(o.tokens_used) is not distinct from c.tokens and sum(o.cost_usd) is not distinct from c.cost_usd))
union
select s.id from public.call_logs l join public.agent_sessions s on s.session_id = l.session_id
where coalesce(l.created_at, '-infinity') >= %(since)s and coalesce(l.created_at, '-infinity') < %(until)s
  and not exists (
    select from agents_conversation c
    where c.store = 'session' and c.source_id = s.id and c.call_id = l.id
      and c.organization_id = l.organization_id and c.caller is not distinct from l.caller_number)
""",
    Store.CHAT: """
select s.id from public.chat_sessions s
where coalesce(s.created_at, '-infinity') >= %(since)s and coalesce(s.created_at, '-infinity') < %(until)s
  and not exists (select from agents_conversation c where c.store = 'chat' and c.source_id = s.id)
union
select m.session_id from public.chat_messages m
where coalesce(m.timestamp, '-infinity') >= %(since)s and coalesce(m.timestamp, '-infinity') < %(until)s
  and not exists (
    select from agents_conversation c join agents_indexedturn i on i.conversation_id = c.id
    where c.store = 'chat' and c.source_id = m.session_id and i.key = m.id::text)
""",
}
OF_AGENT = {
    Store.SESSION: "select id from public.agent_sessions where agent_id = %s",
    Store.CHAT: "select id from public.chat_sessions where project_id = %s",
}


def query(sql, params=None):
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def refresh(store, ids, *, beside=False):
    """Read these conversations again (ids in their store): their row of the list, and the words of what was said.

    Inside a transaction of the caller's it is part of that; it waits for another process that writes, unless both say
    that they work `beside` others, on conversations of their own.
    """
    ids = list(dict.fromkeys(ids))
    for begin in range(0, len(ids), AT_ONCE):
        refresh_some(Store(store), ids[begin : begin + AT_ONCE], beside)


@transaction.atomic
def refresh_some(store, ids, beside=False):
    params = {"store": store.value, "ids": ids}
    with connection.cursor() as cursor:
        # Text of this module alone goes into the statements; values are parameters.
        lock = "pg_advisory_xact_lock_shared" if beside else "pg_advisory_xact_lock"
        cursor.execute(f"select {lock}(%s)", [LOCK])
        cursor.execute(UPSERT.format(summary=SUMMARY[store]), params)
        cursor.execute(FORGET_TURNS.format(table=TABLE[store]), params)
        cursor.execute(FORGET.format(table=TABLE[store]), params)
        cursor.execute(CHANGED_TURNS.format(turns=TURNS[store]), params)
        if changed := cursor.fetchall():
            with cursor.cursor.copy(COPY_TURNS) as copy:
                for row in changed:
                    copy.write(line(*row))


def line(*row):
    """One turn (texts, the last its content) as a line of COPY."""
    *fields, content = row
    values = ["\\N" if value is None else escaped(value) for value in fields]
    return "\t".join([*values, vector(content)]) + "\n"


def escaped(text):
    if "\\" in text or "\t" in text or "\n" in text or "\r" in text:
        return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    return text


def state():
    return IndexState.objects.get()


def follow(read=refresh, at_once=AT_ONCE):
    """One round: go on building, else catch up. Returns whether there is more to do now.

    While it builds, `read` (like refresh) gets the ids of `at_once` conversations.
    """
    with alone(FOLLOWER) as mine:
        if not mine:
            return False
        if state().built_at is None:
            return build_some(read, at_once)
        catch_up()
        due = """select reading <> %s or position is null and compared_at < now() - %s::interval
                 from agents_indexstate"""
        if query(due, [READING, COMPARE_EVERY])[0][0]:
            begin_comparison()
        return state().position is not None and build_some(read, at_once)


def catch_up():
    """Take up what happened since the last look; a minute is looked at again each time, an hour every ten minutes."""
    ((now, since, until, is_far),) = query(
        f"""select clock_timestamp(),
              case when f.far then coalesce(s.looked_far_at, s.caught_up_at) - interval '{FAR_OVERLAP}'
                   else s.caught_up_at - interval '{OVERLAP}' end,
              clock_timestamp() + interval '31 seconds', f.far
            from agents_indexstate s
            cross join lateral (
              select coalesce(s.looked_far_at < clock_timestamp() - interval '{FAR_EVERY}', true) as far) f"""
    )
    for store, sql in SINCE.items():
        refresh(store, [row[0] for row in query(sql, {"since": since, "until": until})])
    forget()
    moments = {"caught_up_at": now, **({"looked_far_at": now} if is_far else {})}
    IndexState.objects.update(**moments)


@transaction.atomic
def take_up_marks(last):
    """The oldest marks up to this id: what they name is read again. Returns whether there were any."""
    marks = query(
        """delete from transcripts.mark where id in (
             select id from transcripts.mark where id <= %s order by id limit %s) returning store, row_id""",
        [last, MARKS_AT_ONCE],
    )
    wanted = defaultdict(set)
    for store, row_id in marks:
        if row_id is None:  # a table was emptied, perhaps only that of the turns: everything is read again
            forget_missing(Store(store))
            begin_comparison()
        elif store == "agent":
            for each, sql in OF_AGENT.items():
                wanted[each].update(row[0] for row in query(sql, [row_id]))
        else:
            wanted[Store(store)].add(row_id)
    for store, ids in wanted.items():
        refresh(store, ids)
    return bool(marks)


def forget():
    """Take up the marks that there are; in the transaction that erased something, the list and the index then lack it
    as well. Those that come meanwhile are left to the next: with a busy platform there would be no end.
    """
    ((last,),) = query("select coalesce(max(id), 0) from transcripts.mark")
    while take_up_marks(last):
        pass


def forget_missing(store):
    """Take out conversations that their store does not have any more."""
    gone = query(
        f"""select c.source_id from agents_conversation c where c.store = %s
            and not exists (select from {TABLE[store]} s where s.id = c.source_id)""",
        [store.value],
    )
    refresh(store, [row[0] for row in gone])


def begin_comparison(anew=False):
    """Everything will be read again, some at a time; `anew`: the index counts as not built until then."""
    ((total,),) = query(
        "select sum(greatest(reltuples, 0))::bigint from pg_class where oid in ('public.agent_sessions'::regclass,"
        " 'public.chat_sessions'::regclass)"
    )
    first = {"store": Store.SESSION, **BEFORE_ALL, "done": 0, "total": total, "reading": READING}
    IndexState.objects.update(**first, **({"built_at": None} if anew else {}))
    # What happens from here on is looked at when all is read.
    query(
        "update agents_indexstate set caught_up_at = coalesce(caught_up_at, clock_timestamp()) returning id"
    )


def build_some(read=refresh, at_once=AT_ONCE):
    """Read the next conversations of those that are to be read, newest first. Returns whether there are more."""
    now = state()
    if now.position is None:
        begin_comparison(anew=True)
        now = state()
    # The place stays in the database: not every time of its rows can be told in Python.
    found = query(
        f"""select id, coalesce(created_at, '-infinity')::text from {TABLE[Store(now.store)]}
            where (coalesce(created_at, '-infinity'), id)
              < ((select position_at from agents_indexstate), (select position from agents_indexstate))
            order by coalesce(created_at, '-infinity') desc, id desc limit %s""",
        [at_once],
    )
    if found:
        read(now.store, [row[0] for row in found])
        done = now.done + len(found)
        query(
            """update agents_indexstate set position = %s, position_at = %s::timestamptz, done = %s,
               total = greatest(total, %s) returning id""",
            [*found[-1], done, done],
        )
        return True
    forget_missing(Store(now.store))
    if now.store == Store.SESSION:
        IndexState.objects.update(store=Store.CHAT, **BEFORE_ALL)
        return True
    complete_indexes()
    query(
        """update agents_indexstate set position = null, position_at = null, total = done,
           compared_at = clock_timestamp(), built_at = coalesce(built_at, clock_timestamp()) returning id"""
    )
    catch_up()
    return False
