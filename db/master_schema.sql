-- Master schema of the LangGraph Agent Platform.
--
-- Run it in the Supabase SQL editor (role `postgres`), or with `manage.py platform_schema`. It builds an empty database
-- and upgrades one that has the platform's earlier tables: missing columns, indexes, the credit ledger, row level
-- security and grants are put in place; no row is changed and none is lost. Running it again changes nothing.
-- A database that it cannot upgrade is refused, with a list of what stands in the way, before anything is changed.
-- One transaction; core PostgreSQL 15 to 18, no extension.
--
--   1. tables              4. triggers (updated_at, sign-up)
--   2. upgrade             5. credit ledger
--   3. indexes             6. row level security and grants
--
-- docs/database.md says who owns which table and what a browser app must send.

begin;

set local search_path = '';
set local client_min_messages = notice;  -- for what this file reports; routine notices are switched off where they arise
set local statement_timeout = 0;
set local lock_timeout = '30s';

-- 1. Tables ----------------------------------------------------------------------------------------------------------
-- They are written down once, in a schema that exists only inside this transaction. Part 2 moves those that the
-- database lacks to `public`, and holds the others against what is there.

create schema platform_shape;
set local search_path = platform_shape;

-- The tenant.
create table organizations (
  id uuid primary key default gen_random_uuid(),
  name varchar(255) not null,
  owner_id uuid not null,
  credits_balance numeric(10,2) default 0.00,
  created_at timestamptz default now(),
  updated_at timestamptz default now()
);

-- One per login; id = auth.users.id.
create table user_profiles (
  id uuid primary key,
  email varchar(255) not null unique,
  full_name varchar(255),
  company_name varchar(255),
  phone_number varchar(50),
  avatar_url text,
  subscription_tier varchar(50) default 'free',
  stripe_customer_id varchar(255),
  stripe_subscription_id varchar(255),
  created_at timestamptz default now(),
  updated_at timestamptz default now()
);

create table agents (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null,
  name varchar(255) not null,
  description text,
  llm_provider varchar(50) default 'openai',
  llm_model varchar(100) default 'gpt-4o-mini',
  system_prompt text,
  temperature numeric(3,2) default 0.7,
  max_tokens integer default 1000,
  voice_provider varchar(50),
  voice_id varchar(255),
  voice_model varchar(100),
  voice_speed numeric(3,2) default 1.0,
  voice_temperature numeric(3,2) default 1.0,
  voice_volume numeric(3,2) default 1.0,
  responsiveness numeric(3,2) default 1.0,
  interruption_sensitivity numeric(3,2) default 1.0,
  enable_backchannel boolean default true,
  backchannel_words jsonb default '["mm-hmm", "I see", "right"]',
  boosted_keywords jsonb default '[]',
  normalize_speech boolean default true,
  ambient_sound varchar(50) default 'none',
  ambient_volume numeric(3,2) default 0.5,
  max_duration_seconds integer default 1800,
  end_after_silence_seconds integer default 600,
  voicemail_detection boolean default false,
  voicemail_action varchar(20) default 'hangup',
  voicemail_message text,
  stt_provider varchar(50) default 'whisper',
  stt_mode varchar(20) default 'fast',
  denoising_mode varchar(50) default 'noise-cancellation',
  pii_redaction_enabled boolean default false,
  pii_redaction_list jsonb default '[]',
  data_storage_policy varchar(50) default 'everything',
  webhook_url text,
  webhook_timeout_ms integer default 5000,
  custom_headers jsonb default '{}',
  enabled_mcp_servers jsonb default '[]',
  knowledge_base_ids jsonb default '[]',
  is_published boolean default false,
  version integer default 1,
  config jsonb,
  created_at timestamptz default now(),
  updated_at timestamptz default now()
);

-- organization_id is NULL for a trunk of the platform itself.
create table sip_trunks (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid,
  provider text not null,
  username text,
  password text,
  sip_domain text,
  created_at timestamptz default now()
);

create table phone_numbers (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null,
  agent_id uuid,
  phone_number text not null unique,
  provider text default 'twilio',
  provider_sid text,
  status text default 'active',
  created_at timestamptz default now()
);

-- One conversation. session_id is chosen by the client.
create table agent_sessions (
  id uuid primary key default gen_random_uuid(),
  agent_id uuid not null,
  session_id varchar(255) not null unique,
  user_id uuid,
  website_domain varchar(255),
  ip_address varchar(45),
  channel varchar(50) default 'text',
  conversation_history jsonb default '[]',
  context_data jsonb default '{}',
  message_count integer default 0,
  status varchar(50) default 'active',
  started_at timestamptz default now(),
  last_activity_at timestamptz default now(),
  ended_at timestamptz,
  created_at timestamptz default now()
);

-- session_id is agent_sessions.id, not its text session_id.
create table agent_messages (
  id uuid primary key default gen_random_uuid(),
  session_id uuid not null,
  role varchar(20) not null constraint agent_messages_role_check check (role in ('user', 'assistant', 'system')),
  content text not null,
  audio_url text,
  audio_duration_ms integer,
  tokens_used integer,
  latency_ms integer,
  model_used varchar(100),
  created_at timestamptz default now()
);

-- Legacy chat, still written by the browser app. project_id is an agent.
create table chat_sessions (
  id uuid primary key default gen_random_uuid(),
  project_id uuid not null,
  user_id uuid,
  created_at timestamptz default now()
);

