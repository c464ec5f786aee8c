-- Money: who may post how much, what was asked for and approved, bulk postings, settlements and statements. Run it after
-- backoffice.sql, as the same role; one transaction, re-runnable.
--
--   1. schema and tables     3. the guard of the ledger             5. bulk postings     7. statements
--   2. who may do what       4. requests and approvals, adoption    6. settlement        8. grants
--
-- Everything here belongs to the role that runs this file. The back office reads it all, and writes only through the
-- functions below, which want an actor and a reason; limits and prices it may write by column. So the rules of money hold
-- even when Python is wrong: the guard looks at every row that role backoffice puts into the ledger.

begin;

set local search_path = '';
set local client_min_messages = warning;
set local statement_timeout = 0;
set local lock_timeout = '30s';

-- 1. Schema and tables -----------------------------------------------------------------------------------------------

do $$
begin
  if to_regclass('audit.event') is null or to_regclass('public.credit_transactions') is null then
    raise exception 'Run master_schema.sql and backoffice.sql first.';
  end if;
end $$;

create schema if not exists billing;
revoke all on schema billing from public;
grant usage on schema billing to backoffice;

-- What a role may post by itself, in credits, signs left out: one posting, and all of one person's within 24 hours. Above
-- it a posting becomes a request. A role without a row may post nothing.
create table if not exists billing.credit_limit (
  id bigint generated always as identity primary key,
  name text not null unique,
  per_posting numeric(12,2) not null check (per_posting >= 0 and per_posting <> 'NaN'),
  per_day numeric(12,2) not null check (per_day >= 0 and per_day <> 'NaN')
);
insert into billing.credit_limit (name, per_posting, per_day)
values ('Finance', 1000, 20000), ('Support', 0, 0) on conflict (name) do nothing;

-- A posting that waits for a second person. It is bound to what it says: nothing of it but the decision changes.
create table if not exists billing.credit_request (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null,
  organization_name text not null,
  amount numeric(12,2) not null check (amount <> 0 and amount <> 'NaN'),
  kind text not null check (kind in ('top_up', 'refund', 'goodwill', 'promotion', 'correction', 'reversal')),
  reason text not null,
  reference text,
  note text,
  reverses_id bigint references public.credit_transactions (id),
  balance_before numeric(12,2) not null,
  idempotency_key text unique,
  requested_by bigint not null,
  requested_by_name text not null,
  requested_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  status text not null default 'pending' check (status in ('pending', 'approved', 'declined', 'withdrawn')),
  decided_by bigint,
  decided_by_name text,
  decided_at timestamptz,
  comment text,
  transaction_id bigint unique references public.credit_transactions (id),
  check (status not in ('approved', 'declined') or (decided_by is not null and decided_by <> requested_by)),
  check (transaction_id is null or status = 'approved')
);
create index if not exists credit_request_pending on billing.credit_request (expires_at) where status = 'pending';
create index if not exists credit_request_organization on billing.credit_request (organization_id, requested_at desc);
create index if not exists credit_request_newest on billing.credit_request (requested_at desc, id desc);
create index if not exists credit_request_reverses on billing.credit_request (reverses_id);

-- A change from outside that somebody stands for: it stays as it is, with a reason.
create table if not exists billing.adoption (
  id bigint generated always as identity primary key,
  transaction_id bigint not null unique references public.credit_transactions (id),
  organization_id uuid not null,
  organization_name text not null,
  reason text not null,
  reference text,
  actor text not null,
  actor_id bigint,
  created_at timestamptz not null default clock_timestamp()
);

create index if not exists adoption_organization on billing.adoption (organization_id);
-- What waits for somebody to stand for it is found without reading the ledger.
create index if not exists credit_transactions_outside on public.credit_transactions (id) where kind = 'outside';

-- A file of postings. `sha256` is that of the rows as they were understood, so that the same file is known again whatever
-- its line ends; only one that was declined, withdrawn or has expired may come back.
create table if not exists billing.bulk_posting (
  id uuid primary key default gen_random_uuid(),
  name text not null,
  sha256 text not null,
  kind text not null check (kind in ('top_up', 'refund', 'goodwill', 'promotion', 'correction')),
  row_count integer not null,
  left_out integer not null,
  amount numeric(14,2) not null,
  requested_by bigint not null,
  requested_by_name text not null,
  requested_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  status text not null default 'pending'
    check (status in ('pending', 'approved', 'declined', 'withdrawn', 'expired')),
  decided_by bigint,
  decided_by_name text,
  decided_at timestamptz,
  comment text,
  check (status not in ('approved', 'declined') or (decided_by is not null and decided_by <> requested_by))
);
create unique index if not exists bulk_posting_file on billing.bulk_posting (sha256) where status in ('pending', 'approved');

