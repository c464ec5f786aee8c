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
  reason text not null,
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
  job_id uuid,  -- a row of backoffice.backoffice_job: the job that posts it, queued with the approval
  check (status not in ('approved', 'declined') or (decided_by is not null and decided_by <> requested_by)),
  check ((status = 'approved') = (job_id is not null))
);
create unique index if not exists bulk_posting_file on billing.bulk_posting (sha256) where status in ('pending', 'approved');
create index if not exists bulk_posting_newest on billing.bulk_posting (requested_at desc, id desc);
create index if not exists bulk_posting_pending on billing.bulk_posting (expires_at) where status = 'pending';

-- One line of it. `problem` says why it was left out when the file was checked, `message` in a sentence; then nothing is ever
-- posted for it. For the others `message` says why they failed.
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
  problem text
    check (problem in ('malformed', 'unknown', 'ambiguous', 'duplicate', 'over_limit', 'out_of_range')),
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
create unique index if not exists bulk_posting_row_once on billing.bulk_posting_row (run_id, organization_id)
  where problem is null;

-- A day (UTC) that was settled; the last one is the watermark.
create table if not exists billing.settlement_day (
  id bigint generated always as identity primary key,
  day date not null unique,
  usage_rate numeric(12,6) not null,  -- credits per USD
  call_rate numeric(12,6) not null,
  with_estimates boolean not null,
  started_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  -- Sums of its settlements, from when it was finished on.
  organizations integer,
  usage_cost numeric(24,9),
  call_cost numeric(24,9),
  estimated_cost numeric(24,9),
  late_cost numeric(24,9),
  amount numeric(14,2),
  actor text not null,
  actor_id bigint
);

-- What one organization owed when a day was settled: the day's usage and calls, and what came late for days before. Costs
-- are in USD with all places of their sources (four; nine where they are estimates); the amount in credits is rounded
-- once, half to even.
create table if not exists billing.settlement (
  id bigint generated always as identity primary key,
  organization_id uuid not null,
  organization_name text not null,
  day date not null references billing.settlement_day (day),
  usage_cost numeric(24,9) not null,
  call_cost numeric(24,9) not null,
  estimated_cost numeric(24,9) not null,  -- contained in usage_cost
  late_cost numeric(24,9) not null,       -- contained in the two: of days before
  amount numeric(12,2) not null,          -- credits taken; below zero where corrected costs give some back
  transaction_id bigint unique references public.credit_transactions (id),
  created_at timestamptz not null default clock_timestamp(),
  unique (organization_id, day)
);
create index if not exists settlement_day_id on billing.settlement (day desc, id desc);

-- Which rows a settlement contains, with the day that each belongs to. `cost` is what this settlement added for the row:
-- all of it the first time, the difference when the cost was corrected afterwards; `total` is what the row was settled
-- at from then on. The last of a row is the current one, and there never are two of them.
create table if not exists billing.settled_row (
  settlement_id bigint not null references billing.settlement (id),
  source text not null check (source in ('usage', 'call')),
  row_id uuid not null,
  organization_id uuid not null,
  day date not null,
  cost numeric(24,9) not null,
  total numeric(24,9) not null,
  tokens bigint,  -- the first time only, so that they add up
  is_estimated boolean not null,
  is_late boolean not null,  -- its day is before that of the settlement
  is_current boolean not null default true,
  primary key (settlement_id, source, row_id)
);
create index if not exists settled_row_organization on billing.settled_row (organization_id, day);
create index if not exists settled_row_late on billing.settled_row (day) where is_late;
create unique index if not exists settled_row_current on billing.settled_row (row_id, source) where is_current;

-- What a model's tokens cost where the platform recorded no cost: USD per 1,000 tokens, input and output blended.
create table if not exists billing.price (
  id bigint generated by default as identity primary key,
  model text not null check (btrim(model) <> ''),
  valid_from date not null,
  usd_per_1000 numeric(12,6) not null check (usd_per_1000 >= 0 and usd_per_1000 <> 'NaN'),
  unique (model, valid_from)
);

-- A month (UTC) of one organization, frozen. `content` is canonical JSON, `sha256` that of its bytes. `last_posting` is the
-- newest posting when it was closed, of whatever month: an older month's that comes later stands in the next statement.
create table if not exists billing.statement (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null,
  organization_name text not null,
  month date not null check (extract(day from month) = 1),
  opening numeric(14,2) not null,
  closing numeric(14,2) not null,
  content text not null,
  sha256 text not null,
  last_posting bigint not null,
  actor text not null,
  actor_id bigint,
  created_at timestamptz not null default clock_timestamp(),
  unique (organization_id, month)
);
create index if not exists statement_month on billing.statement (month desc, id desc);

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
    -- Lines of a file and settlements with their rows are many, are never changed, and each leads to a posting; a statement
    -- has a trigger of its own.
    if relation not in ('bulk_posting_row', 'settlement', 'settled_row', 'statement') then
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
    where s.id = case when v_key ~ '^settlement:[0-9]{1,18}$' then substr(v_key, 12)::bigint end
      and s.organization_id = new.organization_id and -s.amount = new.amount and s.transaction_id is null;
    if not found then
      raise exception 'Settlements are posted by the settlement of a day alone.' using errcode = 'insufficient_privilege';
    end if;
    return new;
  elsif v_key like 'request:%' then
    perform from billing.credit_request r
    where r.id = case when v_key ~ '^request:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then substr(v_key, 9)::uuid end
      and r.status = 'approved' and r.transaction_id is null
      and r.decided_by = new.actor_id and r.requested_by <> new.actor_id
      and (r.organization_id, r.amount, r.kind, r.reason) = (new.organization_id, new.amount, new.kind, new.reason)
      and r.reverses_id is not distinct from new.reverses_id;
    if not found then
      raise exception 'No approved request says that.' using errcode = 'insufficient_privilege';
    end if;
    return new;
  elsif v_key like 'bulk:%' then
    if v_key ~ '^bulk:[0-9a-f-]{36}:[0-9]{1,9}$' then
      perform from billing.bulk_posting b join billing.bulk_posting_row r on r.run_id = b.id
      where b.id = split_part(v_key, ':', 2)::uuid and r.number = split_part(v_key, ':', 3)::integer
        and v_key = 'bulk:' || b.id || ':' || r.number  -- one way to write it, so one posting
        and b.status = 'approved' and r.outcome is null and r.problem is null
        and b.decided_by = new.actor_id and b.requested_by <> new.actor_id
        and (r.organization_id, r.amount, b.kind, r.reason) = (new.organization_id, new.amount, new.kind, new.reason);
    end if;
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