create table chat_messages (
  id uuid primary key default gen_random_uuid(),
  session_id uuid not null,
  role text not null constraint chat_messages_role_check check (role in ('user', 'model')),
  text text not null,
  "timestamp" timestamptz default now()
);

create table usage_logs (
  id uuid primary key default gen_random_uuid(),
  agent_id uuid not null,
  organization_id uuid not null,
  session_id uuid,
  tokens_used integer default 0,
  cost_usd numeric(10,4) default 0,
  model_used varchar(100),
  channel varchar(50),
  created_at timestamptz default now()
);

-- session_id is a text made for the call; it need not match any agent_sessions row.
create table call_logs (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null,
  agent_id uuid,
  phone_number_id uuid,
  session_id text not null,
  direction text not null,
  caller_number text,
  duration_seconds integer default 0,
  cost numeric(10,4) default 0,
  recording_url text,
  status text,
  created_at timestamptz default now()
);

-- One append-only row per change of a balance (part 5). It survives the organization, hence no foreign key.
create table credit_transactions (
  id bigint generated always as identity primary key,
  organization_id uuid not null,
  organization_name text not null,
  amount numeric(12,2) not null constraint credit_transactions_amount_check check (amount <> 0 and amount <> 'NaN'),
  balance_after numeric(12,2) not null,
  kind text not null constraint credit_transactions_kind_check check (kind in (
    'top_up', 'refund', 'goodwill', 'promotion', 'correction', 'settlement', 'reversal',  -- posted by a person or job
    'opening', 'closing',                                                                 -- organization came or went
    'outside')),                                                                          -- not through post_credit
  reason text not null,
  reference text,
  note text,
  actor text not null,
  actor_id bigint,
  idempotency_key text unique,
  reverses_id bigint references credit_transactions (id),
  db_role text not null,
  created_at timestamptz not null default clock_timestamp()
);

set local search_path = '';

-- 2. Upgrade ---------------------------------------------------------------------------------------------------------

-- "timestamp with time zone" and the like, without length or precision, and one name for types that we treat alike.
create or replace function pg_temp.type_family(type_oid oid) returns text language sql as $$
  select case format_type(type_oid, null)
    when 'character varying' then 'text'
    when 'character' then 'text'
    when 'smallint' then 'integer'
    when 'bigint' then 'integer'
    else format_type(type_oid, null)
  end
$$;

do $$
declare
  faults text[] := '{}';
  shape record;
  col record;
begin
  if to_regclass('auth.users') is null or to_regprocedure('auth.uid()') is null then
    faults := faults || 'auth.users or auth.uid() is missing: this is no Supabase database'::text;
  end if;
  for shape in
    select c.oid, c.relname, p.oid as found, p.relkind, p.relowner
    from pg_catalog.pg_class c
    left join pg_catalog.pg_class p on p.relname = c.relname and p.relnamespace = 'public'::regnamespace
    where c.relnamespace = 'platform_shape'::regnamespace and c.relkind = 'r'
    order by c.relname
  loop
    if shape.found is null then
      continue;
    end if;
    if shape.relkind not in ('r', 'p') then
      faults := faults || format('public.%I is not a table', shape.relname);
      continue;
    end if;
    if not pg_has_role(current_user, shape.relowner, 'USAGE') then
      faults := faults || format('public.%I belongs to role %s, not to %s',
                                 shape.relname, shape.relowner::regrole, current_user);
    end if;
    if not exists (
      select from pg_catalog.pg_index i
      join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attname = 'id' and i.indkey::text = a.attnum::text
      where i.indrelid = shape.found and i.indisunique and i.indpred is null and i.indexprs is null
    ) then
      faults := faults || format('public.%I.id is not unique', shape.relname);
    end if;
    for col in
      select s.attname, s.attnotnull, s.atthasdef, s.atttypid, f.atttypid as found_type
      from pg_catalog.pg_attribute s
      left join pg_catalog.pg_attribute f
        on f.attrelid = shape.found and f.attname = s.attname and not f.attisdropped
      where s.attrelid = shape.oid and s.attnum > 0
      order by s.attnum
    loop
      if col.found_type is null and col.attnotnull then
        faults := faults || format('public.%I has no column %I', shape.relname, col.attname);
      elsif pg_temp.type_family(col.found_type) <> pg_temp.type_family(col.atttypid) then
        faults := faults || format('public.%I.%I is %s, not %s', shape.relname, col.attname,
                                   format_type(col.found_type, null), format_type(col.atttypid, null));
      end if;
    end loop;
  end loop;
  if to_regclass('public.organizations') is null and exists (
    select from pg_catalog.pg_class c join pg_catalog.pg_class p on p.relname = c.relname
    where c.relnamespace = 'platform_shape'::regnamespace and p.relnamespace = 'public'::regnamespace
      and c.relkind = 'r'
  ) then
    faults := 'there is no table public.organizations beside the platform''s other tables'::text || faults;
  end if;
  if faults <> '{}' then
    raise exception E'This database cannot be upgraded; nothing was changed:\n- %', array_to_string(faults, E'\n- ')
      using hint = 'Mend each point, or tell us about the shape, and run the file again.';
  end if;
end $$;