-- One line of it. `problem` says why it was left out when the file was checked; then nothing is ever posted for it.
create table if not exists billing.bulk_posting_row (
  id bigint generated always as identity primary key,
  run_id uuid not null references billing.bulk_posting (id),
  number integer not null,
  given text not null,
  organization_id uuid,
  organization_name text,
  amount numeric(12,2),
  given_amount text not null,
  reason text not null,
  reference text,
  problem text,
  outcome text check (outcome in ('posted', 'failed')),
  message text,
  transaction_id bigint unique references public.credit_transactions (id),
  done_at timestamptz,
  unique (run_id, number),
  check (problem is not null or (organization_id is not null and amount is not null)),
  check (problem is null or outcome is null),
  check ((outcome = 'posted') = (transaction_id is not null))
);
create index if not exists bulk_posting_row_organization on billing.bulk_posting_row (organization_id);

-- A day (UTC) that was settled; the last one is the watermark.
create table if not exists billing.settlement_day (
  id bigint generated always as identity primary key,
  day date not null unique,
  usage_rate numeric(12,6) not null,  -- credits per USD
  call_rate numeric(12,6) not null,
  with_estimates boolean not null,
  started_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  actor text not null,
  actor_id bigint
);

-- What one organization owed when a day was settled: the day's usage and calls, and what came late for days before. Costs
-- are in USD with the four places of their sources; the amount in credits is rounded once, half to even.
create table if not exists billing.settlement (
  id bigint generated always as identity primary key,
  organization_id uuid not null,
  organization_name text not null,
  day date not null references billing.settlement_day (day),
  usage_cost numeric(16,4) not null,
  call_cost numeric(16,4) not null,
  estimated_cost numeric(16,4) not null,  -- contained in usage_cost
  late_cost numeric(16,4) not null,       -- contained in the two: of days before
  amount numeric(12,2) not null,          -- credits taken; below zero where corrected costs give some back
  transaction_id bigint unique references public.credit_transactions (id),
  created_at timestamptz not null default clock_timestamp(),
  unique (organization_id, day)
);
create index if not exists settlement_day_id on billing.settlement (day desc, id desc);

-- Which rows a settlement contains, with the day that each belongs to. `cost` is what this settlement added for the row:
-- all of it the first time, the difference when the cost was corrected afterwards.
create table if not exists billing.settled_row (
  settlement_id bigint not null references billing.settlement (id),
  source text not null check (source in ('usage', 'call')),
  row_id uuid not null,
  organization_id uuid not null,
  day date not null,
  cost numeric(14,4) not null,
  tokens bigint,
  is_estimated boolean not null,
  primary key (row_id, source, settlement_id)
);
create index if not exists settled_row_settlement on billing.settled_row (settlement_id);
create index if not exists settled_row_organization on billing.settled_row (organization_id, day);

-- What a model's tokens cost where the platform recorded no cost: USD per 1,000 tokens, input and output blended.
create table if not exists billing.price (
  id bigint generated by default as identity primary key,
  model text not null check (btrim(model) <> ''),
  valid_from date not null,
  usd_per_1000 numeric(12,6) not null check (usd_per_1000 >= 0 and usd_per_1000 <> 'NaN'),
  unique (model, valid_from)
);

-- A month (UTC) of one organization, frozen. `content` is canonical JSON, `sha256` that of its bytes.
create table if not exists billing.statement (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null,
  organization_name text not null,
  month date not null check (extract(day from month) = 1),
  opening numeric(14,2) not null,
  closing numeric(14,2) not null,
  content text not null,
  sha256 text not null,
  actor text not null,
  actor_id bigint,
  created_at timestamptz not null default clock_timestamp(),
  unique (organization_id, month)
);
create index if not exists statement_month on billing.statement (month desc, organization_name, id);

-- 2. Who may do what -------------------------------------------------------------------------------------------------

do $$
declare
  relation text;