-- Asks for a posting that a second person has to approve; no balance changes. The same idempotency key gives the same
-- request again, once. It can be approved for so many days. Returns its id.
create or replace function billing.request_credit(
  p_organization uuid, p_amount numeric, p_kind text, p_reason text, p_reference text, p_note text,
  p_idempotency_key text, p_reverses bigint, p_days integer
) returns uuid
language plpgsql security definer set search_path = '' as $$
declare
  v_actor constant text := billing.require_actor();
  v_organization public.organizations;
  v_balance numeric;
  v_row billing.credit_request;
begin
  select * into v_organization from public.organizations where id = p_organization for update;
  if not found then
    raise exception 'There is no such organization.';
  end if;
  -- After the lock, which a posting of the same form takes too.
  if p_idempotency_key is not null then
    select * into v_row from billing.credit_request where idempotency_key = p_idempotency_key;
    if found then
      if (v_row.organization_id, v_row.amount, v_row.kind, v_row.reason, v_row.reference, v_row.note, v_row.reverses_id)
         is distinct from (p_organization, p_amount, p_kind, btrim(p_reason), nullif(btrim(p_reference), ''),
                           nullif(btrim(p_note), ''), p_reverses) then
        raise exception 'This form was already used for another request.';
      end if;
      return v_row.id;
    elsif exists (select from public.credit_transactions where idempotency_key = p_idempotency_key) then
      raise exception 'This form was already used for a posting.';
    end if;
  end if;
  v_balance := coalesce(nullif(v_organization.credits_balance, 'NaN'), 0);
  perform public.check_posting(p_organization, v_balance, p_amount, p_kind, p_reason, p_reverses);
  if p_kind = 'settlement' then
    raise exception 'Settlements are posted by the settlement of a day alone.';
  elsif p_days is null or p_days not between 1 and 365 then
    raise exception 'A request can be approved for 1 to 365 days.';
  end if;
  insert into billing.credit_request (organization_id, organization_name, amount, kind, reason, reference, note,
                                      reverses_id, balance_before, idempotency_key, requested_by, requested_by_name, expires_at)
  values (p_organization, coalesce(v_organization.name, ''), p_amount, p_kind, btrim(p_reason),
          nullif(btrim(p_reference), ''), nullif(btrim(p_note), ''), p_reverses, v_balance, p_idempotency_key,
          current_setting('backoffice.actor_id')::bigint, v_actor, clock_timestamp() + make_interval(days => p_days))
  returning * into v_row;
  return v_row.id;
end $$;

-- The request, locked, if it still waits and has not expired; else a sentence.
create or replace function billing.open_request(p_id uuid) returns billing.credit_request
language plpgsql set search_path = '' as $$
declare
  v_row billing.credit_request;
begin
  select * into v_row from billing.credit_request where id = p_id for update;
  if not found then
    raise exception 'There is no such request.';
  elsif v_row.status <> 'pending' then
    raise exception 'This request was already % by %.', v_row.status, coalesce(v_row.decided_by_name, 'somebody');
  elsif v_row.expires_at <= clock_timestamp() then
    raise exception 'This request has expired: nobody decides about it any more. Ask again.';
  end if;
  return v_row;
end $$;

-- Approves or declines what somebody else asked for. An approval posts in the same transaction, with the decider as
-- actor; where that is not possible (any more), nothing is decided. Returns the id of the ledger row, NULL for a refusal.
create or replace function billing.decide_request(p_id uuid, p_approve boolean, p_comment text) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
  v_actor constant text := billing.require_actor();
  v_actor_id constant bigint := current_setting('backoffice.actor_id')::bigint;
  v_comment constant text := nullif(btrim(p_comment), '');
  v_row constant billing.credit_request := billing.open_request(p_id);
  v_transaction bigint;
begin
  if v_row.requested_by = v_actor_id then
    raise exception 'Nobody decides about a request of their own: somebody else has to.';
  elsif p_approve is not true and v_comment is null then
    raise exception 'Say why it is declined.';
  end if;
  update billing.credit_request
  set status = case when p_approve then 'approved' else 'declined' end, decided_by = v_actor_id, decided_by_name = v_actor,
      decided_at = clock_timestamp(), comment = v_comment
  where id = p_id;
  if p_approve then
    v_transaction := (public.post_credit(v_row.organization_id, v_row.amount, v_row.kind, v_row.reason, v_row.reference,
                                         v_row.note, 'request:' || p_id, v_row.reverses_id)).id;
    update billing.credit_request set transaction_id = v_transaction where id = p_id;
  end if;
  return v_transaction;
end $$;

-- Takes back a request that nobody decided about; only who made it.
create or replace function billing.withdraw_request(p_id uuid, p_comment text) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_actor constant text := billing.require_actor();
  v_actor_id constant bigint := current_setting('backoffice.actor_id')::bigint;
  v_row constant billing.credit_request := billing.open_request(p_id);
begin
  if v_row.requested_by <> v_actor_id then
    raise exception 'A request is withdrawn by who made it: %.', v_row.requested_by_name;
  end if;
  update billing.credit_request
  set status = 'withdrawn', decided_by = v_actor_id, decided_by_name = v_actor, decided_at = clock_timestamp(),
      comment = nullif(btrim(p_comment), '')
  where id = p_id;
end $$;

-- 5. Bulk postings ---------------------------------------------------------------------------------------------------

