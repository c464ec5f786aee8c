-- Conversations as one thing, whichever of the platform's three stores holds them. Run it after billing.sql, as the same
-- role; one transaction, re-runnable.
--
--   1. schema and marks      2. triggers      3. turns      4. conversations      5. grants
--
-- The back office keeps a list of conversations and a search index of its own (schema `backoffice`, docs/transcripts.md),
-- a few seconds behind. New rows it finds by their time, so inserts cost the platform nothing; what a look at the newest
-- rows cannot see (changes, deletions, late rows, wrong clocks) is marked here by triggers.

begin;

set local search_path = '';
set local client_min_messages = warning;
set local statement_timeout = 0;
set local lock_timeout = '30s';

-- 1. Schema and marks ------------------------------------------------------------------------------------------------

do $$
begin
  if to_regclass('billing.credit_limit') is null then
    raise exception 'Run master_schema.sql, backoffice.sql and billing.sql first.';
  end if;
end $$;

create schema if not exists transcripts;
revoke all on schema transcripts from public;
grant usage on schema transcripts to backoffice;

-- What has to be read again: a session or chat, all of an agent's, or (row_id NULL) everything of a store. Rows are only
-- added, so writers never wait for one another; the back office deletes what it has taken up.
create table if not exists transcripts.mark (
  id bigint generated always as identity primary key,
  store text not null check (store in ('session', 'chat', 'agent')),
  row_id uuid,
  at timestamptz not null default clock_timestamp()
);
alter table transcripts.mark enable row level security;
drop policy if exists "backoffice: take up" on transcripts.mark;
create policy "backoffice: take up" on transcripts.mark to backoffice using (true);

-- 2. Triggers --------------------------------------------------------------------------------------------------------

-- Statement trigger: marks the conversations of the rows in `changed` (and `before`). Arguments: store, column.
create or replace function transcripts.mark_changed() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  execute format('insert into transcripts.mark (store, row_id) select distinct %L, %I from changed where %2$I is not null',
                 tg_argv[0], tg_argv[1]);
  if tg_op = 'UPDATE' then
    execute format('insert into transcripts.mark (store, row_id) select distinct %L, %I from before where %2$I is not null '
                   'except select distinct %1$L, %2$I from changed', tg_argv[0], tg_argv[1]);
  end if;
  return null;
end $$;

-- Row trigger: marks the conversation of one row. Arguments: store, column.
create or replace function transcripts.mark_row() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  execute format('insert into transcripts.mark (store, row_id) select %L, ($1).%I where ($1).%2$I is not null',
                 tg_argv[0], tg_argv[1]) using new;
  return null;
end $$;

-- The same for calls, which name their session by its text id.
create or replace function transcripts.mark_calls() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into transcripts.mark (store, row_id)
  select distinct 'session', s.id from changed c join public.agent_sessions s on s.session_id = c.session_id;
  return null;
end $$;

create or replace function transcripts.mark_call() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into transcripts.mark (store, row_id)
  select 'session', s.id from public.agent_sessions s where s.session_id = new.session_id;
  return null;
end $$;

create or replace function transcripts.mark_store() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into transcripts.mark (store) values (tg_argv[0]);
  return null;
end $$;

do $$
declare
  part record;
  -- A row that says it is from another time than now is not found by its time.
  late constant text := 'new.%1$I is null or new.%1$I < clock_timestamp() - interval ''30 seconds'' '
    'or new.%1$I > clock_timestamp() + interval ''30 seconds''';
begin
  for part in select * from (values
      ('agent_sessions', 'session', 'id', 'created_at'),
      ('agent_messages', 'session', 'session_id', 'created_at'),
      ('usage_logs', 'session', 'session_id', 'created_at'),
      ('chat_sessions', 'chat', 'id', 'created_at'),
      ('chat_messages', 'chat', 'session_id', 'timestamp')) p (relation, store, key, time)
  loop
    execute format('create or replace trigger transcripts_late after insert on public.%I for each row when (%s) '
                   'execute function transcripts.mark_row(%L, %L)',
                   part.relation, format(late, part.time), part.store, part.key);
    execute format('create or replace trigger transcripts_gone after delete on public.%I referencing old table as changed '
                   'for each statement execute function transcripts.mark_changed(%L, %L)',
                   part.relation, part.store, part.key);
    execute format('create or replace trigger transcripts_emptied after truncate on public.%I for each statement '
                   'execute function transcripts.mark_store(%L)', part.relation, part.store);
    if part.relation <> 'agent_sessions' then
      execute format('create or replace trigger transcripts_changed after update on public.%I referencing old table as '
                     'before new table as changed for each statement execute function transcripts.mark_changed(%L, %L)',
                     part.relation, part.store, part.key);
    end if;
  end loop;