-- Foreign keys of tables that are new; tables that exist keep theirs.
create temporary table platform_fk on commit drop as
select * from (values
  ('organizations', 'owner_id', 'auth.users', 'cascade'),
  ('user_profiles', 'id', 'auth.users', 'cascade'),
  ('agents', 'organization_id', 'public.organizations', 'cascade'),
  ('sip_trunks', 'organization_id', 'public.organizations', 'cascade'),
  ('phone_numbers', 'organization_id', 'public.organizations', 'cascade'),
  ('phone_numbers', 'agent_id', 'public.agents', 'set null'),
  ('agent_sessions', 'agent_id', 'public.agents', 'cascade'),
  ('agent_sessions', 'user_id', 'auth.users', 'set null'),
  ('agent_messages', 'session_id', 'public.agent_sessions', 'cascade'),
  ('chat_sessions', 'project_id', 'public.agents', 'no action'),
  ('chat_sessions', 'user_id', 'public.user_profiles', 'no action'),
  ('chat_messages', 'session_id', 'public.chat_sessions', 'cascade'),
  ('usage_logs', 'agent_id', 'public.agents', 'cascade'),
  ('usage_logs', 'organization_id', 'public.organizations', 'cascade'),
  ('usage_logs', 'session_id', 'public.agent_sessions', 'set null'),
  ('call_logs', 'organization_id', 'public.organizations', 'cascade'),
  ('call_logs', 'agent_id', 'public.agents', 'set null'),
  ('call_logs', 'phone_number_id', 'public.phone_numbers', 'set null')
) as t (child, col, parent, on_delete);

do $$
declare
  shape record;
  col record;
  fk record;
  made text[] := '{}';
begin
  for shape in
    select c.oid, c.relname, to_regclass(format('public.%I', c.relname)) as found
    from pg_catalog.pg_class c
    where c.relnamespace = 'platform_shape'::regnamespace and c.relkind = 'r'
    order by c.oid
  loop
    if shape.found is null then
      execute format('alter table platform_shape.%I set schema public', shape.relname);
      made := made || shape.relname::text;
      continue;
    end if;
    for col in
      select s.attname, format_type(s.atttypid, s.atttypmod) as type, pg_get_expr(d.adbin, d.adrelid) as expression
      from pg_catalog.pg_attribute s
      left join pg_catalog.pg_attrdef d on d.adrelid = s.attrelid and d.adnum = s.attnum
      where s.attrelid = shape.oid and s.attnum > 0 and not exists (
        select from pg_catalog.pg_attribute f
        where f.attrelid = shape.found and f.attname = s.attname and not f.attisdropped)
      order by s.attnum
    loop
      execute format('alter table public.%I add column %I %s', shape.relname, col.attname, col.type);
      if col.expression is not null then  -- set afterwards, so that rows that exist keep "not set"
        execute format('alter table public.%I alter column %I set default %s',
                       shape.relname, col.attname, col.expression);
      end if;
      raise notice 'Added column public.%.%', shape.relname, col.attname;
    end loop;
  end loop;
  for fk in select * from pg_temp.platform_fk where child = any (made)
  loop
    execute format('alter table public.%I add constraint %I foreign key (%I) references %s (id) on delete %s',
                   fk.child, fk.child || '_' || fk.col || '_fkey', fk.col, fk.parent, fk.on_delete);
  end loop;
end $$;

set local client_min_messages = warning;
drop schema platform_shape cascade;
set local client_min_messages = notice;

-- 3. Indexes ---------------------------------------------------------------------------------------------------------
-- One for every foreign key and for every order in which pages are read. Newest first reads
-- coalesce(created_at, '-infinity'), so that rows without a time come last and are reached by paging too. An index that
-- exists under another name is not made again: definitions are compared, not names.

create or replace function pg_temp.ensure_index(table_name text, definition text) returns void language plpgsql as $$
declare
  index_name text := left(table_name, 20) || '_' || left(trim('_' from regexp_replace(lower(regexp_replace(definition,
    '^btree|coalesce|''[^'']*''::timestamp with time zone|::\w+| desc|''[^'']*''', ' ', 'gi')), '\W+', '_', 'g')), 30)
    || '_' || substr(md5(definition), 1, 6);
begin
  if not exists (
    select from pg_catalog.pg_index i
    where i.indrelid = format('public.%I', table_name)::regclass and i.indisvalid and i.indpred is null
      and split_part(pg_get_indexdef(i.indexrelid), ' USING ', 2) = definition
  ) then
    execute format('create index if not exists %I on public.%I using %s', index_name, table_name, definition);
  end if;
end $$;

do $$
declare
  created constant text := 'COALESCE(created_at, ''-infinity''::timestamp with time zone) DESC, id DESC';
  activity constant text := 'COALESCE(last_activity_at, ''-infinity''::timestamp with time zone) DESC, id DESC';
  spoken constant text := 'COALESCE("timestamp", ''-infinity''::timestamp with time zone) DESC, id DESC';
  def record;