-- Keeps a file that was checked, for so many days; nothing is posted. `p_rows` are objects with the columns of
-- billing.bulk_posting_row. What can be posted is within the limit that the role in the setting `credits.role` has for one
-- posting. Refuses a file that waits already or was approved. Returns its id.
create or replace function billing.add_bulk_posting(
  p_name text, p_sha256 text, p_kind text, p_rows jsonb, p_days integer
) returns uuid
language plpgsql security definer set search_path = '' as $$
declare
  v_actor constant text := billing.require_actor();
  v_role constant text := coalesce(nullif(current_setting('credits.role', true), ''), 'none');
  v_most constant numeric := coalesce((select per_posting from billing.credit_limit where name = v_role), 0);
  v_earlier billing.bulk_posting;
  v_id uuid;
begin
  if p_days is null or p_days not between 1 and 365 then
    raise exception 'A file can be approved for 1 to 365 days.';
  end if;
  perform pg_advisory_xact_lock(hashtextextended('billing.bulk_posting:' || p_sha256, 0));
  update billing.bulk_posting set status = 'expired'
  where sha256 = p_sha256 and status = 'pending' and expires_at <= clock_timestamp();
  select * into v_earlier from billing.bulk_posting where sha256 = p_sha256 and status in ('pending', 'approved');
  if found then
    raise exception 'These rows were checked before, by % on % (file %), and are %.', v_earlier.requested_by_name,
      to_char(v_earlier.requested_at at time zone 'UTC', 'YYYY-MM-DD'), v_earlier.name, v_earlier.status;
  end if;
  insert into billing.bulk_posting (name, sha256, kind, reason, row_count, left_out, amount, requested_by,
                                    requested_by_name, expires_at)
  select p_name, p_sha256, p_kind, btrim(current_setting('backoffice.reason')),
         count(*) filter (where r.problem is null), count(r.problem),
         coalesce(sum(r.amount) filter (where r.problem is null), 0),
         current_setting('backoffice.actor_id')::bigint, v_actor, clock_timestamp() + make_interval(days => p_days)
  from jsonb_to_recordset(p_rows) as r(problem text, amount numeric)
  returning id into v_id;
  insert into billing.bulk_posting_row (run_id, number, given, organization_id, organization_name, amount, given_amount,
                                        reason, reference, problem, message)
  select v_id, r.number, r.given, r.organization_id, coalesce(o.name, r.organization_name), r.amount, r.given_amount,
         btrim(r.reason), nullif(btrim(r.reference), ''), r.problem, r.message
  from jsonb_to_recordset(p_rows) as r(number integer, given text, organization_id uuid, organization_name text,
    amount numeric, given_amount text, reason text, reference text, problem text, message text)
  left join public.organizations o on o.id = r.organization_id;
  if exists (select from jsonb_to_recordset(p_rows) as r(problem text, amount numeric, reason text)
             where r.problem is null and (r.amount = 0 or r.amount <> round(r.amount, 2) or abs(r.amount) > v_most
                                          or btrim(coalesce(r.reason, '')) = '')) then
    raise exception 'A row of the file is above the limit of role %, or cannot be posted at all.', v_role;
  end if;
  return v_id;
end $$;

-- The file, locked, if it still waits and has not expired; else a sentence.
create or replace function billing.open_bulk_posting(p_id uuid) returns billing.bulk_posting
language plpgsql set search_path = '' as $$
declare
  v_file billing.bulk_posting;
begin
  select * into v_file from billing.bulk_posting where id = p_id for update;
  if not found then
    raise exception 'There is no such file.';
  elsif v_file.status <> 'pending' then
    raise exception 'This file was already % by %.', v_file.status, coalesce(v_file.decided_by_name, 'somebody');
  elsif v_file.expires_at <= clock_timestamp() then
    raise exception 'This file has expired: nobody decides about it any more. It can be checked again.';
  end if;
  return v_file;
end $$;

-- Approves or declines a file that somebody else checked. An approval names the job that posts it, queued in the same
-- transaction: so what is approved is posted, and only once.
create or replace function billing.decide_bulk_posting(p_id uuid, p_approve boolean, p_comment text, p_job uuid) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_actor constant text := billing.require_actor();
  v_actor_id constant bigint := current_setting('backoffice.actor_id')::bigint;
  v_file constant billing.bulk_posting := billing.open_bulk_posting(p_id);
begin
  if v_file.requested_by = v_actor_id then
    raise exception 'Nobody decides about a file that they checked themselves: somebody else has to.';
  elsif p_approve and v_file.row_count = 0 then
    raise exception 'No row of this file can be posted.';
  elsif p_approve and p_job is null then
    raise exception 'An approval needs the job that posts the file.';
  end if;
  update billing.bulk_posting
  set status = case when p_approve then 'approved' else 'declined' end, decided_by = v_actor_id, decided_by_name = v_actor,
      decided_at = clock_timestamp(), comment = nullif(btrim(p_comment), ''), job_id = case when p_approve then p_job end
  where id = p_id;
end $$;

-- Takes back a file that nobody decided about; only who checked it.
create or replace function billing.withdraw_bulk_posting(p_id uuid, p_comment text) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_actor constant text := billing.require_actor();
  v_actor_id constant bigint := current_setting('backoffice.actor_id')::bigint;
  v_file constant billing.bulk_posting := billing.open_bulk_posting(p_id);
begin
  if v_file.requested_by <> v_actor_id then
    raise exception 'A file is withdrawn by who checked it: %.', v_file.requested_by_name;
  end if;
  update billing.bulk_posting
  set status = 'withdrawn', decided_by = v_actor_id, decided_by_name = v_actor, decided_at = clock_timestamp(),
      comment = nullif(btrim(p_comment), '')
  where id = p_id;
end $$;

-- Posts one line of an approved file and keeps what became of it, both or neither; a line that has an outcome is left alone.
-- What the ledger refuses with a sentence fails for good, with that sentence. Returns the outcome.
create or replace function billing.post_bulk_row(p_run uuid, p_number integer) returns text
language plpgsql security definer set search_path = '' as $$
declare
  v_actor constant text := billing.require_actor();
  v_file billing.bulk_posting;
  v_row billing.bulk_posting_row;
  v_transaction bigint;
  v_message text;