end $$;

-- The runtime updates a session with every turn and says when in last_activity_at: such a session is found by that.
create or replace trigger transcripts_changed after update on public.agent_sessions for each row
  when (new.last_activity_at is null or new.last_activity_at is not distinct from old.last_activity_at
        or new.last_activity_at < clock_timestamp() - interval '30 seconds'
        or new.last_activity_at > clock_timestamp() + interval '30 seconds')
  execute function transcripts.mark_row('session', 'id');

create or replace trigger transcripts_late after insert on public.call_logs for each row
  when (new.created_at is null or new.created_at < clock_timestamp() - interval '30 seconds'
        or new.created_at > clock_timestamp() + interval '30 seconds')
  execute function transcripts.mark_call();
create or replace trigger transcripts_changed after update on public.call_logs
  referencing new table as changed for each statement execute function transcripts.mark_calls();
create or replace trigger transcripts_gone after delete on public.call_logs
  referencing old table as changed for each statement execute function transcripts.mark_calls();

create or replace trigger transcripts_moved after update of organization_id on public.agents for each row
  when (old.organization_id is distinct from new.organization_id)
  execute function transcripts.mark_row('agent', 'id');

-- 3. Turns -----------------------------------------------------------------------------------------------------------

-- The time in a text that anybody may have written; the platform means UTC where no offset stands. NULL for none.
create or replace function transcripts.odd_moment(value text) returns timestamptz
language plpgsql immutable strict parallel safe set search_path = '' set timezone = 'UTC' as $$
begin
  if value !~ '^\d{4}-\d\d-\d\d[T ]\d\d:\d\d' or length(value) > 40 then return null; end if;
  return value::timestamptz;
exception when others then
  return null;
end $$;

-- The same. As the platform writes it nothing can be wrong with it: that way is quick, for there are many.
create or replace function transcripts.moment(value text) returns timestamptz
language plpgsql immutable strict parallel safe set search_path = '' as $$
begin
  if translate(value, '123456789', '000000000') in ('0000-00-00T00:00:00.000000', '0000-00-00T00:00:00')
     and left(value, 4) > '0000' and substr(value, 6, 2) between '01' and '12' and substr(value, 9, 2) between '01' and '28'
     and substr(value, 12, 2) < '24' and substr(value, 15, 1) < '6' and substr(value, 18, 1) < '6' then
    return value::timestamp at time zone 'UTC';
  end if;
  return transcripts.odd_moment(value);
end $$;