begin
  for def in
    select * from (values
      ('organizations', 'btree (owner_id)'),
      ('organizations', format('btree (%s)', created)),
      ('organizations', 'btree (name, id)'),
      ('organizations', 'btree (COALESCE(credits_balance, (0)::numeric), id)'),
      ('user_profiles', format('btree (%s)', created)),
      ('user_profiles', 'btree (lower((email)::text))'),
      ('user_profiles', 'btree (stripe_customer_id)'),
      ('user_profiles', 'btree (stripe_subscription_id)'),
      ('agents', format('btree (%s)', created)),
      ('agents', format('btree (organization_id, %s)', created)),
      ('agents', 'btree (name, id)'),
      ('sip_trunks', format('btree (%s)', created)),
      ('sip_trunks', format('btree (organization_id, %s)', created)),
      ('phone_numbers', format('btree (%s)', created)),
      ('phone_numbers', format('btree (organization_id, %s)', created)),
      ('phone_numbers', format('btree (agent_id, %s)', created)),
      ('agent_sessions', format('btree (%s)', created)),
      ('agent_sessions', format('btree (%s)', activity)),
      ('agent_sessions', format('btree (agent_id, %s)', created)),
      ('agent_sessions', format('btree (agent_id, %s)', activity)),
      ('agent_sessions', 'btree (status, last_activity_at)'),
      ('agent_sessions', 'btree (user_id)'),
      ('agent_messages', format('btree (%s)', created)),
      ('agent_messages', format('btree (session_id, %s)', created)),
      ('chat_sessions', format('btree (%s)', created)),
      ('chat_sessions', format('btree (project_id, %s)', created)),
      ('chat_sessions', 'btree (user_id)'),
      ('chat_messages', format('btree (%s)', spoken)),
      ('chat_messages', format('btree (session_id, %s)', spoken)),
      ('usage_logs', format('btree (%s)', created)),
      -- With what a tenant's usage is summed by, which is then read from the index alone, thirty times as fast. Not so for
      -- calls: their cost is written when they end, which would cost an entry in each of their indexes.
      ('usage_logs', format('btree (organization_id, %s) INCLUDE (created_at, cost_usd)', created)),
      ('usage_logs', format('btree (agent_id, %s)', created)),
      ('usage_logs', 'btree (session_id)'),
      ('call_logs', format('btree (%s)', created)),
      ('call_logs', format('btree (organization_id, %s)', created)),
      ('call_logs', format('btree (agent_id, %s)', created)),
      -- With the time, by which a number's calls of a month are counted without a look at their rows.
      ('call_logs', format('btree (phone_number_id, %s) INCLUDE (created_at)', created)),
      ('call_logs', 'hash (session_id)'),  -- text of any length: a btree would refuse a long one, and so the call
      ('credit_transactions', 'btree (organization_id, id DESC)'),
      ('credit_transactions', 'btree (organization_id, created_at DESC, id DESC)'),
      ('credit_transactions', 'btree (actor_id, created_at)'),
      ('credit_transactions', 'btree (created_at, id)'),
      ('credit_transactions', 'btree (reverses_id)')
    ) as t (table_name, definition)
  loop
    perform pg_temp.ensure_index(def.table_name, def.definition);
  end loop;
end $$;

-- Of an earlier version go, where that which does more is there and valid.
do $$
declare
  old record;
begin
  for old in
    select i.indrelid, i.indexrelid::regclass as name, split_part(pg_get_indexdef(i.indexrelid), ' USING ', 2) as definition
    from pg_catalog.pg_index i
    where i.indexrelid in (to_regclass('public.usage_logs_organization_id_created_at_id_9b0cc2'),
                           to_regclass('public.call_logs_phone_number_id_created_at_id_dbcc03'))
  loop
    if exists (
      select from pg_catalog.pg_index i where i.indrelid = old.indrelid and i.indisvalid
        and starts_with(split_part(pg_get_indexdef(i.indexrelid), ' USING ', 2), old.definition || ' INCLUDE (')
    ) then
      execute format('drop index %s', old.name);
    end if;
  end loop;
end $$;

-- 4. Triggers --------------------------------------------------------------------------------------------------------

create or replace function public.set_updated_at() returns trigger language plpgsql set search_path = '' as $$
begin
  new.updated_at := now();
  return new;
end $$;

create or replace trigger set_updated_at before update on public.organizations
  for each row execute function public.set_updated_at();
create or replace trigger set_updated_at before update on public.user_profiles
  for each row execute function public.set_updated_at();
create or replace trigger set_updated_at before update on public.agents
  for each row execute function public.set_updated_at();

-- A new login gets a profile and an organization. Runs as this function's owner, for the role that inserts logins has no
-- rights here. It never fails: a login without mail, or with one that another profile has, gets a placeholder that
-- cannot receive mail, and whatever else goes wrong is a warning in the log, not a refused sign-up.
create or replace function public.handle_new_user() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  placeholder constant text := new.id || '@no-mail.invalid';
  mail constant text := coalesce(nullif(left(btrim(new.email), 255), ''), placeholder);
begin
  begin
    insert into public.user_profiles (id, email, full_name)
    values (new.id, mail, left(nullif(btrim(new.raw_user_meta_data ->> 'full_name'), ''), 255))
    on conflict do nothing;
    if not found then
      insert into public.user_profiles (id, email, full_name)
      values (new.id, placeholder, left(nullif(btrim(new.raw_user_meta_data ->> 'full_name'), ''), 255))
      on conflict do nothing;
    end if;
  exception when others then
    raise warning 'No profile was made for login %: %', new.id, sqlerrm;
  end;
  begin
    -- An older deployment may still have its own trigger that calls this function too; one organization is enough.
    if not exists (select from public.organizations where owner_id = new.id) then
      insert into public.organizations (name, owner_id)
      values (coalesce(left(nullif(btrim(new.raw_user_meta_data ->> 'company_name'), ''), 255), 'My Organization'),
              new.id);
    end if;
  exception when others then
    raise warning 'No organization was made for login %: %', new.id, sqlerrm;
  end;
  return new;
end $$;

create or replace trigger on_auth_user_created after insert on auth.users
  for each row execute function public.handle_new_user();

-- A tenant may not delete an agent that has usage: the delete would destroy what the tenant is billed for.
create or replace function public.keep_billed_agent() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if exists (select from public.usage_logs where agent_id = old.id) then
    raise exception 'This agent has usage on record and cannot be deleted.' using errcode = 'foreign_key_violation';
  end if;
  return old;
end $$;