begin
  select * into v_file from billing.bulk_posting where id = p_run;
  select * into v_row from billing.bulk_posting_row where run_id = p_run and number = p_number for update;
  if not found or v_row.problem is not null or v_file.status <> 'approved' then
    raise exception 'Line % is not one of an approved file that can be posted.', p_number;
  elsif v_row.outcome is not null then
    return v_row.outcome;
  end if;
  begin
    v_transaction := (public.post_credit(v_row.organization_id, v_row.amount, v_file.kind, v_row.reason, v_row.reference,
                                         null, 'bulk:' || p_run || ':' || p_number)).id;
  exception when raise_exception then
    v_message := sqlerrm;
  end;
  update billing.bulk_posting_row
  set outcome = case when v_transaction is null then 'failed' else 'posted' end, transaction_id = v_transaction,
      message = v_message, done_at = clock_timestamp()
  where id = v_row.id
  returning outcome into v_row.outcome;
  return v_row.outcome;
end $$;

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
-- A settlement of a day takes every row whose day (UTC) is not after it and not before the first day that is settled at
-- all, as far as it was not settled yet. So a row that comes late, or whose cost is corrected, goes into the next one.
-- The caller looks for what is due (due_rows, nothing locked), then gives the rows back in bundles (settle_rows), which
-- looks again under a lock: what it is given can leave something for the next settlement, never take it twice.

-- An amount of credits: two places, half to even. round() alone rounds half away from zero.
create or replace function billing.round_credits(p_amount numeric) returns numeric
language sql immutable set search_path = '' as $$
  select case when abs(p_amount * 100 - trunc(p_amount * 100)) = 0.5 and mod(trunc(p_amount * 100), 2) = 0
              then trunc(p_amount, 2) else round(p_amount, 2) end
$$;

-- Rows with something to settle, in the days from p_from to p_day; with p_problems also those that cannot be, and why:
--   no_price       tokens without a cost, and no price of the model is valid on that day
--   not_estimated  the same where there is a price, and estimates are off
--   odd_cost       the cost is NaN or below zero
--   cost_removed   settled at a cost that is gone (NULL)
--   moved          it belongs to another organization than the one that paid, and its cost changed
-- p_rows looks at these alone. An estimate stays until a real cost is recorded, whatever becomes of the price.
create or replace function billing.due_rows(
  p_from date, p_day date, p_estimates boolean, p_problems boolean default false, p_rows uuid[] default null
) returns table (source text, row_id uuid, organization_id uuid, day date, model text, cost numeric, total numeric,
                 tokens bigint, is_first boolean, is_estimated boolean, problem text)
language plpgsql stable set search_path = '' set work_mem = '128MB' as $$
declare
  v_which text := $sql$coalesce(r.created_at, '-infinity') >= $1 and coalesce(r.created_at, '-infinity') < $2$sql$;
begin
  if p_rows is not null then
    v_which := v_which || ' and r.id = any ($5)';
  end if;
  return query execute format($sql$
    with price as (
      select model::text, usd_per_1000, valid_from,
             lead(valid_from, 1, 'infinity') over (partition by model order by valid_from) as valid_until
      from billing.price
    ), platform as (
      select 'usage' as source, r.id, r.organization_id, (r.created_at at time zone 'UTC')::date as day,
             r.model_used::text as model, r.cost_usd as cost, r.tokens_used as tokens, s.organization_id as payer,
             s.total as settled, s.row_id is not null as is_settled, s.is_estimated as was_estimated
      from public.usage_logs r
      left join billing.settled_row s on s.row_id = r.id and s.source = 'usage' and s.is_current
      where %1$s and (s.row_id is null or r.cost_usd is distinct from s.total)
        and ($3 or $4 or r.cost_usd <> 0 or s.row_id is not null)  -- else it is unpriced, and nobody asks
      union all
      select 'call', r.id, r.organization_id, (r.created_at at time zone 'UTC')::date,
             null, r.cost, null, s.organization_id, s.total, s.row_id is not null, s.is_estimated
      from public.call_logs r
      left join billing.settled_row s on s.row_id = r.id and s.source = 'call' and s.is_current
      where %1$s and (s.row_id is null or r.cost is distinct from s.total)
    ), judged as (
      select r.*, r.tokens * p.usd_per_1000 * 0.001 as estimate,
             case
               when r.cost = 'NaN' or r.cost < 0 then 'odd_cost'
               when r.cost > 0 then case when r.payer <> r.organization_id then 'moved' end
               when not r.is_settled then
                 case when coalesce(r.tokens, 0) <= 0 then 'nothing'
                      when p.model is null then 'no_price'
                      when not $3 then 'not_estimated' end
               when r.was_estimated then 'nothing'
               when r.cost is null then case when r.settled <> 0 then 'cost_removed' else 'nothing' end
               when r.payer <> r.organization_id and r.settled <> 0 then 'moved'
             end as hindrance
      from platform r
      left join price p on p.model = r.model and r.day >= p.valid_from and r.day < p.valid_until
                       and r.tokens > 0 and coalesce(r.cost, 0) = 0
    ), valued as (
      select j.*, coalesce(nullif(j.cost, 0), case when j.is_settled then 0 else j.estimate end, 0) as worth
      from judged j
    )
    select source, id, organization_id, day, model,
           case when hindrance is null then worth - coalesce(settled, 0) end::numeric,
           case when hindrance is null then worth end::numeric,
           case when not is_settled then tokens end::bigint,
           not is_settled,
           coalesce(cost, 0) = 0 and not is_settled,
           hindrance
    from valued
    where hindrance is null and worth <> coalesce(settled, 0) or $4 and hindrance <> 'nothing'
    $sql$, v_which)
  using p_from::timestamp at time zone 'UTC', (p_day + 1)::timestamp at time zone 'UTC', p_estimates, p_problems, p_rows;
end $$;

-- Opens the settlement of a day with the rates that hold for it, or gives the one that is open already, with its own.
create or replace function billing.begin_settlement(
  p_day date, p_usage_rate numeric, p_call_rate numeric, p_estimates boolean
) returns billing.settlement_day
language plpgsql security definer set search_path = '' as $$
declare
  v_actor constant text := billing.require_actor();
  v_today constant date := (now() at time zone 'UTC')::date;
  v_row billing.settlement_day;