begin
  foreach relation in array array['credit_limit', 'credit_request', 'adoption', 'bulk_posting', 'bulk_posting_row',
                                  'settlement_day', 'settlement', 'settled_row', 'price', 'statement']
  loop
    execute format('alter table billing.%I enable row level security', relation);
    execute format('revoke all on billing.%I from public, anon, authenticated, service_role, backoffice', relation);
    execute format('grant select on billing.%I to backoffice', relation);
    execute format('drop policy if exists "backoffice: read" on billing.%I', relation);
    execute format('create policy "backoffice: read" on billing.%I for select to backoffice using (true)', relation);
    -- Lines of a file and of a settlement are many, and each leads to a posting.
    if relation not in ('bulk_posting_row', 'settled_row') then
      execute format('create or replace trigger audit_record after insert or update or delete on billing.%I '
                     'for each row execute function audit.record()', relation);
    end if;
  end loop;
end $$;

grant update (per_posting, per_day) on billing.credit_limit to backoffice;
drop policy if exists "backoffice: change" on billing.credit_limit;
create policy "backoffice: change" on billing.credit_limit for update to backoffice using (true) with check (true);

grant insert (id, model, valid_from, usd_per_1000), update (model, valid_from, usd_per_1000) on billing.price to backoffice;
drop policy if exists "backoffice: change" on billing.price;
create policy "backoffice: change" on billing.price for update to backoffice using (true) with check (true);
drop policy if exists "backoffice: add" on billing.price;
create policy "backoffice: add" on billing.price for insert to backoffice with check (true);

-- 3. The guard of the ledger -----------------------------------------------------------------------------------------

-- The name of who acts; refuses what has no actor or no reason. Every function below begins with it.
create or replace function billing.require_actor() returns text
language plpgsql stable set search_path = '' as $$
declare
  v_actor constant text := nullif(btrim(current_setting('backoffice.actor', true)), '');
begin
  if v_actor is null or nullif(current_setting('backoffice.actor_id', true), '') is null
     or nullif(btrim(current_setting('backoffice.reason', true)), '') is null then
    raise exception 'This needs the account of an actor, and a reason.' using errcode = 'insufficient_privilege';
  end if;
  return v_actor;
end $$;

-- What one person posted directly within the last 24 hours, signs left out: what was approved, settled or came from a
-- file was somebody else's decision too.
create or replace function billing.posted_today(p_actor_id bigint) returns numeric
language sql stable security definer set search_path = '' as $$
  select coalesce(sum(abs(amount)), 0) from public.credit_transactions
  where actor_id = p_actor_id and created_at > now() - interval '24 hours' and db_role = 'backoffice'
    and kind not in ('settlement', 'opening', 'closing', 'outside')
    and coalesce(idempotency_key, '') !~ '^(request|bulk):'
$$;

-- Row trigger on the ledger for what role backoffice posts. The idempotency key tells what a posting rests on: an approved
-- request, a line of an approved file, a settlement; else on the limits of the role in the setting `credits.role`.
create or replace function billing.guard_posting() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  v_key constant text := coalesce(new.idempotency_key, '');
  v_role constant text := coalesce(nullif(current_setting('credits.role', true), ''), 'none');
  v_limit billing.credit_limit;
  v_posted numeric;
begin
  if new.kind in ('opening', 'closing') then
    return new;
  elsif new.kind = 'outside' then
    raise exception 'The back office changes balances by postings alone.' using errcode = 'insufficient_privilege';
  elsif new.kind = 'settlement' then
    perform from billing.settlement s
    where 'settlement:' || s.id = v_key and s.organization_id = new.organization_id and -s.amount = new.amount
      and s.transaction_id is null;
    if not found then
      raise exception 'Settlements are posted by the settlement of a day alone.' using errcode = 'insufficient_privilege';
    end if;
    return new;
  elsif v_key like 'request:%' then
    perform from billing.credit_request r
    where 'request:' || r.id = v_key and r.status = 'approved' and r.transaction_id is null
      and r.decided_by = new.actor_id and r.requested_by <> new.actor_id
      and (r.organization_id, r.amount, r.kind, r.reason) = (new.organization_id, new.amount, new.kind, new.reason)
      and r.reverses_id is not distinct from new.reverses_id;
    if not found then
      raise exception 'No approved request says that.' using errcode = 'insufficient_privilege';
    end if;
    return new;
  elsif v_key like 'bulk:%' then
    perform from billing.bulk_posting_row r join billing.bulk_posting b on b.id = r.run_id
    where b.status = 'approved' and r.outcome is null and r.problem is null
      and (r.organization_id, r.amount, b.kind, r.reason) = (new.organization_id, new.amount, new.kind, new.reason)
      and b.id::text = split_part(v_key, ':', 2) and r.number::text = split_part(v_key, ':', 3);
    if not found then
      raise exception 'No line of an approved file says that.' using errcode = 'insufficient_privilege';
    end if;
    return new;
  elsif new.actor_id is null then
    raise exception 'A posting needs the account of an actor.' using errcode = 'insufficient_privilege';
  elsif exists (select from billing.credit_request where idempotency_key = v_key) then
    raise exception 'This form was already used for a request.';
  end if;
  select * into v_limit from billing.credit_limit where name = v_role;
  if not found or abs(new.amount) > v_limit.per_posting then
    raise exception 'Role % may post % credits at once: this needs the approval of a second person.',
      v_role, to_char(coalesce(v_limit.per_posting, 0), 'FM999,999,990.00');
  end if;
  -- One after the other: parallel postings of one person could each find room for itself alone.
  perform pg_advisory_xact_lock(hashtextextended('billing.posted_today:' || new.actor_id, 0));
  v_posted := billing.posted_today(new.actor_id);
  if v_posted + abs(new.amount) > v_limit.per_day then
    raise exception 'Role % may post % credits within 24 hours, and % were posted: this needs the approval of a second person.',
      v_role, to_char(v_limit.per_day, 'FM999,999,990.00'), to_char(v_posted, 'FM999,999,990.00');
  end if;
  return new;