create or replace trigger keep_billed_agent before delete on public.agents
  for each row when (current_setting('role', true) = 'authenticated')
  execute function public.keep_billed_agent();

-- 5. Credit ledger ---------------------------------------------------------------------------------------------------
-- Sum of the ledger = balance (NULL counts as 0, and so does a NaN left from before), whoever changes organizations.credits_balance: this trigger is the
-- only writer. public.post_credit() says who and why through the setting `credits.posting`; the trigger believes it only
-- from a role that may execute post_credit, and books every other change as 'outside' with the role that made it.

create or replace function public.record_credit_change() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  role_name constant text := coalesce(nullif(current_setting('role', true), 'none'), session_user);
  posting jsonb := nullif(current_setting('credits.posting', true), '')::jsonb;
  before numeric := 0;
  after numeric := 0;
begin
  if tg_op <> 'INSERT' then before := coalesce(nullif(old.credits_balance, 'NaN'), 0); end if;
  if tg_op <> 'DELETE' then
    after := coalesce(nullif(new.credits_balance, 'NaN'), 0);
    if new.credits_balance = 'NaN' and (tg_op = 'INSERT' or old.credits_balance is distinct from 'NaN') then
      raise exception 'A credit balance must be a number.' using errcode = 'check_violation';
    end if;
  end if;
  if tg_op = 'UPDATE' and old.id <> new.id then
    raise exception 'The id of an organization does not change: its ledger hangs on it.' using errcode = 'check_violation';
  end if;
  if after = before then
    return null;
  end if;
  if not has_function_privilege(role_name,
      'public.post_credit(uuid, numeric, text, text, text, text, text, bigint)', 'EXECUTE') then
    posting := null;
  end if;
  insert into public.credit_transactions
    (organization_id, organization_name, amount, balance_after, kind, reason, reference, note, actor, actor_id,
     idempotency_key, reverses_id, db_role)
  values (
    case when tg_op = 'DELETE' then old.id else new.id end,
    coalesce(case when tg_op = 'DELETE' then old.name else new.name end, ''),
    after - before,
    after,
    case tg_op when 'INSERT' then 'opening' when 'DELETE' then 'closing' else coalesce(posting ->> 'kind', 'outside') end,
    case tg_op when 'INSERT' then 'Organization created with a balance'
               when 'DELETE' then 'Organization deleted'
               else coalesce(posting ->> 'reason', 'Changed outside the back office') end,
    posting ->> 'reference',
    posting ->> 'note',
    coalesce(posting ->> 'actor', role_name),
    (posting ->> 'actor_id')::bigint,
    posting ->> 'idempotency_key',
    (posting ->> 'reverses_id')::bigint,
    role_name);
  return null;
end $$;

-- Raises P0001 with a sentence for whoever typed it unless that can be posted to a balance: number, range, reason, kind, and
-- for a reversal what is left of the posting that it takes back.
create or replace function public.check_posting(
  p_organization uuid, p_balance numeric, p_amount numeric, p_kind text, p_reason text, p_reverses bigint
) returns void language plpgsql stable set search_path = '' as $$
declare
  v_reversed public.credit_transactions;
  v_left numeric;
begin
  if p_amount is null or p_amount in ('NaN', 'Infinity', '-Infinity') or p_amount = 0 then
    raise exception 'The amount must be a number other than zero.';
  elsif p_amount <> round(p_amount, 2) then
    raise exception 'The amount has more than two decimal places.';
  elsif abs(p_amount) >= 100000000 or abs(p_balance + p_amount) >= 100000000 then
    raise exception 'Amount and balance must stay under 100,000,000.';
  elsif nullif(btrim(p_reason), '') is null then
    raise exception 'A posting needs a reason.';
  elsif p_kind is null or p_kind not in
      ('top_up', 'refund', 'goodwill', 'promotion', 'correction', 'settlement', 'reversal') then
    raise exception 'Unknown kind of posting: %.', coalesce(p_kind, 'none');
  elsif (p_kind = 'reversal') <> (p_reverses is not null) then
    raise exception 'A reversal names the posting that it reverses, and nothing else does.';
  end if;
  if p_reverses is not null then
    select * into v_reversed from public.credit_transactions where id = p_reverses and organization_id = p_organization;
    if not found then
      raise exception 'The posting to reverse is not one of this organization.';
    elsif v_reversed.kind in ('reversal', 'opening', 'closing') then
      raise exception 'A posting of this kind is not reversed.';
    end if;
    select v_reversed.amount + coalesce(sum(amount), 0) into v_left
    from public.credit_transactions where reverses_id = p_reverses;
    if sign(p_amount) = sign(v_reversed.amount) or abs(p_amount) > abs(v_left) then
      raise exception 'Only % of this posting is left to reverse.', abs(v_left);
    end if;
  end if;
end $$;

-- Adds an amount to a balance, never sets one, and returns the ledger row. The same idempotency key gives the same row
-- again, once. Who posts: settings backoffice.actor and backoffice.actor_id of the transaction. Wrong input raises P0001
-- with a sentence for the person who typed it.
create or replace function public.post_credit(
  p_organization uuid, p_amount numeric, p_kind text, p_reason text, p_reference text default null,
  p_note text default null, p_idempotency_key text default null, p_reverses bigint default null
) returns public.credit_transactions
language plpgsql security definer set search_path = '' as $$
declare
  v_actor constant text := nullif(btrim(current_setting('backoffice.actor', true)), '');
  v_balance numeric;
  v_row public.credit_transactions;