begin
  if p_day is null or p_day >= v_today then
    raise exception 'Only days that are over (in UTC) can be settled: % is not.', coalesce(p_day::text, 'no day');
  elsif not (p_usage_rate >= 0 and p_call_rate >= 0 and p_usage_rate < 1000000 and p_call_rate < 1000000) then
    raise exception 'The rates must be numbers from 0 up to a million.';
  end if;
  perform pg_advisory_xact_lock(hashtextextended('billing.settlement', 0));
  select * into v_row from billing.settlement_day where day >= p_day or finished_at is null order by day limit 1;
  if v_row.day < p_day then
    raise exception 'The settlement of % is not finished yet; that comes first.', v_row.day;
  elsif v_row.day > p_day then
    raise exception 'Days are settled in order, and % is settled: what came later for % goes into the next one.',
      v_row.day, p_day;
  elsif v_row.day is null then
    insert into billing.settlement_day (day, usage_rate, call_rate, with_estimates, actor, actor_id)
    values (p_day, p_usage_rate, p_call_rate, p_estimates, v_actor, current_setting('backoffice.actor_id')::bigint)
    returning * into v_row;
  end if;
  return v_row;
end $$;

-- Settles what these organizations still owe of these rows: one settlement and one posting for each that has none of the day.
-- `refused` are organizations whose balance would leave the range of balances; they are due again next time.
create or replace function billing.settle_rows(p_day date, p_from date, p_organizations uuid[], p_rows uuid[])
returns table (settled integer, amount numeric, refused uuid[])
language plpgsql security definer set search_path = '' set max_parallel_workers_per_gather = 0 as $$
declare
  v_actor constant text := billing.require_actor();
  v_day billing.settlement_day;
  v_made bigint[];
  v_row billing.settlement;
  v_posting bigint;
begin
  perform pg_advisory_xact_lock(hashtextextended('billing.settlement', 0));
  select * into v_day from billing.settlement_day where day = p_day;
  if not found then
    raise exception 'The settlement of % was not begun.', p_day;
  end if;
  settled := 0; amount := 0; refused := '{}';
  if v_day.finished_at is not null then
    return next;
    return;
  end if;
  -- In order, so that it never waits for somebody who waits for it.
  perform from public.organizations o
  where o.id = any (p_organizations) order by o.id for no key update;
  with due as materialized (
    select d.* from billing.due_rows(p_from, p_day, v_day.with_estimates, false, p_rows) d
    where d.organization_id = any (p_organizations)
      and not exists (select from billing.settlement s where s.organization_id = d.organization_id and s.day = p_day)
  ), sums as (
    select d.organization_id,
           coalesce(sum(d.cost) filter (where d.source = 'usage'), 0) as usage_cost,
           coalesce(sum(d.cost) filter (where d.source = 'call'), 0) as call_cost,
           coalesce(sum(d.cost) filter (where d.is_estimated), 0) as estimated_cost,
           coalesce(sum(d.cost) filter (where d.day < p_day), 0) as late_cost
    from due d group by d.organization_id
  ), owed as (
    select s.*, o.name, coalesce(nullif(o.credits_balance, 'NaN'), 0) as balance,
           billing.round_credits(s.usage_cost * v_day.usage_rate + s.call_cost * v_day.call_rate) as credits
    from sums s join public.organizations o on o.id = s.organization_id
  ), judged as (
    select o.*, abs(o.credits) < 100000000 and abs(o.balance - o.credits) < 100000000 as fits from owed o
  ), made as (
    insert into billing.settlement
      (organization_id, organization_name, day, usage_cost, call_cost, estimated_cost, late_cost, amount)
    select j.organization_id, j.name, p_day, j.usage_cost, j.call_cost, j.estimated_cost, j.late_cost, j.credits
    from judged j where j.fits
    returning id, settlement.organization_id
  ), kept as (
    insert into billing.settled_row
      (settlement_id, source, row_id, organization_id, day, cost, total, tokens, is_estimated, is_late, is_current)
    select m.id, d.source, d.row_id, d.organization_id, d.day, d.cost, d.total, d.tokens, d.is_estimated,
           d.day < p_day, d.is_first
    from due d join made m using (organization_id)
  )
  select array(select m.id from made m), array(select j.organization_id from judged j where not j.fits)
  into v_made, refused;
  -- Of a corrected row what was current is so no more, then what is new is: one after the other, for the index.
  update billing.settled_row r set is_current = false
  from billing.settled_row n
  where n.settlement_id = any (v_made) and not n.is_current
    and r.row_id = n.row_id and r.source = n.source and r.is_current;
  update billing.settled_row r set is_current = true where r.settlement_id = any (v_made) and not r.is_current;
  for v_row in select s.* from billing.settlement s where s.id = any (v_made) order by s.organization_id loop
    if v_row.amount <> 0 then
      v_posting := (public.post_credit(
        v_row.organization_id, -v_row.amount, 'settlement', format('Usage and calls of %s', p_day),
        p_note => nullif(concat_ws(' ',
          case when v_row.estimated_cost <> 0 then format('Estimated: %s USD of it.', trim_scale(v_row.estimated_cost)) end,
          case when v_row.late_cost <> 0 then format('Of days before: %s USD.', trim_scale(v_row.late_cost)) end), ''),
        p_idempotency_key => 'settlement:' || v_row.id)).id;
      update billing.settlement set transaction_id = v_posting where id = v_row.id;
    end if;
    settled := settled + 1;
    amount := amount + v_row.amount;
  end loop;
  return next;
end $$;