-- The entries of agent_sessions.conversation_history: [{role, content, timestamp}]. Whatever else stands there is given as
-- it is, without a role.
create or replace function transcripts.entries(history jsonb)
returns table (entry integer, role text, content text, at timestamptz)
language sql immutable parallel safe as $$
  select e.place::integer,
    case when jsonb_typeof(e.value) = 'object' then
      case when lower(e.value ->> 'role') = 'model' then 'assistant' else left(lower(e.value ->> 'role'), 20) end end,
    case when jsonb_typeof(e.value) = 'object' and e.value ? 'content' then coalesce(e.value ->> 'content', '')
         when jsonb_typeof(e.value) = 'object' then e.value::text
         else coalesce(e.value #>> '{}', '') end,
    case when jsonb_typeof(e.value) = 'object' then transcripts.moment(e.value ->> 'timestamp') end
  from jsonb_array_elements(
    case when history is null or history in ('null', '{}', '""') then '[]'
         when jsonb_typeof(history) = 'array' then history
         else jsonb_build_array(history) end) with ordinality e (value, place)
$$;

-- What was said in these sessions, in order, numbered from 1: the rows of agent_messages, and those entries of the JSON
-- that stand in no row. `source` is messages or history; `key` names the turn for good; `at` is when it was said, NULL
-- where nobody wrote that down, `placed_at` the time by which it is sorted.
create or replace function transcripts.session_turns(ids uuid[])
returns table (session_id uuid, number bigint, key text, source text, role text, content text, at timestamptz,
               placed_at timestamptz, audio_url text, audio_duration_ms integer, tokens_used integer, latency_ms integer,
               model_used text)
language sql stable as $$
  with h as materialized (
    select h.*, md5(h.content) as digest, max(h.at) over (partition by h.session_id order by h.entry) as running
    from (
      select s.id as session_id, coalesce(s.started_at, s.created_at) as began, e.entry, e.role, e.content, e.at
      from public.agent_sessions s cross join lateral transcripts.entries(s.conversation_history) e
      where s.id = any (ids)) h)
  select t.session_id,
    row_number() over (partition by t.session_id order by t.placed_at, t.place, t.entry, t.key),
    t.key, t.source, t.role, t.content, t.at, t.placed_at, t.audio_url, t.audio_duration_ms, t.tokens_used, t.latency_ms,
    t.model_used
  from (
    select m.session_id, m.id::text as key, 'messages' as source, m.role::text as role, m.content, m.created_at as at,
      coalesce(m.created_at, '-infinity') as placed_at,
      -- Saved in one transaction, question and answer have the same time.
      case m.role when 'system' then 0 when 'user' then 1 else 2 end as place, 0 as entry,
      m.audio_url, m.audio_duration_ms, m.tokens_used, m.latency_ms, m.model_used::text as model_used
    from public.agent_messages m where m.session_id = any (ids)
    union all
    select e.session_id, 'h' || e.entry, 'history', coalesce(e.role, 'unknown'), e.content, e.at,
      -- An entry without a time stands behind the one before it.
      coalesce(e.running, e.began, '-infinity'), 3, e.entry, null, null, null, null, null
    from (
      -- The same said n times in the table is there for the first n entries of the JSON. Windows and no join: how many rows
      -- a session has nobody knows beforehand, and a join that expects few takes minutes for many.
      select b.*, row_number() over (same order by b.entry) as nth, count(*) filter (where b.entry is null) over same as found
      from (
        select h.* from h
        union all
        select m.session_id, null, null, m.role, null, null, md5(m.content), null
        from public.agent_messages m
        where m.session_id = any (array(select distinct h.session_id from h))
          -- Of many messages few stand in the JSON, mostly: the others need not be sorted. “is true” has it looked up in
          -- a table of hashes, and never joined.
          and (md5(m.content) in (select h.digest from h)) is true) b
      window same as (partition by b.session_id, b.role, b.digest)) e
    where e.entry is not null and e.nth > e.found) t
$$;

-- The same of legacy chats; source is legacy.
create or replace function transcripts.chat_turns(ids uuid[])
returns table (session_id uuid, number bigint, key text, source text, role text, content text, at timestamptz,
               placed_at timestamptz, audio_url text, audio_duration_ms integer, tokens_used integer, latency_ms integer,
               model_used text)
language sql stable as $$
  select m.session_id,
    row_number() over (partition by m.session_id order by coalesce(m.timestamp, '-infinity'),
                       case m.role when 'user' then 1 else 2 end, m.id),
    m.id::text, 'legacy', case m.role when 'model' then 'assistant' else m.role end, m.text, m.timestamp,
    coalesce(m.timestamp, '-infinity'), null::text, null::integer, null::integer, null::integer, null::text
  from public.chat_messages m where m.session_id = any (ids)
$$;

-- 4. Conversations ---------------------------------------------------------------------------------------------------

-- Whole seconds between two times; 0 where one is missing, out of reach, or they stand the wrong way round.
create or replace function transcripts.seconds_between(began timestamptz, ended timestamptz) returns bigint
language sql immutable parallel safe as $$
  select case when isfinite(began) and isfinite(ended) and ended > began
              then floor(extract(epoch from ended - began))::bigint else 0 end
$$;

-- One row per session: the figures of the list. `stored` counts the turns that can be read, without those of the system;
-- `counted` is the platform's own counter, `only_in_history` counts those of the JSON that stand in no row. `flags` names
-- what is odd (agents.models.Flag).
create or replace function transcripts.session_summary(ids uuid[])
returns table (id uuid, external_id text, organization_id uuid, agent_id uuid, profile_id uuid, channel text, status text,
               started_at timestamptz, last_at timestamptz, length_seconds bigint, stored integer, counted integer,
               in_messages integer, in_history integer, only_in_history integer, tokens bigint, cost_usd numeric,
               call_id uuid, caller text, flags text[])
language sql stable set search_path = '' as $$
  select s.id, s.session_id::text, a.organization_id, s.agent_id, s.user_id, s.channel::text, s.status::text, t.began, t.last_at,
    transcripts.seconds_between(t.began, t.last_at), t.stored, s.message_count, t.in_messages, h.in_history,
    t.turns - t.in_messages, coalesce(u.tokens, t.tokens), u.cost_usd, c.id, c.caller_number,
    array_remove(array[
      case when s.session_id = 'default' or c.tenants > 1 then 'shared' end,
      case when t.turns = 0 and coalesce(s.message_count, 0) = 0 then 'failed_start' end,
      case when t.turns = 0 and s.message_count > 0 then 'nothing_stored' end,
      case when t.spoken > 0 and s.message_count > t.spoken then 'incomplete' end,
      case when t.spoken > s.message_count then 'more_than_counted' end,
      case when t.in_messages > 0 and t.turns > t.in_messages then 'stores_differ' end,
      case when jsonb_typeof(s.conversation_history) not in ('array', 'null') then 'odd_history' end,
      case when t.errors > 0 then 'errors' end,
      case when c.organization_id <> a.organization_id or u.foreign_tenant then 'other_tenant' end,
      case when c.id is not null and s.channel is distinct from 'phone' then 'channel_mismatch' end,
      case when t.began is null or not isfinite(t.began) or t.began > now() + interval '1 day' or s.ended_at < t.began
             or not isfinite(t.last_at) or t.odd then 'odd_times' end], null)
  from public.agent_sessions s
  left join public.agents a on a.id = s.agent_id
  cross join lateral (
    select count(*)::integer as turns, (count(*) filter (where t.role <> 'system'))::integer as stored,
      (count(*) filter (where t.source = 'messages'))::integer as in_messages,
      (count(*) filter (where t.role in ('user', 'assistant')))::integer as spoken,
      (count(*) filter (where t.role = 'assistant' and t.content like 'Error:%'))::integer as errors,
      sum(t.tokens_used)::bigint as tokens,
      coalesce(bool_or(not isfinite(t.at) or t.at > now() + interval '1 day'), false) as odd,
      coalesce(s.started_at, s.created_at) as began,
      greatest(coalesce(s.last_activity_at, s.ended_at), max(t.at), coalesce(s.started_at, s.created_at)) as last_at
    from transcripts.session_turns(array[s.id]) t) t
  cross join lateral (select count(*)::integer as in_history from transcripts.entries(s.conversation_history)) h
  cross join lateral (
    select sum(u.tokens_used)::bigint as tokens, sum(u.cost_usd) as cost_usd,
      bool_or(u.organization_id <> a.organization_id) as foreign_tenant
    from public.usage_logs u where u.session_id = s.id) u
  left join lateral (
    select c.id, c.organization_id, c.caller_number,
      (select count(distinct o.organization_id) from public.call_logs o where o.session_id = s.session_id::text) as tenants
    from public.call_logs c where c.session_id = s.session_id::text
    order by coalesce(c.created_at, '-infinity') desc, c.id limit 1) c on true
  where s.id = any (ids)
$$;

-- The same of legacy chats, which know neither status, counter, usage nor call.
create or replace function transcripts.chat_summary(ids uuid[])
returns table (id uuid, external_id text, organization_id uuid, agent_id uuid, profile_id uuid, channel text, status text,
               started_at timestamptz, last_at timestamptz, length_seconds bigint, stored integer, counted integer,
               in_messages integer, in_history integer, only_in_history integer, tokens bigint, cost_usd numeric,
               call_id uuid, caller text, flags text[])
language sql stable set search_path = '' as $$
  select s.id, null::text, a.organization_id, s.project_id, s.user_id, 'legacy', null::text, t.began, t.last_at,
    transcripts.seconds_between(t.began, t.last_at), t.stored, null::integer, t.stored, 0, 0, null::bigint, null::numeric,
    null::uuid, null::text,
    array_remove(array[
      case when t.stored = 0 then 'failed_start' end,
      case when t.errors > 0 then 'errors' end,
      case when t.began is null or not isfinite(t.began) or t.began > now() + interval '1 day' or not isfinite(t.last_at)
             or t.odd or t.first_at < t.began - interval '1 hour' then 'odd_times' end], null)
  from public.chat_sessions s
  left join public.agents a on a.id = s.project_id
  cross join lateral (
    select count(*)::integer as stored,
      (count(*) filter (where m.role = 'model' and m.text like 'Error:%'))::integer as errors,
      coalesce(bool_or(not isfinite(m.timestamp) or m.timestamp > now() + interval '1 day'), false) as odd,
      min(m.timestamp) as first_at, coalesce(s.created_at, min(m.timestamp)) as began,
      greatest(max(m.timestamp), s.created_at) as last_at
    from public.chat_messages m where m.session_id = s.id) t
  where s.id = any (ids)
$$;

-- 5. Grants ----------------------------------------------------------------------------------------------------------
-- Functions run with the rights of whoever asks; only those of the triggers write with ours. Those that are read inside of
-- others have no search_path of their own, else they would not be planned as a part of these (ten times slower); every
-- name in them is said with its schema.

revoke all on all tables in schema transcripts from public, anon, authenticated, service_role;
revoke all on all functions in schema transcripts from public, anon, authenticated, service_role;
grant select, delete on transcripts.mark to backoffice;
grant execute on function
  transcripts.odd_moment(text), transcripts.moment(text), transcripts.entries(jsonb), transcripts.session_turns(uuid[]),
  transcripts.chat_turns(uuid[]), transcripts.seconds_between(timestamptz, timestamptz),
  transcripts.session_summary(uuid[]), transcripts.chat_summary(uuid[])
  to backoffice;

commit;