begin
  if v_actor is null then
    raise exception 'A credit posting needs an actor.' using errcode = 'insufficient_privilege';
  end if;
  -- No key update: the platform goes on writing usage and calls, whose foreign keys lock the key meanwhile.
  select coalesce(nullif(credits_balance, 'NaN'), 0) into v_balance
  from public.organizations where id = p_organization for no key update;
  if not found then
    raise exception 'There is no such organization.';
  end if;
  -- After the lock, so that a second posting of the same form waits for the first and then finds its row.
  if p_idempotency_key is not null then
    select * into v_row from public.credit_transactions where idempotency_key = p_idempotency_key;
    if found then
      if (v_row.organization_id, v_row.amount, v_row.kind, v_row.reason, v_row.reference, v_row.note, v_row.reverses_id)
         is distinct from (p_organization, p_amount, p_kind, btrim(p_reason), nullif(btrim(p_reference), ''),
                           nullif(btrim(p_note), ''), p_reverses) then
        raise exception 'This form was already used for another posting.';
      end if;
      return v_row;
    end if;
  end if;
  perform public.check_posting(p_organization, v_balance, p_amount, p_kind, p_reason, p_reverses);
  perform set_config('credits.posting', jsonb_build_object(
    'kind', p_kind, 'reason', btrim(p_reason), 'reference', nullif(btrim(p_reference), ''),
    'note', nullif(btrim(p_note), ''), 'actor', v_actor,
    'actor_id', nullif(current_setting('backoffice.actor_id', true), ''),
    'idempotency_key', p_idempotency_key, 'reverses_id', p_reverses)::text, true);
  update public.organizations set credits_balance = v_balance + p_amount where id = p_organization;
  perform set_config('credits.posting', '', true);
  select * into strict v_row from public.credit_transactions
  where organization_id = p_organization order by id desc limit 1;
  return v_row;
end $$;

create or replace function public.refuse_ledger_change() returns trigger language plpgsql set search_path = '' as $$
begin
  raise exception 'The credit ledger is append-only: % is refused.', tg_op using errcode = 'insufficient_privilege';
end $$;

create or replace function public.record_credit_truncate() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into public.credit_transactions
    (organization_id, organization_name, amount, balance_after, kind, reason, actor, db_role)
  select o.id, coalesce(o.name, ''), -o.credits_balance, 0, 'closing', 'All organizations truncated', r.role, r.role
  from public.organizations o,
       (select coalesce(nullif(current_setting('role', true), 'none'), session_user) as role) r
  where o.credits_balance not in (0, 'NaN');
  return null;
end $$;

create or replace trigger record_credit_change after insert or update or delete on public.organizations
  for each row execute function public.record_credit_change();
create or replace trigger record_credit_truncate before truncate on public.organizations
  for each statement execute function public.record_credit_truncate();
create or replace trigger refuse_ledger_change before update or delete on public.credit_transactions
  for each row execute function public.refuse_ledger_change();
create or replace trigger refuse_ledger_truncate before truncate on public.credit_transactions
  for each statement execute function public.refuse_ledger_change();

-- Balances that the ledger does not explain yet: those found at the first run, and any that changed while the trigger
-- was not there.
lock table public.organizations in share row exclusive mode;
insert into public.credit_transactions
  (organization_id, organization_name, amount, balance_after, kind, reason, actor, db_role)
select o.id, coalesce(o.name, ''), b.balance - coalesce(l.total, 0), b.balance,
       case when l.total is null then 'opening' else 'outside' end,
       case when l.total is null then 'Balance when the ledger was installed' else 'Changed while the ledger was off' end,
       current_user, current_user
from public.organizations o
cross join lateral (select coalesce(nullif(o.credits_balance, 'NaN'), 0) as balance) b
left join (select organization_id, sum(amount) as total from public.credit_transactions group by 1) l
  on l.organization_id = o.id
where b.balance <> coalesce(l.total, 0)
order by o.id;

-- 6. Row level security and grants -----------------------------------------------------------------------------------

-- Permissive policies are OR-ed, so an old one left behind would undo ours: all go but those of backoffice.sql. Those that
-- are not made again below are named at the end.
create temporary table dropped_policy (name name, relation name) on commit drop;
do $$
declare
  old record;
begin
  for old in
    select p.polname, c.relname
    from pg_catalog.pg_policy p join pg_catalog.pg_class c on c.oid = p.polrelid
    where c.relnamespace = 'public'::regnamespace and c.relname in (
      'organizations', 'user_profiles', 'agents', 'sip_trunks', 'phone_numbers', 'agent_sessions', 'agent_messages',
      'chat_sessions', 'chat_messages', 'usage_logs', 'call_logs', 'credit_transactions')
      and not (p.polname in ('backoffice: read', 'backoffice: change', 'backoffice: add')
               and p.polroles = (select array_agg(oid) from pg_catalog.pg_roles where rolname = 'backoffice'))
  loop
    insert into pg_temp.dropped_policy values (old.polname, old.relname);
    execute format('drop policy %I on public.%I', old.polname, old.relname);
  end loop;
end $$;

alter table public.organizations enable row level security;
alter table public.user_profiles enable row level security;
alter table public.agents enable row level security;
alter table public.sip_trunks enable row level security;
alter table public.phone_numbers enable row level security;
alter table public.agent_sessions enable row level security;
alter table public.agent_messages enable row level security;
alter table public.chat_sessions enable row level security;
alter table public.chat_messages enable row level security;
alter table public.usage_logs enable row level security;
alter table public.call_logs enable row level security;
alter table public.credit_transactions enable row level security;