-- Marks a day as settled, after everything that was due of it.
create or replace function billing.finish_settlement(p_day date) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_actor constant text := billing.require_actor();
begin
  perform pg_advisory_xact_lock(hashtextextended('billing.settlement', 0));
  update billing.settlement_day d
  set finished_at = clock_timestamp(), organizations = s.organizations, usage_cost = s.usage_cost, call_cost = s.call_cost,
      estimated_cost = s.estimated_cost, late_cost = s.late_cost, amount = s.amount
  from (select count(*) as organizations, coalesce(sum(usage_cost), 0) as usage_cost,
               coalesce(sum(call_cost), 0) as call_cost, coalesce(sum(estimated_cost), 0) as estimated_cost,
               coalesce(sum(late_cost), 0) as late_cost, coalesce(sum(amount), 0) as amount
        from billing.settlement where day = p_day) s
  where d.day = p_day and d.finished_at is null;
end $$;

-- 7. Statements ------------------------------------------------------------------------------------------------------

create or replace function billing.refuse_statement_change() returns trigger language plpgsql set search_path = '' as $$
begin
  raise exception 'A statement is frozen: % is refused.', tg_op using errcode = 'insufficient_privilege';
end $$;
create or replace trigger refuse_statement_change before update or delete on billing.statement
  for each row execute function billing.refuse_statement_change();

-- One audit.event for a closed month, without its content: that stands in the statement, and stays.
create or replace function billing.record_statement() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  role_name constant text := audit.caller_role();
  in_app constant boolean := role_name = 'backoffice';
begin
  insert into audit.event (table_name, row_id, row_label, organization_id, action, new, actor_id, actor, reason, request_id,
                           db_role, jwt_sub, source)
  values ('billing.statement', new.id::text, left(new.organization_name, 200), new.organization_id, 'insert',
          to_jsonb(new) - 'content', case when in_app then new.actor_id end, case when in_app then new.actor else role_name end,
          case when in_app then nullif(current_setting('backoffice.reason', true), '') end,
          case when in_app then nullif(current_setting('backoffice.request_id', true), '') end,
          role_name, audit.jwt_sub(), case when in_app then 'app' else 'outside' end);
  return null;
end $$;
create or replace trigger audit_record after insert on billing.statement
  for each row execute function billing.record_statement();
create or replace trigger refuse_statement_truncate before truncate on billing.statement
  for each statement execute function billing.refuse_statement_change();

-- JSON as the one text that stands for it: keys in the order of their bytes, no blanks.
create or replace function billing.canonical(value jsonb) returns text
language plpgsql immutable set search_path = '' as $$
begin
  return case jsonb_typeof(value)
    when 'object' then '{' || coalesce((
      select string_agg(to_json(key)::text || ':' || billing.canonical(item), ',' order by key collate "C")
      from jsonb_each(value) as e (key, item)), '') || '}'
    when 'array' then '[' || coalesce((
      select string_agg(billing.canonical(item), ',' order by n)
      from jsonb_array_elements(value) with ordinality as e (item, n)), '') || ']'
    else value::text
  end;
end $$;

-- What an organization used and telephoned in each month of [p_from, p_until), as its rows stand now. A cost that is no
-- number is left out of the sum, and counted as missing.
create or replace function billing.monthly_figures(p_organization uuid, p_from date, p_until date)
returns table (month date, usage_rows numeric, tokens numeric, usage_cost numeric, usage_without_cost numeric,
               calls numeric, seconds numeric, call_cost numeric, calls_without_cost numeric)
language sql stable set search_path = '' as $$
  with bounds as (
    select p_from::timestamp at time zone 'UTC' as since, p_until::timestamp at time zone 'UTC' as until
  ), used as (
    select date_trunc('month', u.created_at at time zone 'UTC')::date as month, count(*) as usage_rows,
      sum(u.tokens_used::bigint) as tokens, sum(u.cost_usd) filter (where u.cost_usd <> 'NaN') as cost,
      count(*) filter (where u.cost_usd = 'NaN' or (u.tokens_used > 0 and coalesce(u.cost_usd, 0) = 0)) as without_cost
    from bounds b join public.usage_logs u on u.organization_id = p_organization
      and coalesce(u.created_at, '-infinity') >= b.since and coalesce(u.created_at, '-infinity') < b.until
    group by 1
  ), called as (
    select date_trunc('month', c.created_at at time zone 'UTC')::date as month, count(*) as calls,
      sum(c.duration_seconds::bigint) as seconds, sum(c.cost) filter (where c.cost <> 'NaN') as cost,
      count(*) filter (where c.cost = 'NaN' or coalesce(c.cost, 0) = 0) as without_cost
    from bounds b join public.call_logs c on c.organization_id = p_organization
      and coalesce(c.created_at, '-infinity') >= b.since and coalesce(c.created_at, '-infinity') < b.until
    group by 1
  )
  select coalesce(u.month, c.month), coalesce(u.usage_rows, 0), coalesce(u.tokens, 0), coalesce(u.cost, 0),
    coalesce(u.without_cost, 0), coalesce(c.calls, 0), coalesce(c.seconds, 0), coalesce(c.cost, 0),
    coalesce(c.without_cost, 0)
  from used u full join called c on c.month = u.month
$$;

