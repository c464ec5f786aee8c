-- What the figures of the dashboard have to read again. Run it after transcripts.sql, as the same role; one transaction,
-- re-runnable.
--
--   1. schema and marks      2. triggers      3. grants
--
-- The back office keeps sums by day in its own schema (docs/dashboards.md), a few seconds behind. New rows it finds by
-- their time, so inserts cost the platform nothing; what a look at the newest rows cannot see (changes, deletions, late
-- rows, wrong clocks) is marked here by triggers.

begin;

set local search_path = '';
set local client_min_messages = warning;
set local statement_timeout = 0;
set local lock_timeout = '30s';

-- 1. Schema and marks ------------------------------------------------------------------------------------------------

do $$
begin
  if to_regclass('transcripts.mark') is null then
    raise exception 'Run master_schema.sql, backoffice.sql, billing.sql and transcripts.sql first.';
  end if;
end $$;

create schema if not exists figures;
revoke all on schema figures from public;
grant usage on schema figures to backoffice;

-- The day (UTC) to which a time belongs; -infinity for a time of no day: NULL, infinite, or outside the calendar that
-- addresses can name (backoffice/months.py).
create or replace function figures.day(at timestamptz) returns date
language sql immutable parallel safe set search_path = '' as $$
  select case when at >= '1000-01-01 00:00+00' and at < '9999-01-01 00:00+00' then (at at time zone 'UTC')::date
              else '-infinity'::date end
$$;

-- What has to be counted again: a day of a tenant, a day of all (tenant_id NULL), or everything of a source (day NULL).
-- Rows are only added, so writers never wait for one another; the back office deletes what it has taken up.
create table if not exists figures.mark (
  id bigint generated always as identity primary key,
  source text not null check (source in ('usage', 'call', 'conversation', 'turn', 'signup')),
  day date,
  tenant_id uuid,
  at timestamptz not null default clock_timestamp()
);
alter table figures.mark enable row level security;
drop policy if exists "backoffice: take up" on figures.mark;
create policy "backoffice: take up" on figures.mark to backoffice using (true);

-- 2. Triggers --------------------------------------------------------------------------------------------------------

-- Statement trigger: marks the days of the rows in `changed` (and `before`). Arguments: source, column of the tenant or
-- "null", condition of the rows that count.
create or replace function figures.mark_changed() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  rows text := 'select created_at, %2$s as tenant from changed where %3$s';
begin
  if tg_op = 'UPDATE' then
    rows := rows || ' union all select created_at, %2$s from before where %3$s';
  end if;
  execute format('insert into figures.mark (source, day, tenant_id) select distinct %1$L, figures.day(created_at), '
                 'tenant::uuid from (' || rows || ') r', tg_argv[0], tg_argv[1], tg_argv[2]);
  return null;
end $$;

-- Row trigger: marks the day of one row, and of what it was before. Arguments: source, column of the tenant or "null".
create or replace function figures.mark_row() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  execute format('insert into figures.mark (source, day, tenant_id) values (%L, figures.day(($1).created_at), %s)',
                 tg_argv[0], case tg_argv[1] when 'null' then 'null' else format('($1).%I', tg_argv[1]) end) using new;
  if tg_op = 'UPDATE' then
    insert into figures.mark (source, day) values (tg_argv[0], figures.day(old.created_at));
  end if;
  return null;
end $$;

create or replace function figures.mark_source() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into figures.mark (source) values (tg_argv[0]);
  return null;
end $$;

do $$
declare
  part record;
  -- A row that says it is from another time than now is not found by its time.
  late constant text := '(new.created_at is null or new.created_at < clock_timestamp() - interval ''30 seconds'' '
    'or new.created_at > clock_timestamp() + interval ''30 seconds'')';
begin
  for part in select * from (values
      ('usage_logs', 'usage', 'organization_id', 'true'),
      ('call_logs', 'call', 'organization_id', 'true'),
      ('agent_messages', 'turn', 'null', 'latency_ms >= 0'),
      ('organizations', 'signup', 'null', 'true')) p (relation, source, tenant, counts)
  loop
    execute format('create or replace trigger figures_late after insert on public.%I for each row when (%s) '
                   'execute function figures.mark_row(%L, %L)', part.relation,
                   late || case part.counts when 'true' then '' else ' and new.' || part.counts end,
                   part.source, part.tenant);
    execute format('create or replace trigger figures_gone after delete on public.%I referencing old table as changed '
                   'for each statement execute function figures.mark_changed(%L, %L, %L)',
                   part.relation, part.source, part.tenant, part.counts);
    execute format('create or replace trigger figures_emptied after truncate on public.%I for each statement '
                   'execute function figures.mark_source(%L)', part.relation, part.source);
    if part.relation <> 'organizations' then
      execute format('create or replace trigger figures_changed after update on public.%I referencing old table as '
                     'before new table as changed for each statement execute function figures.mark_changed(%L, %L, %L)',
                     part.relation, part.source, part.tenant, part.counts);
    end if;
  end loop;
end $$;

-- The runtime updates an organization with every change of its balance; only its beginning counts here.
create or replace trigger figures_changed after update of created_at on public.organizations for each row
  when (old.created_at is distinct from new.created_at) execute function figures.mark_row('signup', 'null');

-- 3. Grants ----------------------------------------------------------------------------------------------------------
-- Conversations are rows of the back office's own, so it marks them itself.

revoke all on all tables in schema figures from public, anon, authenticated, service_role;
revoke all on all functions in schema figures from public, anon, authenticated, service_role;
grant select, insert, delete on figures.mark to backoffice;
grant execute on function figures.day(timestamptz) to backoffice;

commit;