-- The token of the conversation that a widget speaks for, from the request header x-conversation-token; NULL without
-- one, and for tokens that can be guessed.
create or replace function public.conversation_token() returns text
language plpgsql stable set search_path = '' as $$
declare
  token text;
begin
  token := nullif(current_setting('request.headers', true), '')::json ->> 'x-conversation-token';
  return case when length(token) >= 16 and token <> 'default' then token end;
exception when invalid_text_representation then
  return null;
end $$;

-- The same as the id of a legacy chat session; NULL if it is not a uuid.
create or replace function public.conversation_token_uuid() returns uuid
language sql stable set search_path = '' as $$
  select case when t ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then t::uuid end
  from public.conversation_token() t
$$;

-- Tenants: what belongs to the organizations that this login owns.
create policy "tenant: own organizations" on public.organizations for select to authenticated
  using (owner_id = (select auth.uid()));
create policy "tenant: add own organization" on public.organizations for insert to authenticated
  with check (owner_id = (select auth.uid()));
create policy "tenant: rename own organization" on public.organizations for update to authenticated
  using (owner_id = (select auth.uid())) with check (owner_id = (select auth.uid()));

create policy "tenant: own profile" on public.user_profiles for select to authenticated
  using (id = (select auth.uid()));
create policy "tenant: change own profile" on public.user_profiles for update to authenticated
  using (id = (select auth.uid())) with check (id = (select auth.uid()));

create policy "tenant: own agents" on public.agents for select to authenticated
  using (organization_id in (select id from public.organizations where owner_id = (select auth.uid())));
create policy "tenant: add own agent" on public.agents for insert to authenticated
  with check (organization_id in (select id from public.organizations where owner_id = (select auth.uid())));
create policy "tenant: change own agent" on public.agents for update to authenticated
  using (organization_id in (select id from public.organizations where owner_id = (select auth.uid())))
  with check (organization_id in (select id from public.organizations where owner_id = (select auth.uid())));
create policy "tenant: delete own agent" on public.agents for delete to authenticated
  using (organization_id in (select id from public.organizations where owner_id = (select auth.uid())));

create policy "tenant: own trunks" on public.sip_trunks for select to authenticated
  using (organization_id in (select id from public.organizations where owner_id = (select auth.uid())));
create policy "tenant: add own trunk" on public.sip_trunks for insert to authenticated
  with check (organization_id in (select id from public.organizations where owner_id = (select auth.uid())));
create policy "tenant: change own trunk" on public.sip_trunks for update to authenticated
  using (organization_id in (select id from public.organizations where owner_id = (select auth.uid())))
  with check (organization_id in (select id from public.organizations where owner_id = (select auth.uid())));
create policy "tenant: delete own trunk" on public.sip_trunks for delete to authenticated
  using (organization_id in (select id from public.organizations where owner_id = (select auth.uid())));

create policy "tenant: own numbers" on public.phone_numbers for select to authenticated
  using (organization_id in (select id from public.organizations where owner_id = (select auth.uid())));
create policy "tenant: assign own number to own agent" on public.phone_numbers for update to authenticated
  using (organization_id in (select id from public.organizations where owner_id = (select auth.uid())))
  with check (agent_id is null or exists (
    select from public.agents a where a.id = phone_numbers.agent_id
      and a.organization_id = phone_numbers.organization_id));

create policy "tenant: own usage" on public.usage_logs for select to authenticated
  using (organization_id in (select id from public.organizations where owner_id = (select auth.uid())));
create policy "tenant: own calls" on public.call_logs for select to authenticated
  using (organization_id in (select id from public.organizations where owner_id = (select auth.uid())));

create policy "tenant: conversations of own agents" on public.agent_sessions for select to authenticated
  using (session_id <> 'default'  -- in which the platform's phone worker mixes callers of all tenants
         and agent_id in (select id from public.agents where organization_id in (
           select id from public.organizations where owner_id = (select auth.uid()))));
create policy "tenant: messages of own agents" on public.agent_messages for select to authenticated
  using (session_id in (select s.id from public.agent_sessions s join public.agents a on a.id = s.agent_id
    join public.organizations o on o.id = a.organization_id
    where o.owner_id = (select auth.uid()) and s.session_id <> 'default'));
create policy "tenant: legacy chats of own agents" on public.chat_sessions for select to authenticated
  using (project_id in (select id from public.agents where organization_id in (
    select id from public.organizations where owner_id = (select auth.uid()))));
create policy "tenant: legacy messages of own agents" on public.chat_messages for select to authenticated
  using (session_id in (select s.id from public.chat_sessions s join public.agents a on a.id = s.project_id
    join public.organizations o on o.id = a.organization_id where o.owner_id = (select auth.uid())));

-- Widgets: the one conversation whose token the caller presents.
create policy "widget: see own conversation" on public.agent_sessions for select to anon, authenticated
  using (session_id = (select public.conversation_token()));
create policy "widget: start own conversation" on public.agent_sessions for insert to anon, authenticated
  with check (session_id = (select public.conversation_token())
              and (user_id is null or user_id = (select auth.uid())));
create policy "widget: continue own conversation" on public.agent_sessions for update to anon, authenticated
  using (session_id = (select public.conversation_token()))
  with check (session_id = (select public.conversation_token()));
create policy "widget: see own messages" on public.agent_messages for select to anon, authenticated
  using (session_id in (select s.id from public.agent_sessions s
                        where s.session_id = (select public.conversation_token())));