-- By how much closed months differ today from what was stated of them, in their own statements and as changes in others'
-- (that of p_month left out): what the statement of p_month has to say. Nothing once the organization is gone, for its
-- rows went with it.
create or replace function billing.closed_month_changes(p_organization uuid, p_month date) returns jsonb
language sql stable set search_path = '' as $$
  with statement as (
    select s.month, s.content::jsonb as content from billing.statement s where s.organization_id = p_organization
  ), stated as (
    select month, (content #>> '{usage,rows}')::numeric as usage_rows, (content #>> '{usage,tokens}')::numeric as tokens,
      (content #>> '{usage,cost}')::numeric as usage_cost,
      (content #>> '{usage,without_cost}')::numeric as usage_without_cost,
      (content #>> '{calls,rows}')::numeric as calls, (content #>> '{calls,seconds}')::numeric as seconds,
      (content #>> '{calls,cost}')::numeric as call_cost, (content #>> '{calls,without_cost}')::numeric as calls_without_cost
    from statement where month < p_month
    union all
    select (change ->> 'month' || '-01')::date, (change ->> 'usage_rows')::numeric, (change ->> 'tokens')::numeric,
      (change ->> 'usage_cost')::numeric, (change ->> 'usage_without_cost')::numeric, (change ->> 'calls')::numeric,
      (change ->> 'seconds')::numeric, (change ->> 'call_cost')::numeric, (change ->> 'calls_without_cost')::numeric
    from statement s, jsonb_array_elements(s.content -> 'changes') change where s.month <> p_month
    union all
    select f.month, -usage_rows, -tokens, -usage_cost, -usage_without_cost, -calls, -seconds, -call_cost, -calls_without_cost
    from (select min(month) as first from statement) s,
      billing.monthly_figures(p_organization, s.first, p_month) f
  ), change as (
    select month, -sum(usage_rows) as usage_rows, -sum(tokens) as tokens, -sum(usage_cost) as usage_cost,
      -sum(usage_without_cost) as usage_without_cost, -sum(calls) as calls, -sum(seconds) as seconds,
      -sum(call_cost) as call_cost, -sum(calls_without_cost) as calls_without_cost
    from stated where month < p_month group by month
  )
  select coalesce(jsonb_agg(jsonb_build_object(
    'month', to_char(month, 'YYYY-MM'), 'usage_rows', usage_rows::bigint, 'tokens', tokens::bigint,
    'usage_cost', usage_cost::numeric(20,4)::text, 'usage_without_cost', usage_without_cost::bigint,
    'calls', calls::bigint, 'seconds', seconds::bigint, 'call_cost', call_cost::numeric(20,4)::text,
    'calls_without_cost', calls_without_cost::bigint) order by month), '[]')
  from change
  where (usage_rows, tokens, usage_cost, usage_without_cost, calls, seconds, call_cost, calls_without_cost)
      <> (0, 0, 0, 0, 0, 0, 0, 0)
    and exists (select from public.organizations o where o.id = p_organization)
$$;

-- A month of one organization as canonical JSON, out of the rows as they are now: amounts and costs are texts with all
-- their places, times are UTC. For a month that is closed, from the postings that were known when it was. Postings
-- that came for a month after its closing stand in the next statement, marked late.
create or replace function billing.statement_content(p_organization uuid, p_month date) returns text
language plpgsql stable security definer set search_path = '' as $$
declare
  v_since constant timestamptz := p_month::timestamp at time zone 'UTC';
  v_until constant timestamptz := (p_month + interval '1 month') at time zone 'UTC';
  v_stored billing.statement;
  v_before billing.statement;
  v_last_posting bigint;
  v_name text;
  v_opening numeric;
  v_sum numeric;
  v_postings jsonb;
  v_kinds jsonb;
  v_usage jsonb;
  v_calls jsonb;
begin
  select * into v_stored from billing.statement where organization_id = p_organization and month = p_month;
  select * into v_before from billing.statement
  where organization_id = p_organization and month = (p_month - interval '1 month')::date;
  v_last_posting := coalesce(v_stored.last_posting,
    (select max(id) from public.credit_transactions where organization_id = p_organization), 0);
  v_name := coalesce(v_stored.organization_name,
    (select name from public.organizations where id = p_organization),
    (select organization_name from public.credit_transactions where organization_id = p_organization order by id desc limit 1),
    '');
  v_opening := coalesce(v_before.closing, (
    select sum(amount) from public.credit_transactions
    where organization_id = p_organization and created_at < v_since and id <= v_last_posting), 0);

  with posting as (
    select t.id, t.created_at, t.kind, t.amount, t.reason, t.reference, t.reverses_id, t.created_at < v_since as late,
      date_trunc('month', case when t.created_at < v_since then t.created_at at time zone 'UTC'
                               when r.id is not null then r.created_at at time zone 'UTC'
                               else s.day end)::date as of_month
    from public.credit_transactions t
    left join public.credit_transactions r on r.id = t.reverses_id
    left join billing.settlement s on s.transaction_id = t.id
    where t.organization_id = p_organization and t.created_at < v_until and t.id <= v_last_posting
      and (t.created_at >= v_since or t.id > v_before.last_posting)
  )
  select coalesce(jsonb_agg(jsonb_build_object(
      'id', id::text, 'time', coalesce(to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), ''),
      'kind', kind, 'amount', amount::numeric(14,2)::text, 'reason', reason, 'reference', reference,
      'reverses', reverses_id::text, 'late', late,
      'of_month', case when of_month < p_month then to_char(of_month, 'YYYY-MM') end)
    order by created_at, id), '[]'), coalesce(sum(amount), 0)
  into v_postings, v_sum from posting;

  select coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'rows', rows, 'amount', amount::numeric(14,2)::text)
                            order by kind collate "C"), '[]')
  into v_kinds from (
    select p ->> 'kind' as kind, count(*) as rows, sum((p ->> 'amount')::numeric) as amount
    from jsonb_array_elements(v_postings) p group by 1) by_kind;

  with part as (
    select nullif(nullif(channel, ''), 'null') as channel, nullif(nullif(model_used, ''), 'null') as model,
      count(*) as rows, coalesce(sum(tokens_used::bigint), 0) as tokens,
      coalesce(sum(cost_usd) filter (where cost_usd <> 'NaN'), 0) as cost,
      count(*) filter (where cost_usd = 'NaN' or (tokens_used > 0 and coalesce(cost_usd, 0) = 0)) as without_cost
    from public.usage_logs
    where organization_id = p_organization
      and coalesce(created_at, '-infinity') >= v_since and coalesce(created_at, '-infinity') < v_until
    group by 1, 2
  )
  select jsonb_build_object('rows', coalesce(sum(rows), 0), 'tokens', coalesce(sum(tokens), 0),
    'cost', coalesce(sum(cost), 0)::numeric(20,4)::text, 'without_cost', coalesce(sum(without_cost), 0),
    'parts', coalesce(jsonb_agg(jsonb_build_object('channel', channel, 'model', model, 'rows', rows, 'tokens', tokens,
        'cost', cost::numeric(20,4)::text, 'without_cost', without_cost)
      order by channel collate "C", model collate "C"), '[]'))
  into v_usage from part;

  select jsonb_build_object('rows', count(*), 'seconds', coalesce(sum(duration_seconds::bigint), 0),
    'cost', coalesce(sum(cost) filter (where cost <> 'NaN'), 0)::numeric(20,4)::text,
    'without_cost', count(*) filter (where cost = 'NaN' or coalesce(cost, 0) = 0),
    'zero_duration', count(*) filter (where coalesce(duration_seconds, 0) = 0))
  into v_calls from public.call_logs
  where organization_id = p_organization
    and coalesce(created_at, '-infinity') >= v_since and coalesce(created_at, '-infinity') < v_until;

  return billing.canonical(jsonb_build_object(
    'version', 1, 'organization', jsonb_build_object('id', p_organization, 'name', v_name),
    'month', to_char(p_month, 'YYYY-MM'), 'opening', v_opening::numeric(14,2)::text,
    'closing', (v_opening + v_sum)::numeric(14,2)::text, 'by_kind', v_kinds, 'postings', v_postings,
    'usage', v_usage, 'calls', v_calls, 'changes', billing.closed_month_changes(p_organization, p_month)));
end $$;

-- Why a month of an organization cannot be closed, as a sentence; NULL: it can, or it is closed.
create or replace function billing.month_problem(p_organization uuid, p_month date) returns text
language plpgsql stable security definer set search_path = '' as $$
declare
  v_until constant timestamptz := (p_month + interval '1 month') at time zone 'UTC';
  v_name constant text := to_char(p_month, 'FMMonth YYYY');
  v_next date;
begin
  if p_month is null or not isfinite(p_month) or extract(day from p_month) <> 1 then
    return 'A month is named by its first day.';
  elsif v_until > now() then
    return v_name || ' is not over yet: months end at midnight UTC.';
  elsif not exists (select from public.organizations where id = p_organization)
      and not exists (select from public.credit_transactions where organization_id = p_organization) then
    return 'There is no such organization.';
  elsif exists (select from public.organizations where id = p_organization and created_at >= v_until)
      and not exists (select from public.credit_transactions where organization_id = p_organization and created_at < v_until) then
    return 'The organization did not exist in ' || v_name || ' yet.';
  end if;
  select (max(month) + interval '1 month')::date into v_next from billing.statement where organization_id = p_organization;
  if p_month > v_next then
    return to_char(v_next, 'FMMonth YYYY') || ' has to be closed first: months are closed one after the other.';
  elsif p_month < v_next and not exists (
      select from billing.statement where organization_id = p_organization and month = p_month) then
    return v_name || ' lies before the first month that was closed.';
  end if;
  return null;
end $$;

-- Those that have no statement of a month yet and should: all that existed, and those gone that had postings in it or
-- a balance left at its beginning.
create or replace function billing.organizations_to_close(p_month date)
returns table (organization_id uuid, organization_name text)
language sql stable security definer set search_path = '' as $$
  with bounds as (
    select p_month::timestamp at time zone 'UTC' as since, (p_month + interval '1 month') at time zone 'UTC' as until
  ), wanted as (
    select o.id, o.name::text as name from public.organizations o, bounds b where coalesce(o.created_at, '-infinity') < b.until
    union all
    select g.organization_id, max(g.organization_name) from (
      select t.organization_id, t.organization_name from public.credit_transactions t, bounds b
      where t.created_at >= b.since and t.created_at < b.until
      union all
      select s.organization_id, s.organization_name from billing.statement s
      where s.month = (p_month - interval '1 month')::date and s.closing <> 0) g
    where not exists (select from public.organizations o where o.id = g.organization_id)
    group by 1
  )
  select w.id, w.name from wanted w
  where not exists (select from billing.statement s where s.organization_id = w.id and s.month = p_month)
$$;

-- Freezes a month of one organization and returns its statement; one that is frozen already is returned as it is.
create or replace function billing.close_month(p_organization uuid, p_month date) returns billing.statement
language plpgsql security definer set search_path = '' as $$
declare
  v_actor constant text := billing.require_actor();
  v_row billing.statement;
  v_problem text;
  v_content text;
begin
  perform pg_advisory_xact_lock(hashtextextended('billing.statement:' || p_organization, 0));
  select * into v_row from billing.statement where organization_id = p_organization and month = p_month;
  if found then
    return v_row;
  end if;
  -- The ledger is written under the lock of this row: no posting is under way while it is held, and ids follow commits.
  perform from public.organizations where id = p_organization for share;
  v_problem := billing.month_problem(p_organization, p_month);
  if v_problem is not null then
    raise exception '%', v_problem;
  end if;
  v_content := billing.statement_content(p_organization, p_month);
  insert into billing.statement
    (organization_id, organization_name, month, opening, closing, content, sha256, last_posting, actor, actor_id)
  values (
    p_organization, v_content::jsonb #>> '{organization,name}', p_month, (v_content::jsonb ->> 'opening')::numeric,
    (v_content::jsonb ->> 'closing')::numeric, v_content, encode(sha256(convert_to(v_content, 'UTF8')), 'hex'),
    coalesce((select max(id) from public.credit_transactions where organization_id = p_organization), 0),
    v_actor, nullif(current_setting('backoffice.actor_id', true), '')::bigint)
  returning * into v_row;
  return v_row;
end $$;

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
  billing.add_bulk_posting(text, text, text, jsonb, integer),
  billing.decide_bulk_posting(uuid, boolean, text, uuid),
  billing.erase_given(),
  billing.adopt_change(bigint, text, text),
  billing.close_month(uuid, date),
  billing.month_problem(uuid, date),
  billing.organizations_to_close(date),
  billing.post_bulk_row(uuid, integer),
  billing.posted_today(bigint),
  billing.statement_content(uuid, date),
  billing.withdraw_bulk_posting(uuid, text),
  billing.request_credit(uuid, numeric, text, text, text, text, text, bigint, integer),
  billing.decide_request(uuid, boolean, text),
  billing.withdraw_request(uuid, text),
  billing.round_credits(numeric),
  billing.due_rows(date, date, boolean, boolean, uuid[]),
  billing.begin_settlement(date, numeric, numeric, boolean),
  billing.settle_rows(date, date, uuid[], uuid[]),
  billing.finish_settlement(date)
  to backoffice;

commit;