end $$;
create or replace trigger guard_posting before insert on public.credit_transactions
  for each row when (new.db_role = 'backoffice') execute function billing.guard_posting();

-- 4. Requests and approvals ------------------------------------------------------------------------------------------

-- Adoption: somebody stands for a change from outside. The ledger's row stays as it is; once for each.
create or replace function billing.adopt_change(p_transaction bigint, p_reason text, p_reference text default null)
returns bigint
language plpgsql security definer set search_path = '' as $$
declare
  v_actor constant text := billing.require_actor();
  v_change public.credit_transactions;
  v_before billing.adoption;
  v_id bigint;
begin
  if nullif(btrim(p_reason), '') is null then
    raise exception 'Standing for a change needs a reason.';
  end if;
  select * into v_change from public.credit_transactions where id = p_transaction;
  if not found then
    raise exception 'There is no such posting.';
  elsif v_change.kind <> 'outside' then
    raise exception 'Posting % did not come from outside: it says itself who made it, and why.', p_transaction;
  elsif v_change.amount + (select coalesce(sum(amount), 0) from public.credit_transactions
                           where reverses_id = p_transaction) = 0 then
    raise exception 'Posting % was reversed as a whole: nothing of it is left to stand for.', p_transaction;
  end if;
  insert into billing.adoption (transaction_id, organization_id, organization_name, reason, reference, actor, actor_id)
  values (p_transaction, v_change.organization_id, v_change.organization_name, btrim(p_reason),
          nullif(btrim(p_reference), ''), v_actor, current_setting('backoffice.actor_id')::bigint)
  on conflict (transaction_id) do nothing returning id into v_id;
  if v_id is null then
    select * into v_before from billing.adoption where transaction_id = p_transaction;
    raise exception '% stands for posting % already: %', v_before.actor, p_transaction, v_before.reason;
  end if;
  return v_id;
end $$;

-- 5. Bulk postings ---------------------------------------------------------------------------------------------------

-- The mail addresses by which the lines of files named organizations, taken out between begin_erasure and end_erasure.
-- Everything else here is bookkeeping and stays.
create or replace function billing.erase_given() returns bigint
language plpgsql security definer set search_path = '' as $$
declare
  v_pattern constant text := audit.erasure() ->> 'pattern';
  changed bigint;
begin
  if v_pattern is null then
    raise exception 'Rows are redacted between begin_erasure and end_erasure.' using errcode = 'insufficient_privilege';
  end if;
  update billing.bulk_posting_row set given = regexp_replace(given, v_pattern, '[erased]', 'gi') where given ~* v_pattern;
  get diagnostics changed = row_count;
  return changed;
end $$;

-- 6. Settlement ------------------------------------------------------------------------------------------------------

-- 7. Statements ------------------------------------------------------------------------------------------------------

-- 8. Grants ----------------------------------------------------------------------------------------------------------

do $$
declare
  routine regprocedure;
begin
  for routine in select p.oid from pg_catalog.pg_proc p where p.pronamespace = 'billing'::regnamespace
  loop
    execute format('revoke all on function %s from public, anon, authenticated, service_role, backoffice', routine);
  end loop;
end $$;
grant execute on function
  billing.erase_given(),
  billing.adopt_change(bigint, text, text),
  billing.posted_today(bigint)
  to backoffice;

commit;