create policy "widget: add own messages" on public.agent_messages for insert to anon, authenticated
  with check (session_id in (select s.id from public.agent_sessions s
                             where s.session_id = (select public.conversation_token())));

create policy "widget: see own legacy chat" on public.chat_sessions for select to anon, authenticated
  using (id = (select public.conversation_token_uuid()));
create policy "widget: start own legacy chat" on public.chat_sessions for insert to anon, authenticated
  with check (id = (select public.conversation_token_uuid())
              and (user_id is null or user_id = (select auth.uid())));
create policy "widget: see own legacy messages" on public.chat_messages for select to anon, authenticated
  using (session_id = (select public.conversation_token_uuid()));
create policy "widget: add own legacy messages" on public.chat_messages for insert to anon, authenticated
  with check (session_id = (select public.conversation_token_uuid()));

do $$
declare
  found record;
begin
  for found in
    select d.name, d.relation from pg_temp.dropped_policy d where not exists (
      select from pg_catalog.pg_policy p
      where p.polname = d.name and p.polrelid = format('public.%I', d.relation)::regclass)
    order by d.relation, d.name
  loop
    raise notice 'Dropped policy "%" on public.%', found.name, found.relation;
  end loop;
  -- What goes round row level security is somebody else's, so it is named, not dropped.
  for found in
    select p.oid::regprocedure as routine from pg_catalog.pg_proc p
    where p.pronamespace = 'public'::regnamespace and p.prosecdef
      and p.proname not in ('handle_new_user', 'keep_billed_agent', 'record_credit_change', 'post_credit',
                            'record_credit_truncate')
      and has_function_privilege('anon', p.oid, 'EXECUTE')
  loop
    raise notice 'Function % runs with its owner''s rights and may be called by anybody: check what it shows', found.routine;
  end loop;
  for found in
    select c.oid::regclass as name from pg_catalog.pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('v', 'm')
      and not coalesce(c.reloptions, '{}') && array['security_invoker=true', 'security_invoker=on', 'security_invoker=1']
      and (has_table_privilege('anon', c.oid, 'SELECT') or has_table_privilege('authenticated', c.oid, 'SELECT'))
  loop
    raise notice 'View % reads with its owner''s rights, past row level security: check what it shows', found.name;
  end loop;
end $$;

-- Grants: everything is taken away, then what is meant is given, so that the result is the same whatever the defaults
-- of the project gave.
grant usage on schema public to anon, authenticated, service_role;
do $$
declare
  relation text;
begin
  foreach relation in array array[
    'organizations', 'user_profiles', 'agents', 'sip_trunks', 'phone_numbers', 'agent_sessions', 'agent_messages',
    'chat_sessions', 'chat_messages', 'usage_logs', 'call_logs', 'credit_transactions']
  loop
    execute format('revoke all on public.%I from public, anon, authenticated, service_role', relation);
    if relation <> 'credit_transactions' then
      execute format('grant select, insert, update, delete on public.%I to service_role', relation);
    end if;
  end loop;
end $$;
revoke all on sequence public.credit_transactions_id_seq from public, anon, authenticated, service_role;
grant select on public.credit_transactions to service_role;

grant select on public.organizations, public.user_profiles, public.agents, public.phone_numbers,
  public.agent_sessions, public.agent_messages, public.chat_sessions, public.chat_messages,
  public.usage_logs, public.call_logs to authenticated;
grant insert (id, name, owner_id), update (name) on public.organizations to authenticated;
grant update (full_name, company_name, phone_number, avatar_url) on public.user_profiles to authenticated;
grant insert, delete on public.agents to authenticated;
grant select (id, organization_id, provider, username, sip_domain, created_at),
  insert (id, organization_id, provider, username, password, sip_domain),
  update (provider, username, password, sip_domain), delete on public.sip_trunks to authenticated;
grant update (agent_id) on public.phone_numbers to authenticated;
do $$
declare
  columns text;
begin
  -- Columns that a deployment added by hand belong to the browser app, so it may go on writing them.
  select string_agg(quote_ident(attname), ', ' order by attnum) into columns
  from pg_catalog.pg_attribute
  where attrelid = 'public.agents'::regclass and attnum > 0 and not attisdropped
    and attname not in ('id', 'organization_id', 'created_at', 'updated_at');
  execute format('grant update (%s) on public.agents to authenticated', columns);
  if exists (select from pg_catalog.pg_attribute where attrelid = 'public.organizations'::regclass
             and attname = 'description' and not attisdropped) then
    grant insert (description), update (description) on public.organizations to authenticated;
  end if;
end $$;

grant select, insert on public.agent_sessions, public.agent_messages, public.chat_sessions, public.chat_messages
  to anon;
grant insert on public.agent_sessions, public.agent_messages, public.chat_sessions, public.chat_messages
  to authenticated;
grant update (conversation_history, context_data, message_count, status, last_activity_at, ended_at)
  on public.agent_sessions to anon, authenticated;

do $$
declare
  routine text;
begin
  foreach routine in array array[
    'set_updated_at()', 'handle_new_user()', 'keep_billed_agent()', 'record_credit_change()', 'record_credit_truncate()',
    'refuse_ledger_change()', 'post_credit(uuid, numeric, text, text, text, text, text, bigint)',
    'check_posting(uuid, numeric, numeric, text, text, bigint)', 'conversation_token()', 'conversation_token_uuid()']
  loop
    execute format('revoke all on function public.%s from public, anon, authenticated, service_role', routine);
  end loop;
end $$;
grant execute on function public.conversation_token(), public.conversation_token_uuid() to anon, authenticated;

commit;
