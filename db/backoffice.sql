-- What the back office needs beside the platform's tables. Run it after master_schema.sql, as the same role; one
-- transaction, re-runnable. Afterwards give the role a password:  alter role backoffice password '…';
--
--   1. role and schemas      3. who may do what      5. definer functions
--   2. audit                 4. audit triggers       6. search                7. closing and erasure of a person
--   8. retention
--
-- The back office logs in as `backoffice`. It owns schema `backoffice` (Django's own tables) and nothing else: a mistake
-- in Python, or an SQL injection, cannot read or forge what is not granted here.

begin;

set local search_path = '';
set local client_min_messages = warning;
set local statement_timeout = 0;
set local lock_timeout = '30s';

-- 1. Role and schemas ------------------------------------------------------------------------------------------------

do $$
declare
  found record;
begin
  if to_regclass('public.credit_transactions') is null then
    raise exception 'Run master_schema.sql first.';
  end if;
  if not exists (select from pg_catalog.pg_roles where rolname = 'backoffice') then
    create role backoffice login;
  end if;
  select * into found from pg_catalog.pg_roles where rolname = 'backoffice';
  if found.rolsuper or found.rolbypassrls or found.rolcreaterole then
    raise exception 'Role backoffice exists and is privileged (superuser, BYPASSRLS or CREATEROLE): take that away first.';
  end if;
  if exists (select from pg_catalog.pg_auth_members where member = found.oid) then
    raise exception 'Role backoffice is a member of other roles: take that away first (revoke … from backoffice).';
  end if;
  if not pg_has_role(current_user, 'backoffice', 'MEMBER') then
    execute format('grant backoffice to %I', current_user);
  end if;
end $$;
grant backoffice to current_user;  -- from PostgreSQL 16 the right to SET ROLE is given apart from membership

alter role backoffice set search_path = backoffice, public;
alter role backoffice set timezone = 'UTC';
alter role backoffice set statement_timeout = '30s';
alter role backoffice set idle_in_transaction_session_timeout = '60s';

create schema if not exists backoffice authorization backoffice;
revoke all on schema backoffice from public;

-- Schema `audit` belongs to the role that runs this file, not to backoffice: a schema's owner can drop all that is in it.
create schema if not exists audit;
revoke all on schema audit from public;
grant usage on schema public, audit to backoffice;

do $$
begin
  if has_schema_privilege('backoffice', 'public', 'CREATE') then
    raise exception 'Role backoffice could create objects in schema public: revoke create on schema public from public.';
  end if;
end $$;

-- 2. Audit -----------------------------------------------------------------------------------------------------------

create table if not exists audit.event (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  table_name text not null,
  row_id text not null,
  row_label text not null,
  organization_id uuid,
  action text not null check (action in ('insert', 'update', 'delete')),
  old jsonb,  -- the columns that changed, before and after; secrets as "[secret]"
  new jsonb,
  actor_id bigint,
  actor text not null,
  reason text,
  request_id text,
  db_role text not null,
  jwt_sub text,
  source text not null check (source in ('app', 'outside'))
);
create index if not exists event_record on audit.event (row_id, table_name, id desc);
create index if not exists event_organization on audit.event (organization_id, id desc);
create index if not exists event_request on audit.event (request_id, id) where request_id is not null;
-- Words of the record's name and of the reason; core's own parser, as it is five times as quick as part 6 where the
-- expression has to be computed row by row.
create index if not exists event_words on audit.event using gin (to_tsvector('pg_catalog.simple',
  translate(left(coalesce(row_label, '') || ' ' || coalesce(reason, ''), 2000), '@.+-_/:()', '         ')));
-- The list of changes is read by (at, id), whatever it is narrowed to.
create index if not exists event_newest on audit.event (at desc, id desc);
create index if not exists event_organization_at on audit.event (organization_id, at desc, id desc);
create index if not exists event_actor_at on audit.event (actor_id, at desc, id desc);
create index if not exists event_actor_name on audit.event (actor, at desc, id desc);
create index if not exists event_table on audit.event (table_name, at desc, id desc);
create index if not exists event_outside on audit.event (at desc, id desc) where source = 'outside';
create index if not exists event_deleted on audit.event (at desc, id desc) where action = 'delete';
-- What these replace.
drop index if exists audit.event_row, audit.event_actor, audit.event_at;

create table if not exists audit.read_log (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  actor_id bigint,
  actor text not null,
  kind text not null check (kind in ('transcript', 'reveal', 'recording', 'export', 'search', 'preview')),
  table_name text not null,
  row_id text,
  row_label text,
  organization_id uuid,
  detail text,
  reason text,
  request_id text,
  db_role text not null
);
create index if not exists read_log_record on audit.read_log (row_id, table_name, id desc);
create index if not exists read_log_newest on audit.read_log (at desc, id desc);
create index if not exists read_log_organization_at on audit.read_log (organization_id, at desc, id desc);
create index if not exists read_log_actor_at on audit.read_log (actor_id, at desc, id desc);
create index if not exists read_log_actor_name on audit.read_log (actor, at desc, id desc);
create index if not exists read_log_kind on audit.read_log (kind, at desc, id desc);
create index if not exists read_log_table on audit.read_log (table_name, at desc, id desc);
create index if not exists read_log_request on audit.read_log (request_id, id) where request_id is not null;
create index if not exists read_log_words on audit.read_log using gin (to_tsvector('pg_catalog.simple',
  translate(left(coalesce(row_label, '') || ' ' || coalesce(reason, ''), 2000), '@.+-_/:()', '         ')));
drop index if exists audit.read_log_row, audit.read_log_organization, audit.read_log_actor, audit.read_log_at;
do $$
begin
  -- A table made before tenants' views were logged.
  if not exists (select from pg_catalog.pg_constraint where conrelid = 'audit.read_log'::regclass
                 and conname = 'read_log_kind_check' and pg_get_constraintdef(oid) like '%''preview''%') then
    alter table audit.read_log drop constraint if exists read_log_kind_check,
      add constraint read_log_kind_check
        check (kind in ('transcript', 'reveal', 'recording', 'export', 'search', 'preview'));
  end if;
end $$;

-- The closing or erasure that the current transaction is in the middle of; written by functions of part 7 alone, and gone
-- again before they commit.
create table if not exists audit.procedure (
  xid xid8 primary key default pg_current_xact_id(),
  kind text not null check (kind in ('closing', 'erasure')),
  salt text,
  digest bytea
);

alter table audit.procedure enable row level security;
alter table audit.event enable row level security;
alter table audit.read_log enable row level security;

-- The fields that an entry is about.
create or replace function audit.field_names(old jsonb, new jsonb) returns text[]
language sql immutable parallel safe set search_path = '' as $$
  select array(select jsonb_object_keys(case when jsonb_typeof(old) = 'object' then old else '{}' end
                                        || case when jsonb_typeof(new) = 'object' then new else '{}' end))
$$;
-- The fields that were changed; written so, the expression costs next to nothing where another index is read.
create index if not exists event_fields on audit.event
  using gin (jsonb_path_query_array(new, '$.keyvalue().key', '{}', true)) where action = 'update';

-- A text as JSON; NULL for one that is none.
create or replace function audit.parse_json(value text) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin
  return value::jsonb;
exception when data_exception or program_limit_exceeded then  -- the whole classes: malformed, or nested too deep to read
  return null;
end $$;

-- The value with everything secret in it replaced, known by the key under which it stands, also inside texts that are
-- JSON themselves. With the value of before, a secret that changed says so. `hide` marks a value all of whose leaves are
-- secret, such as HTTP headers.
create or replace function audit.redact(
  value jsonb, before jsonb default null, hide boolean default false, levels integer default 50)
returns jsonb language plpgsql immutable set search_path = '' as $$
declare
  parsed jsonb;
  redacted jsonb;
  -- Names of single secrets, and of objects all of whose values are. `max_tokens` is a number of tokens, not one.
  secret_key constant text := '(password|passwd|passphrase|pwd|secret|authorization|bearer|credential|signature|headers$'
    '|(api|private|access)[_-]?key|(^|[_-]|sip|user)pass$|(^|[_-])auth$|token$|(access|refresh|auth|api|secret|id)[_-]?tokens$)';
begin
  if levels = 0 then
    return '"[nested too deep]"';
  end if;
  case jsonb_typeof(value)
    when 'object' then
      return coalesce((
        select jsonb_object_agg(key, audit.redact(item, before -> key, hide or key ~* secret_key or (
          -- A configuration of another shape than an object has no keys to know secrets by.
          key = 'config' and jsonb_typeof(item) <> 'null'
          and jsonb_typeof(coalesce(audit.parse_json(item #>> '{}'), 'null')) <> 'object'), levels - 1))
        from jsonb_each(value) as e (key, item)), '{}');
    when 'array' then
      return coalesce((
        select jsonb_agg(audit.redact(item, before -> (n - 1)::int, hide, levels - 1) order by n)
        from jsonb_array_elements(value) with ordinality as e (item, n)), '[]');
    when 'null' then
      return value;
    else
      if not hide and jsonb_typeof(value) = 'string' and value #>> '{}' ~ '^\s*[[{]' then
        parsed := audit.parse_json(value #>> '{}');
        if parsed is not null then
          redacted := audit.redact(parsed, audit.parse_json(before #>> '{}'), false, levels - 1);
          -- What hides nothing stays as it is spelled, so that it can be put back exactly.
          return case when redacted = parsed then value else to_jsonb(redacted::text) end;
        elsif value #>> '{}' ~* '"[^"]*(pass|pwd|secret|token|auth|key|credential)[^"]*"\s*:' then
          return '"[secret]"';  -- JSON cut off at the length of its column
        end if;
      end if;
      if not hide and jsonb_typeof(value) = 'string' and value #>> '{}' ~* '^https?://' then
        return to_jsonb(regexp_replace(regexp_replace(value #>> '{}', '//[^/@]*@', '//[secret]@'),
          '([?&][^=&#]*(token|secret|key|pass|pwd|signature|auth)[^=&#]*=)[^&#]*', '\1[secret]', 'gi'));
      end if;
      if not hide or value in ('""', 'true', 'false') then
        return value;
      end if;
      return to_jsonb(case when before is distinct from value and before is not null
                           then '[secret, changed]' else '[secret]' end);
  end case;
end $$;

-- Who is at the other end, for changes that do not come from the back office: the role that was set or logged in. Inside
-- a definer function current_user would only be the owner.
create or replace function audit.caller_role() returns text language sql stable set search_path = '' as $$
  select coalesce(nullif(current_setting('role', true), 'none'), session_user)
$$;

create or replace function audit.jwt_sub() returns text language plpgsql stable set search_path = '' as $$
begin
  return nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub';
exception when invalid_text_representation then
  return null;
end $$;

-- A row without what was said: the audit says that it changed or went, the transcript alone shows it.
create or replace function audit.without_content(row_values jsonb) returns jsonb
language sql immutable set search_path = '' as $$
  select coalesce(jsonb_object_agg(key, case
      when key in ('conversation_history', 'context_data', 'content', 'text') and item <> 'null'
      then to_jsonb(format('[content, %s characters]', length(item #>> '{}'))) else item end), '{}')
  from jsonb_each(row_values) as e (key, item)
$$;

-- Row trigger: one audit.event per changed row, of the columns that changed. Arguments: columns whose change alone is not
-- worth an entry; the word actor_optional for tables that Django writes without a person (last log-in).
create or replace function audit.record() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  role_name constant text := audit.caller_role();
  in_app constant boolean := role_name = 'backoffice';
  app_actor constant text := nullif(btrim(current_setting('backoffice.actor', true)), '');
  ignored constant text[] := coalesce(tg_argv, '{}') || array['updated_at'];
  before jsonb;
  after jsonb;
  whole jsonb;
  changed text[];
  running text;
  erasure jsonb;
begin
  if tg_op <> 'INSERT' then before := to_jsonb(old); end if;
  if tg_op <> 'DELETE' then after := to_jsonb(new); end if;
  whole := coalesce(after, before);
  if tg_op = 'UPDATE' then
    select array_agg(key) into changed from jsonb_object_keys(after) key
    where after -> key is distinct from before -> key and key <> all (ignored);
    if changed is null then
      return null;
    end if;
  end if;
  if in_app and app_actor is null and not 'actor_optional' = any (ignored) then
    raise exception 'Role backoffice writes only with an actor (table %).', tg_table_name
      using errcode = 'insufficient_privilege',
            hint = 'Write through backoffice.services, which opens the transaction and says who and why.';
  end if;
  select kind into running from audit.procedure where xid = pg_current_xact_id_if_assigned();
  if running is not null and tg_table_schema = 'public' and (running = 'erasure' or tg_op = 'DELETE') and tg_table_name in (
      'agent_sessions', 'agent_messages', 'chat_sessions', 'chat_messages', 'usage_logs', 'call_logs') then
    return null;  -- the procedure leaves one entry for all of them
  end if;
  if tg_table_schema = 'backoffice' and tg_table_name in ('mfa_authenticator', 'socialaccount_socialaccount') then
    -- What somebody signs in with: that it came and went, under its name, and nothing of what it holds.
    after := (after - '{data,extra_data,uid}'::text[]) || jsonb_build_object('name',
      coalesce(after #>> '{data,name}', after ->> 'type', after ->> 'provider'));
    before := (before - '{data,extra_data,uid}'::text[]) || jsonb_build_object('name',
      coalesce(before #>> '{data,name}', before ->> 'type', before ->> 'provider'));
  end if;
  after := audit.redact(after, before);
  before := audit.redact(before);
  if running = 'erasure' then
    erasure := audit.erasure();
    after := audit.erase_json(after, erasure ->> 'pattern');
    before := audit.erase_json(before, erasure ->> 'pattern');
    if tg_table_schema = 'public' and tg_table_name = 'user_profiles' and erasure -> 'persons' ? (after ->> 'id') then
      after := audit.erase_profile_values(after);
      before := audit.erase_profile_values(before);
    end if;
  end if;
  if tg_table_name in ('agent_sessions', 'agent_messages', 'chat_messages') then
    after := case when after is not null then audit.without_content(after) end;
    before := case when before is not null then audit.without_content(before) end;
  end if;
  whole := coalesce(after, before);
  if tg_op = 'UPDATE' then
    select jsonb_object_agg(key, before -> key), jsonb_object_agg(key, after -> key) into before, after
    from unnest(changed) key;
  end if;
  insert into audit.event (table_name, row_id, row_label, organization_id, action, old, new,
                           actor_id, actor, reason, request_id, db_role, jwt_sub, source)
  values (
    -- The name alone stands for a table in public: a table of backoffice's own cannot pass for one.
    case when tg_table_schema = 'public' then tg_table_name else tg_table_schema || '.' || tg_table_name end,
    coalesce(whole ->> 'id', ''),
    left(coalesce(nullif(whole ->> 'name', ''), nullif(whole ->> 'email', ''), nullif(whole ->> 'phone_number', ''),
                  nullif(whole ->> 'sip_domain', ''), nullif(whole ->> 'session_id', ''), nullif(whole ->> 'e164', ''),
                  nullif(whole ->> 'organization_name', ''), whole ->> 'id', ''), 200),
    case when whole ? 'organization_id' then (whole ->> 'organization_id')::uuid
         when tg_table_schema <> 'public' then null
         when tg_table_name = 'organizations' then (whole ->> 'id')::uuid
         when tg_table_name = 'agent_sessions' then
           (select a.organization_id from public.agents a where a.id = (whole ->> 'agent_id')::uuid) end,
    lower(tg_op), before, after,
    case when in_app then nullif(current_setting('backoffice.actor_id', true), '')::bigint end,
    coalesce(case when in_app then app_actor end, role_name),
    case when in_app then nullif(current_setting('backoffice.reason', true), '') end,
    case when in_app then nullif(current_setting('backoffice.request_id', true), '') end,
    role_name, audit.jwt_sub(), case when in_app then 'app' else 'outside' end);
  return null;
end $$;

-- One entry for a whole table emptied by TRUNCATE, which only its owner can.
create or replace function audit.record_truncate() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into audit.event (table_name, row_id, row_label, action, actor, db_role, jwt_sub, source)
  values (tg_table_name, '', 'all rows (truncate)', 'delete', audit.caller_role(), audit.caller_role(), audit.jwt_sub(),
          'outside');
  return null;
end $$;

-- 3. Who may do what -------------------------------------------------------------------------------------------------

do $$
declare
  relation text;
begin
  foreach relation in array array[
    'organizations', 'user_profiles', 'agents', 'sip_trunks', 'phone_numbers', 'agent_sessions', 'agent_messages',
    'chat_sessions', 'chat_messages', 'usage_logs', 'call_logs', 'credit_transactions']
  loop
    execute format('revoke all on public.%I from backoffice', relation);
    execute format('drop policy if exists "backoffice: read" on public.%I', relation);
    execute format('create policy "backoffice: read" on public.%I for select to backoffice using (true)', relation);
  end loop;
  foreach relation in array array['organizations', 'user_profiles', 'agents', 'sip_trunks', 'phone_numbers',
                                  'agent_sessions', 'call_logs']
  loop
    execute format('drop policy if exists "backoffice: change" on public.%I', relation);
    execute format('create policy "backoffice: change" on public.%I for update to backoffice '
                   'using (true) with check (true)', relation);
  end loop;
  foreach relation in array array['user_profiles', 'agents', 'sip_trunks', 'phone_numbers']
  loop
    execute format('drop policy if exists "backoffice: add" on public.%I', relation);
    execute format('create policy "backoffice: add" on public.%I for insert to backoffice with check (true)', relation);
  end loop;
end $$;
drop policy if exists "backoffice: add" on public.organizations;
create policy "backoffice: add" on public.organizations for insert to backoffice
  with check (credits_balance = 0);  -- money comes through post_credit

grant select (id, name, owner_id, credits_balance, created_at, updated_at),
  insert (id, name, owner_id, credits_balance, created_at, updated_at),
  update (name, owner_id)
  on public.organizations to backoffice;
grant select (id, email, full_name, company_name, phone_number, avatar_url, subscription_tier, stripe_customer_id,
              stripe_subscription_id, created_at, updated_at),
  insert (id, email, full_name, company_name, phone_number, avatar_url, subscription_tier, stripe_customer_id,
          stripe_subscription_id, created_at, updated_at),
  update (email, full_name, company_name, phone_number, avatar_url, subscription_tier, stripe_customer_id,
          stripe_subscription_id)
  on public.user_profiles to backoffice;
grant select (id, organization_id, provider, username, sip_domain, created_at),  -- not the password
  insert (id, organization_id, provider, username, password, sip_domain, created_at),
  update (organization_id, provider, username, password, sip_domain)
  on public.sip_trunks to backoffice;
grant select (id, organization_id, agent_id, phone_number, provider, provider_sid, status, created_at),
  insert (id, organization_id, agent_id, phone_number, provider, provider_sid, status, created_at),
  update (organization_id, agent_id, phone_number, provider, provider_sid, status)
  on public.phone_numbers to backoffice;
grant select (id, agent_id, session_id, user_id, website_domain, ip_address, channel, conversation_history,
              context_data, message_count, status, started_at, last_activity_at, ended_at, created_at),
  update (status, ended_at)
  on public.agent_sessions to backoffice;
grant select (id, session_id, role, content, audio_url, audio_duration_ms, tokens_used, latency_ms, model_used,
              created_at)
  on public.agent_messages to backoffice;
grant select (id, project_id, user_id, created_at) on public.chat_sessions to backoffice;
grant select (id, session_id, role, text, "timestamp") on public.chat_messages to backoffice;
grant select (id, agent_id, organization_id, session_id, tokens_used, cost_usd, model_used, channel, created_at)
  on public.usage_logs to backoffice;
grant select (id, organization_id, agent_id, phone_number_id, session_id, direction, caller_number, duration_seconds,
              cost, recording_url, status, created_at),
  update (duration_seconds, cost, status)
  on public.call_logs to backoffice;
grant select on public.credit_transactions to backoffice;
do $$
declare
  -- The settings of an agent: every column of master_schema.sql but these.
  fixed constant text[] := array['id', 'organization_id', 'created_at', 'updated_at'];
  settings constant text := 'name, description, llm_provider, llm_model, system_prompt, temperature, max_tokens, '
    'voice_provider, voice_id, voice_model, voice_speed, voice_temperature, voice_volume, responsiveness, '
    'interruption_sensitivity, enable_backchannel, backchannel_words, boosted_keywords, normalize_speech, '
    'ambient_sound, ambient_volume, max_duration_seconds, end_after_silence_seconds, voicemail_detection, '
    'voicemail_action, voicemail_message, stt_provider, stt_mode, denoising_mode, pii_redaction_enabled, '
    'pii_redaction_list, data_storage_policy, webhook_url, webhook_timeout_ms, custom_headers, enabled_mcp_servers, '
    'knowledge_base_ids, is_published, version, config';
begin
  execute format('grant select (%1$s, %2$s), insert (%1$s, %2$s), update (%2$s) on public.agents to backoffice',
                 array_to_string(fixed, ', '), settings);
end $$;

-- A number's agent is one of the same organization. Asked only when one of the two changes, so that a number which is
-- wrong already can still be released.
create or replace function audit.same_organization() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if new.agent_id is not null and not exists (
    select from public.agents where id = new.agent_id and organization_id = new.organization_id) then
    raise exception 'The agent belongs to another organization than the number.' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create or replace trigger same_organization before insert or update of agent_id, organization_id on public.phone_numbers
  for each row when (coalesce(nullif(current_setting('role', true), 'none'), session_user) = 'backoffice')
  execute function audit.same_organization();

revoke all on audit.event, audit.read_log, audit.procedure from public, anon, authenticated, service_role, backoffice;
grant select on audit.event, audit.read_log to backoffice;
drop policy if exists "backoffice: read" on audit.event;
create policy "backoffice: read" on audit.event for select to backoffice using (true);
drop policy if exists "backoffice: read" on audit.read_log;
create policy "backoffice: read" on audit.read_log for select to backoffice using (true);

-- 4. Audit triggers --------------------------------------------------------------------------------------------------
-- Business tables: every change, whoever makes it. Tables that the runtime writes all the time: only what staff change;
-- the condition stands in the trigger, so that the runtime pays next to nothing. A balance has the ledger.

create or replace trigger audit_record after insert or update or delete on public.organizations
  for each row execute function audit.record('credits_balance');
create or replace trigger audit_record after insert or update or delete on public.user_profiles
  for each row execute function audit.record();
create or replace trigger audit_record after insert or update or delete on public.agents
  for each row execute function audit.record();
create or replace trigger audit_record after insert or update or delete on public.sip_trunks
  for each row execute function audit.record();
create or replace trigger audit_record after insert or update or delete on public.phone_numbers
  for each row execute function audit.record();
do $$
declare
  relation text;
begin
  foreach relation in array array['organizations', 'user_profiles', 'agents', 'sip_trunks', 'phone_numbers',
                                  'agent_sessions', 'agent_messages', 'chat_sessions', 'chat_messages', 'usage_logs',
                                  'call_logs']
  loop
    execute format('create or replace trigger audit_truncate before truncate on public.%I '
                   'for each statement execute function audit.record_truncate()', relation);
  end loop;
  foreach relation in array array['agent_sessions', 'agent_messages', 'chat_sessions', 'chat_messages', 'usage_logs',
                                  'call_logs', 'credit_transactions']
  loop
    execute format(
      'create or replace trigger audit_record after insert or update or delete on public.%I for each row '
      'when (coalesce(nullif(current_setting(''role'', true), ''none''), session_user) = ''backoffice'') '
      'execute function audit.record()', relation);
  end loop;
end $$;

-- 5. Definer functions -----------------------------------------------------------------------------------------------

-- Logins (auth.users) by mail or id, exactly; at most ten.
create or replace function audit.find_login(p_query text)
returns table (id uuid, email text, created_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select u.id, u.email::text, u.created_at from auth.users u
  where lower(u.email) = lower(btrim(p_query)) or u.id::text = lower(btrim(p_query))
  order by u.created_at limit 10
$$;

-- Those of the trunks that have a password.
create or replace function audit.trunks_with_password(p_ids uuid[]) returns setof uuid
language sql stable security definer set search_path = '' as $$
  select id from public.sip_trunks where id = any (p_ids) and password <> ''
$$;

-- Leaves an entry of what a person read; needs an actor.
create or replace function audit.log_read(
  p_kind text, p_table text, p_row_id text default null, p_label text default null, p_organization uuid default null,
  p_detail text default null
) returns bigint language plpgsql security definer set search_path = '' as $$
declare
  v_actor constant text := nullif(btrim(current_setting('backoffice.actor', true)), '');
  v_id bigint;
begin
  if v_actor is null then
    raise exception 'Reading is logged with an actor.' using errcode = 'insufficient_privilege';
  end if;
  insert into audit.read_log (actor_id, actor, kind, table_name, row_id, row_label, organization_id, detail, reason,
                              request_id, db_role)
  values (nullif(current_setting('backoffice.actor_id', true), '')::bigint, v_actor, p_kind, p_table, p_row_id,
          left(p_label, 200), p_organization, p_detail, nullif(current_setting('backoffice.reason', true), ''),
          nullif(current_setting('backoffice.request_id', true), ''), audit.caller_role())
  returning id into v_id;
  return v_id;
end $$;

-- What stands in the way of deleting a row, most telling first: every table whose foreign key points at it, in whatever
-- schema, with the number of rows (counting stops at 1,000). Tables as in master_schema.sql.
create or replace function audit.delete_blockers(p_table text, p_id uuid)
returns table (relation text, row_count bigint)
language plpgsql stable security definer set search_path = '' as $$
declare
  child record;
begin
  if p_table not in ('organizations', 'user_profiles', 'agents', 'sip_trunks', 'phone_numbers', 'agent_sessions',
                     'chat_sessions') then
    raise exception 'Rows of % are not deleted.', p_table;
  end if;
  if p_table = 'organizations' then
    return query select 'credits'::text, 1::bigint from public.organizations o
                 where o.id = p_id and coalesce(o.credits_balance, 0) <> 0;
  elsif p_table = 'user_profiles' then
    return query select 'organizations'::text, count(*) from public.organizations o where o.owner_id = p_id
                 having count(*) > 0;
  end if;
  for child in
    select c.conrelid::regclass as name, a.attname, n.nspname, t.relname
    from pg_catalog.pg_constraint c
    join pg_catalog.pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
    join pg_catalog.pg_class t on t.oid = c.conrelid
    join pg_catalog.pg_namespace n on n.oid = t.relnamespace
    where c.contype = 'f' and c.confrelid = format('public.%I', p_table)::regclass and cardinality(c.conkey) = 1
    order by t.relname
  loop
    execute format('select count(*) from (select from %s where %I = $1 limit 1000) x', child.name, child.attname)
      into row_count using p_id;
    if row_count > 0 then
      relation := case child.nspname when 'public' then child.relname else child.nspname || '.' || child.relname end;
      return next;
    end if;
  end loop;
end $$;

-- Deletes one row that nothing depends on. Needs an actor and a reason; the audit trigger leaves the entry.
create or replace function audit.delete_record(p_table text, p_id uuid) returns void
language plpgsql security definer set search_path = '' as $$
declare
  blockers text;
  deleted bigint;
begin
  if nullif(btrim(current_setting('backoffice.actor', true)), '') is null
     or nullif(btrim(current_setting('backoffice.reason', true)), '') is null then
    raise exception 'A deletion needs an actor and a reason.' using errcode = 'insufficient_privilege';
  end if;
  perform audit.delete_blockers(p_table, p_id);  -- refuses a table that is not deleted from, before the name is used
  execute format('select from public.%I where id = $1 for update', p_table) using p_id;
  select string_agg(format('%s %s', row_count, relation), ', ') into blockers from audit.delete_blockers(p_table, p_id);
  if blockers is not null then
    raise exception 'It cannot be deleted: % depend on it.', blockers;
  end if;
  execute format('delete from public.%I where id = $1', p_table) using p_id;
  get diagnostics deleted = row_count;
  if deleted = 0 then
    raise exception 'It is not there any more.';
  end if;
end $$;

do $$
declare
  routine regprocedure;
begin
  for routine in select p.oid from pg_catalog.pg_proc p where p.pronamespace = 'audit'::regnamespace
  loop
    execute format('revoke all on function %s from public, anon, authenticated, service_role, backoffice', routine);
  end loop;
end $$;
grant execute on function audit.record(), audit.find_login(text), audit.trunks_with_password(uuid[]),
  audit.log_read(text, text, text, text, uuid, text), audit.delete_blockers(text, uuid),
  audit.delete_record(text, uuid), audit.caller_role(), audit.field_names(jsonb, jsonb),
  public.post_credit(uuid, numeric, text, text, text, text, text, bigint)
  to backoffice;

-- 6. Search ----------------------------------------------------------------------------------------------------------
-- Names are found by the beginnings of their words, numbers by their last digits, identifiers as they are. The indexes
-- stand on the platform's own columns, so whatever anybody writes is found at once. Changing one of the functions makes
-- its indexes wrong: give the new one another name, and the indexes too. docs/search.md says how to build the index on
-- call_logs beforehand where that table is large. The database's encoding has to be UTF8, as everywhere on Supabase.

-- A text as it is compared: the words of its first 2,000 characters in lower case without accents, one space between.
create or replace function audit.search_text(value text) returns text
language sql immutable parallel safe cost 500 return
  btrim(regexp_replace(normalize(replace(replace(replace(translate(lower(regexp_replace(
        normalize(left(value, 2000), NFKD), '[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670]', '', 'g')),
      'łøđðþıħŧς', 'loddtihtσ'), 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), NFC),
    '[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf\u00d7\u00f7\u02b0-\u02ff\u0589-\u058f\u05f3\u05f4\u0600-\u061f'
    '\u066a-\u066d\u06d4\u0964\u0965\u2000-\u2bff\u3000-\u3004\u3008-\u3020\u3030\u30fb\ufe00-\ufe6f\uff00-\uff0f]+',
    ' ', 'g'), ' ');

-- The words of such a text, for an index. A run of a script without spaces between words (Chinese, Japanese, Thai …)
-- counts as all its pairs of neighbors, so that any part of it is found.
create or replace function audit.search_vector(words text) returns tsvector
language plpgsql immutable parallel safe cost 500 set search_path = '' as $$
declare
  unspaced constant text := '[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf'
    '\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+';
  lexemes text[] := string_to_array(words, ' ');
begin
  if words ~ unspaced then
    lexemes := string_to_array(regexp_replace(words, unspaced, ' ', 'g'), ' ') || array(
      select substr(run[1], i, 2)
      from regexp_matches(words, '(' || unspaced || ')', 'g') run, generate_series(1, length(run[1])) i);
  end if;
  return array_to_tsvector(array(select distinct left(lexeme, 60) from unnest(lexemes) lexeme where lexeme <> ''));
end $$;

-- What finds all of these words by their beginnings (the first ten of them).
create or replace function audit.search_query(words text) returns tsquery
language plpgsql immutable parallel safe cost 500 set search_path = '' as $$
declare
  unspaced constant text := '[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf'
    '\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+';
  lexemes text[] := string_to_array(regexp_replace(words, unspaced, ' ', 'g'), ' ') || array(
    select substr(run[1], i, 2)
    from regexp_matches(words, '(' || unspaced || ')', 'g') run,
      generate_series(1, greatest(length(run[1]) - 1, 1)) i);
begin
  return (
    select string_agg(format('''%s'':*', replace(replace(left(lexeme, 60), '\', '\\'), '''', '''''')), ' & ')
    from (select distinct lexeme from unnest(lexemes) lexeme where lexeme <> '' limit 10) l)::tsquery;
end $$;

-- The login with this mail, written as Supabase writes it. Quick, as find_login is not: it reads one index.
create or replace function audit.login_of_mail(p_mail text) returns setof uuid
language sql stable security definer set search_path = '' as $$
  select u.id from auth.users u where u.email = lower(btrim(p_mail)) and u.is_sso_user = false
$$;

-- An index is written with the rights of whoever writes the row, and whoever that is must not be stopped.
revoke all on function audit.login_of_mail(text) from public, anon, authenticated, service_role;
grant execute on function audit.login_of_mail(text) to backoffice;
grant execute on function audit.search_text(text), audit.search_vector(text), audit.search_query(text) to public;

create index if not exists search_organizations_words on public.organizations
  using gin (audit.search_vector(audit.search_text(name)));
create index if not exists search_organizations_name on public.organizations
  (left(audit.search_text(name), 100) text_pattern_ops);
-- A builder's fault writes JSON into the name of an agent, which may hold secrets: of that only the name inside counts.
create index if not exists search_agents_words on public.agents
  using gin (audit.search_vector(audit.search_text(
    case when ltrim(name) like '{%' then substring(name, '"name"\s*:\s*"([^"\\]+)"') else name end)));
create index if not exists search_agents_name on public.agents
  (left(audit.search_text(
    case when ltrim(name) like '{%' then substring(name, '"name"\s*:\s*"([^"\\]+)"') else name end), 100) text_pattern_ops);
create index if not exists search_user_profiles_words on public.user_profiles
  using gin (audit.search_vector(audit.search_text(
    coalesce(full_name, '') || ' ' || coalesce(company_name, '') || ' ' || coalesce(email, ''))));
-- Digits of a number from the last to the first, so that the end of one can be looked up.
create index if not exists search_user_profiles_phone on public.user_profiles
  (left(reverse(regexp_replace(right(phone_number, 100), '[^0-9]', '', 'g')), 20) text_pattern_ops);
create index if not exists search_phone_numbers_number on public.phone_numbers
  (left(reverse(regexp_replace(right(phone_number, 100), '[^0-9]', '', 'g')), 20) text_pattern_ops);
create index if not exists search_phone_numbers_sid on public.phone_numbers using hash (provider_sid);
create index if not exists search_sip_trunks_domain on public.sip_trunks
  (left(lower(sip_domain), 200) text_pattern_ops);
create index if not exists search_sip_trunks_username on public.sip_trunks
  (left(lower(username), 200) text_pattern_ops);
create index if not exists search_call_logs_caller on public.call_logs
  (left(reverse(regexp_replace(right(caller_number, 100), '[^0-9]', '', 'g')), 20) text_pattern_ops);

-- 7. Closing and erasure ---------------------------------------------------------------------------------------------
-- Nothing here touches schema backoffice: its owner may put triggers on its tables, which would run with our rights. The
-- back office deletes and redacts its own rows itself, in the same transaction.

-- What has to be resolved before an organization can be closed, in this order; counting stops at 1,000. A call counts as
-- running for p_call_minutes. What hangs on the organization alone is no blocker: closing takes it along.
create or replace function audit.closing_blockers(p_id uuid, p_call_minutes integer default 240)
returns table (kind text, row_count bigint)
language plpgsql stable security definer set search_path = '' as $$
declare
  child record;
begin
  return query select 'balance', 1::bigint from public.organizations o
    where o.id = p_id and coalesce(nullif(o.credits_balance, 'NaN'), 0) <> 0;
  return query select 'active_numbers', count(*) from (
    select from public.phone_numbers where organization_id = p_id and status = 'active' limit 1000) x having count(*) > 0;
  return query select 'running_calls', count(*) from (
    select from public.call_logs where organization_id = p_id and status = 'active'
      and coalesce(created_at, '-infinity') > now() - make_interval(mins => p_call_minutes) limit 1000) x
    having count(*) > 0;
  -- Rows of other tenants that name this one's agents: deleting the agents would destroy or change them.
  return query select 'foreign_numbers', count(*) from (
    select from public.phone_numbers n join public.agents a on a.id = n.agent_id
    where a.organization_id = p_id and n.organization_id <> p_id limit 1000) x having count(*) > 0;
  return query select 'foreign_usage', count(*) from (
    select from public.usage_logs u join public.agents a on a.id = u.agent_id
    where a.organization_id = p_id and u.organization_id <> p_id limit 1000) x having count(*) > 0;
  -- Tables that a deployment added, with a foreign key to what would go.
  for child in
    select c.conrelid::regclass as name, a.attname, p.relname as parent, n.nspname, t.relname
    from pg_catalog.pg_constraint c
    join pg_catalog.pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
    join pg_catalog.pg_class t on t.oid = c.conrelid
    join pg_catalog.pg_namespace n on n.oid = t.relnamespace
    join pg_catalog.pg_class p on p.oid = c.confrelid
    where c.contype = 'f' and cardinality(c.conkey) = 1 and p.relnamespace = 'public'::regnamespace
      and p.relname in ('organizations', 'agents', 'phone_numbers', 'sip_trunks', 'agent_sessions', 'chat_sessions')
      and not (n.nspname = 'public' and t.relname in (
        'agents', 'sip_trunks', 'phone_numbers', 'agent_sessions', 'agent_messages', 'chat_sessions', 'chat_messages',
        'usage_logs', 'call_logs'))
    order by n.nspname, t.relname, a.attname
  loop
    begin
      execute format('select count(*) from (select from %s where %I in (%s) limit 1000) x', child.name, child.attname,
        case child.parent
          when 'organizations' then 'select $1'
          when 'agent_sessions' then 'select s.id from public.agent_sessions s join public.agents a on a.id = s.agent_id '
                                     'where a.organization_id = $1'
          when 'chat_sessions' then 'select s.id from public.chat_sessions s join public.agents a on a.id = s.project_id '
                                    'where a.organization_id = $1'
          else format('select id from public.%I where organization_id = $1', child.parent) end)
        into row_count using p_id;
    exception when insufficient_privilege then  -- somebody else's table: whether it has rows is not to be seen
      row_count := 1;
    end;
    if row_count > 0 then
      kind := 'table ' || child.nspname || '.' || child.relname;
      return next;
    end if;
  end loop;
end $$;

-- Deletes an organization with everything that hangs on it, in one transaction, and returns how many rows of each table
-- went. Needs an actor, a reason, the name as it is stored, and the checksum of an export that was logged within the last
-- seven days and after the last change of the tenant. Rows of business tables leave an entry each, the others are counted
-- in one. Profile, login, ledger and audit stay.
create or replace function audit.close_organization(
  p_id uuid, p_name text, p_export_sha256 text, p_call_minutes integer default 240) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_actor constant text := nullif(btrim(current_setting('backoffice.actor', true)), '');
  v_reason constant text := nullif(btrim(current_setting('backoffice.reason', true)), '');
  v_org public.organizations;
  v_export timestamptz;
  v_blockers text;
  v_rows bigint;
  v_counts jsonb := '{}';
begin
  if v_actor is null or v_reason is null then
    raise exception 'A closing needs an actor and a reason.' using errcode = 'insufficient_privilege';
  end if;
  select * into v_org from public.organizations where id = p_id for update;
  if not found then
    raise exception 'There is no such organization (any more).';
  elsif v_org.name is distinct from p_name then
    raise exception 'The organization has another name than the one that was typed.';
  end if;
  perform from public.agents where organization_id = p_id order by id for update;
  select string_agg(format('%s (%s)', replace(b.kind, '_', ' '), b.row_count), ', ') into v_blockers
  from audit.closing_blockers(p_id, p_call_minutes) b;
  if v_blockers is not null then
    raise exception 'It cannot be closed yet: %.', v_blockers;
  end if;
  if p_export_sha256 !~ '^[0-9a-f]{64}$' then
    raise exception 'A closing needs the checksum of an export.';
  end if;
  select max(substring(detail from 'as of (\S+)')::timestamptz) into v_export from audit.read_log
  where table_name = 'organizations' and row_id = p_id::text and kind = 'export'
    and detail like '%SHA-256 ' || p_export_sha256 || '%' and at > now() - interval '7 days';
  if v_export is null then
    raise exception 'There is no export of this organization with that checksum from the last seven days.';
  elsif exists (select from audit.event where organization_id = p_id and at > v_export and table_name !~ '\.')
     or exists (select from public.credit_transactions where organization_id = p_id and created_at > v_export) then
    raise exception 'The organization was changed after the export: export it again.';
  end if;

  insert into audit.procedure (kind) values ('closing');
  delete from public.chat_messages m using public.chat_sessions s, public.agents a
  where s.id = m.session_id and a.id = s.project_id and a.organization_id = p_id;
  get diagnostics v_rows = row_count;
  v_counts := v_counts || jsonb_build_object('chat_messages', v_rows);
  delete from public.chat_sessions s using public.agents a where a.id = s.project_id and a.organization_id = p_id;
  get diagnostics v_rows = row_count;
  v_counts := v_counts || jsonb_build_object('chat_sessions', v_rows);
  delete from public.agent_messages m using public.agent_sessions s, public.agents a
  where s.id = m.session_id and a.id = s.agent_id and a.organization_id = p_id;
  get diagnostics v_rows = row_count;
  v_counts := v_counts || jsonb_build_object('agent_messages', v_rows);
  delete from public.usage_logs where organization_id = p_id;
  get diagnostics v_rows = row_count;
  v_counts := v_counts || jsonb_build_object('usage_logs', v_rows);
  delete from public.call_logs where organization_id = p_id;
  get diagnostics v_rows = row_count;
  v_counts := v_counts || jsonb_build_object('call_logs', v_rows);
  delete from public.agent_sessions s using public.agents a where a.id = s.agent_id and a.organization_id = p_id;
  get diagnostics v_rows = row_count;
  v_counts := v_counts || jsonb_build_object('agent_sessions', v_rows);
  delete from public.phone_numbers where organization_id = p_id;
  get diagnostics v_rows = row_count;
  v_counts := v_counts || jsonb_build_object('phone_numbers', v_rows);
  delete from public.sip_trunks where organization_id = p_id;
  get diagnostics v_rows = row_count;
  v_counts := v_counts || jsonb_build_object('sip_trunks', v_rows);
  delete from public.agents where organization_id = p_id;
  get diagnostics v_rows = row_count;
  v_counts := v_counts || jsonb_build_object('agents', v_rows);
  delete from public.organizations where id = p_id;
  v_counts := v_counts || jsonb_build_object('organizations', 1);
  delete from audit.procedure where xid = pg_current_xact_id();

  insert into audit.event (table_name, row_id, row_label, organization_id, action, new, actor_id, actor, reason,
                           request_id, db_role, source)
  values ('organizations', p_id::text, left(v_org.name, 200), p_id, 'delete',
          jsonb_build_object('closed', true, 'owner_id', v_org.owner_id, 'rows_deleted', v_counts,
                             'export_sha256', p_export_sha256, 'export_as_of', v_export),
          nullif(current_setting('backoffice.actor_id', true), '')::bigint, v_actor, v_reason,
          nullif(current_setting('backoffice.request_id', true), ''), audit.caller_role(), 'app');
  return v_counts;
end $$;

-- The regular expression (for ~* and flag i) by which a person is found in a text: one mail address, one phone number, or
-- both. p_phone is the number's digits with country code, p_national those without, where numbers written without country
-- code shall count too. Only whole addresses and numbers match, so that nothing but a person can be searched or erased.
create or replace function audit.person_pattern(p_mail text, p_phone text default null, p_national text default null)
returns text language plpgsql immutable set search_path = '' as $$
declare
  parts text[] := '{}';
  mail constant text := nullif(lower(btrim(p_mail)), '');
  letter constant text := 'A-Za-z0-9\u00C0-\u024F\u0370-\u052F';
  -- In JSON and in addresses of pages, what stands before may be an escape that ends in a letter or digit.
  escape constant text := '(?<=\\[nrtbf])|(?<=\\u00[01][0-9a-fA-F])|(?<=%[0-9A-Fa-f][0-9A-Fa-f])';
  -- Between digits; in the address of a page a space is + or %20, and brackets and slashes are written so too.
  gap constant text := '(?:[\s().\u00A0\u2010-\u2015/+-]|%2[0389FfBb]|%[Cc]2%[Aa]0|%[Ee]2%80%9[0-5]){0,3}';
  code text;
  address text;
begin
  if mail is not null then
    if mail !~ '^[^\s@"\\<>()\[\],;:]+@[^\s@"\\<>()\[\],;:.]+(\.[^\s@"\\<>()\[\],;:.]+)+$' or length(mail) > 254 then
      raise exception 'This is not a mail address.';
    end if;
    address := replace(regexp_replace(mail, '([].[*+?^$(){}|\\-])', '\\\1', 'g'), '\+', '(?:\+|%2[Bb])');
    parts := parts || format($re$(?:(?<![%1$s])(?<![%1$s][._%%+'-])|%2$s)%3$s(?![%1$s]|[.-][%1$s])$re$, letter, escape,
      replace(address, '@', '(?:@|%40)'));
    -- In the address of a page, where + is a space.
    parts := parts || format($re$(?<=[%1$s][+])%2$s(?![%1$s]|[.-][%1$s])$re$, letter, replace(address, '@', '%40'));
  end if;
  if nullif(p_phone, '') is not null then
    if p_phone !~ '^[0-9]{7,15}$' then
      raise exception 'This is not a phone number with its country code.';
    elsif nullif(p_national, '') is not null
        and (p_national !~ '^[0-9]{6,14}$' or right(p_phone, length(p_national)) <> p_national
             or length(p_phone) - length(p_national) not between 1 and 3) then
      raise exception 'These are not the digits of one number with and without country code.';
    end if;
    code := case when p_national <> '' then left(p_phone, length(p_phone) - length(p_national)) else '' end;
    parts := parts || format('(?:(?<![0-9A-Za-z_])|(?<![0-9])(?=\+)|%1$s)(?:(?:\+|%%2[Bb]|00|011)%2$s)?%3$s%4$s(?![0-9])',
      escape, gap,
      case when code <> '' then array_to_string(string_to_array(code, null), gap) || gap || '(?:\(?0\)?' || gap || ')?' else '' end,
      array_to_string(string_to_array(coalesce(nullif(p_national, ''), p_phone), null), gap));
    if p_national <> '' and length(p_national) >= 7 then
      -- Not where another country's code stands before it.
      parts := parts || format(
        '(?:(?<![0-9A-Za-z_])(?<!(?:\+|^00|[^0-9]00)[1-9][0-9]{0,2}%2$s)(?:(?<!\+)|(?=0))|%1$s)(?:\(?0\)?%2$s|\(?)%3$s(?![0-9])',
        escape, replace(gap, '{0,3}', '{0,2}'), array_to_string(string_to_array(p_national, null), gap));
    end if;
  end if;
  if parts = '{}' then
    raise exception 'A person is searched by mail address or phone number.';
  end if;
  return '(?:' || array_to_string(parts, '|') || ')';
end $$;

-- A quick look whether the slower pattern can match at all: texts one of which a row must contain, in lower case, the
-- digits with everything between digits taken out.
create or replace function audit.may_name(p_text text, p_mail text, p_digits text) returns boolean
language sql immutable parallel safe return  -- pinning search_path would keep it from being inlined
  coalesce(lower(p_text) like any (array[
           '%' || replace(replace(replace(lower(p_mail), '\', '\\'), '%', '\%'), '_', '\_') || '%',
           '%' || replace(replace(replace(replace(lower(p_mail), '\', '\\'), '%', '\%'), '_', '\_'), '@', '\%40') || '%',
           '%' || replace(replace(replace(replace(replace(lower(p_mail), '\', '\\'), '%', '\%'), '_', '\_'), '@', '\%40'),
                          '+', '\%2b') || '%']),
           false)
      or coalesce(translate(p_text, U&' ()./+-\00A0\2010\2011\2012\2013\2014\2015' || E'\t\n\r\f\v', '')
                  like '%' || p_digits || '%', false)
      or p_digits <> '' and p_text like '%\%%' and coalesce(
           translate(regexp_replace(p_text, '%(2[0389fb]|c2%a0|e2%80%9[0-5])', '', 'gi'),
                     U&' ()./+-\00A0\2010\2011\2012\2013\2014\2015' || E'\t\n\r\f\v', '')
           like '%' || p_digits || '%', false);

-- A JSON value with every match replaced, in keys and numbers too.
create or replace function audit.erase_json(value jsonb, pattern text, levels integer default 60) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin
  if value is null or value::text !~* pattern then
    return value;
  end if;
  case jsonb_typeof(value)
    when 'object' then
      if levels = 0 then return '"[erased]"'; end if;
      return (select jsonb_object_agg(regexp_replace(key, pattern, '[erased]', 'gi'),
                                      audit.erase_json(item, pattern, levels - 1))
              from jsonb_each(value) as e (key, item));
    when 'array' then
      if levels = 0 then return '"[erased]"'; end if;
      return (select jsonb_agg(audit.erase_json(item, pattern, levels - 1) order by n)
              from jsonb_array_elements(value) with ordinality as e (item, n));
    when 'string' then
      return to_jsonb(regexp_replace(value #>> '{}', pattern, '[erased]', 'gi'));
    else
      return '"[erased]"';
  end case;
end $$;

-- What a profile's row says about the person, as the audit keeps it, taken out; NULL and what is erased already stay.
create or replace function audit.erase_profile_values(row_values jsonb) returns jsonb
language sql immutable set search_path = '' as $$
  select case when row_values is null then null else coalesce((
    select jsonb_object_agg(key, case
      when key in ('email', 'full_name', 'company_name', 'phone_number', 'avatar_url') and item <> 'null'
           and item #>> '{}' !~ '^erased-[0-9a-f-]{36}@erased\.invalid$' then '"[erased]"' else item end)
    from jsonb_each(row_values) as e (key, item)), '{}') end
$$;

-- The ids of the profiles and logins that are the person: those with the mail; those with the phone number where no mail
-- is given.
create or replace function audit.person_ids(p_mail text, p_phone text default null, p_national text default null)
returns uuid[] language sql stable security definer set search_path = '' as $$
  with p as (
    select nullif(lower(btrim(p_mail)), '') as mail,
           '^\s*' || case when nullif(btrim(p_mail), '') is null
                          then audit.person_pattern(null, p_phone, p_national) end || '\s*$' as phone)
  select coalesce(array_agg(distinct found.id order by found.id), '{}') from p, lateral (
    select id from public.user_profiles where lower(email::text) = p.mail or phone_number ~* p.phone
    union select id from auth.users where lower(email) = p.mail or phone ~* p.phone) found
$$;

-- The person's logins in Supabase's own schema, for what remains to be done there.
create or replace function audit.person_logins(p_mail text, p_phone text default null, p_national text default null)
returns table (id uuid, has_mail boolean, has_phone boolean, created_at timestamptz, last_sign_in_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select u.id, u.email is not null, nullif(u.phone, '') is not null, u.created_at, u.last_sign_in_at
  from auth.users u where u.id = any (audit.person_ids(p_mail, p_phone, p_national)) order by u.created_at
$$;

-- Texts that are not redacted though they may name the person: the ledger, which is append-only; who acted, on which
-- the audit rests; routing values without which a tenant's telephone stands still.
create or replace function audit.stays_named(p_table text, p_column text) returns boolean
language sql immutable set search_path = '' as $$
  select p_table = 'credit_transactions' or (p_table, p_column) in (
    ('event', 'actor'), ('read_log', 'actor'), ('phone_numbers', 'phone_number'), ('sip_trunks', 'username'),
    ('sip_trunks', 'sip_domain'))
$$;

-- The columns in which a person may be named: every text and JSON column of the table, those that a deployment added
-- included. A password is never looked at.
create or replace function audit.person_columns(p_table text)
returns table (name text, is_json boolean, is_unique boolean, width integer)
language plpgsql stable security definer set search_path = '' as $$
begin
  if p_table not in ('organizations', 'user_profiles', 'agents', 'sip_trunks', 'phone_numbers', 'agent_sessions',
                     'agent_messages', 'chat_sessions', 'chat_messages', 'usage_logs', 'call_logs', 'credit_transactions',
                     'event', 'read_log') then
    raise exception 'No person is searched in %.', p_table;
  end if;
  return query
    select a.attname::text, t.typname in ('json', 'jsonb'),
           exists (select from pg_catalog.pg_index i where i.indrelid = a.attrelid and i.indisunique
                   and a.attnum = any (i.indkey::smallint[])),
           case when t.typname = 'varchar' and a.atttypmod > 4 then a.atttypmod - 4 end
    from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid
    where a.attrelid = format('%I.%I', case when p_table in ('event', 'read_log') then 'audit' else 'public' end,
                              p_table)::regclass
      and a.attnum > 0 and not a.attisdropped and t.typname in ('text', 'varchar', 'bpchar', 'json', 'jsonb')
      and (p_table, a.attname::text) not in (('sip_trunks', 'password'), ('event', 'table_name'), ('event', 'action'),
        ('event', 'source'), ('event', 'db_role'), ('event', 'row_id'), ('event', 'jwt_sub'), ('event', 'request_id'),
        ('read_log', 'table_name'), ('read_log', 'kind'), ('read_log', 'db_role'), ('read_log', 'row_id'),
        ('read_log', 'request_id'))
    order by a.attnum;
end $$;

-- Every row of one table in which the person is named, with the columns: the whole table is read. Needs an actor and a
-- reason. `sample` is what stands around the first match of the first three rows of each column, the match itself left out.
create or replace function audit.find_person(
  p_table text, p_mail text, p_phone text default null, p_national text default null)
returns table (id text, columns text[], samples jsonb)
language plpgsql stable security definer set search_path = '' as $$
declare
  pattern constant text := audit.person_pattern(p_mail, p_phone, p_national);
  digits constant text := coalesce(nullif(p_national, ''), nullif(p_phone, ''));
  mail constant text := nullif(lower(btrim(p_mail)), '');
  persons constant uuid[] := audit.person_ids(p_mail, p_phone, p_national);
  place constant text := case when p_table in ('event', 'read_log') then 'audit.' else 'public.' end;
  col record;
  tests text := '';
  hits text := '';
  extra text := 'false';
  extra_hits text := '';
  seen jsonb := '{}';
  v_name text;
  v_text text;
begin
  if nullif(btrim(current_setting('backoffice.actor', true)), '') is null
     or nullif(btrim(current_setting('backoffice.reason', true)), '') is null then
    raise exception 'A search for a person needs an actor and a reason.' using errcode = 'insufficient_privilege';
  end if;
  for col in select * from audit.person_columns(p_table) loop
    tests := tests || format(' or (audit.may_name(t.%1$I::text, $2, $3) and t.%1$I::text ~* $1)', col.name);
    hits := hits || format(', case when audit.may_name(t.%1$I::text, $2, $3) and t.%1$I::text ~* $1 then %1$L end', col.name);
  end loop;
  -- What is the person's own, whatever it says.
  if p_table = 'user_profiles' then
    extra := 't.id = any ($4) and (' || (
      select string_agg(format('coalesce(t.%1$I, ''[erased]'') not in (''[erased]'', ''erased-'' || t.id || ''@erased.invalid'')', c), ' or ')
      from unnest(array['email', 'full_name', 'company_name', 'phone_number', 'avatar_url']) c) || ')';
    extra_hits := (
      select string_agg(format(', case when t.id = any ($4) and coalesce(t.%1$I, ''[erased]'') not in (''[erased]'', ''erased-'' || t.id || ''@erased.invalid'') then %1$L end', c), '')
      from unnest(array['email', 'full_name', 'company_name', 'phone_number', 'avatar_url']) c);
  elsif p_table = 'agent_sessions' then
    extra := 't.user_id = any ($4) and t.ip_address is not null';
    extra_hits := format(', case when %s then ''ip_address'' end', extra);
  elsif p_table = 'event' then
    extra := 't.table_name = ''user_profiles'' and t.row_id = any ($4::text[]) and (t.row_label not in (''[erased]'', '''') '
      'and t.row_label !~ ''^erased-[0-9a-f-]{36}@erased\.invalid$'' '
      'or t.old is distinct from audit.erase_profile_values(t.old) or t.new is distinct from audit.erase_profile_values(t.new))';
    extra_hits := format(', case when %s then ''values of the profile'' end', extra);
  elsif p_table = 'read_log' then
    extra := 't.table_name = ''user_profiles'' and t.row_id = any ($4::text[]) and t.row_label <> ''[erased]'' '
      'and t.row_label !~ ''^erased-[0-9a-f-]{36}@erased\.invalid$''';
    extra_hits := format(', case when %s then ''row_label'' end', extra);
  end if;
  for id, columns, samples in execute format(
    'select t.id::text, array(select distinct c from unnest(array[null::text%s%s]) c where c is not null order by c), null::jsonb '
    'from %s%I t where (%s) or (false%s)', hits, extra_hits, place, p_table, extra, tests)
    using pattern, mail, digits, persons
  loop
    foreach v_name in array columns loop
      if coalesce((seen ->> v_name)::integer, 0) < 3 and exists (select from audit.person_columns(p_table) c where c.name = v_name) then
        seen := seen || jsonb_build_object(v_name, coalesce((seen ->> v_name)::integer, 0) + 1);
        -- What stands around the person may be a secret.
        execute format('select regexp_replace(audit.redact(jsonb_build_object(%1$L, t.%1$I)) ->> %1$L, $1, ''[erased]'', '
                       '''gi'') from %2$s%3$I t where t.id::text = $2', v_name, place, p_table)
          into v_text using pattern, id;
        samples := coalesce(samples, '{}') || jsonb_build_object(v_name,
          case when strpos(v_text, '[erased]') > 0 then substr(v_text, greatest(1, strpos(v_text, '[erased]') - 40), 90) end);
      end if;
    end loop;
    return next;
  end loop;
end $$;

-- Between begin_erasure and end_erasure, in one transaction, erase_rows redacts rows, and audit.record() leaves out of its
-- entries what is being erased. Returns the ids of the profiles and logins that are the person.
create or replace function audit.begin_erasure(p_mail text, p_phone text default null, p_national text default null)
returns uuid[] language plpgsql security definer set search_path = '' as $$
declare
  v_pattern constant text := audit.person_pattern(p_mail, p_phone, p_national);
  v_persons constant uuid[] := audit.person_ids(p_mail, p_phone, p_national);
  v_salt constant text := gen_random_uuid()::text;
  v_state text;
begin
  if nullif(btrim(current_setting('backoffice.actor', true)), '') is null
     or nullif(btrim(current_setting('backoffice.reason', true)), '') is null then
    raise exception 'An erasure needs an actor and a reason.' using errcode = 'insufficient_privilege';
  elsif current_setting('backoffice.reason', true) ~* v_pattern then
    raise exception 'The reason names the person: it is kept for good, so say it otherwise.';
  end if;
  v_state := jsonb_build_object('pattern', v_pattern, 'persons', to_jsonb(v_persons))::text;
  delete from audit.procedure where xid = pg_current_xact_id();
  insert into audit.procedure (kind, salt, digest) values ('erasure', v_salt, sha256(convert_to(v_salt || v_state, 'UTF8')));
  perform set_config('audit.erasure', v_state, true);
  return v_persons;
end $$;

create or replace function audit.end_erasure() returns void
language plpgsql security definer set search_path = '' as $$
begin
  delete from audit.procedure where xid = pg_current_xact_id() and kind = 'erasure';
  perform set_config('audit.erasure', '', true);
end $$;

-- What begin_erasure of this transaction said: {pattern, persons}. The setting alone could be forged, so it is held
-- against the digest; NULL outside an erasure.
create or replace function audit.erasure() returns jsonb
language plpgsql stable security definer set search_path = '' as $$
declare
  v_state constant text := nullif(current_setting('audit.erasure', true), '');
begin
  if v_state is null or not exists (
    select from audit.procedure where xid = pg_current_xact_id_if_assigned() and kind = 'erasure'
      and digest = sha256(convert_to(salt || v_state, 'UTF8'))) then
    return null;
  end if;
  return v_state::jsonb;
end $$;

-- Redacts these rows of one table and leaves one entry for them; returns how many were changed. Text becomes "[erased]"
-- where it names the person, the person's profile gets a placeholder for its mail; rows and money stay.
create or replace function audit.erase_rows(p_table text, p_ids text[]) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
  state constant jsonb := audit.erasure();
  persons uuid[];
  col record;
  sets text := '';
  value text;
  changed bigint;
begin
  if state is null then
    raise exception 'Rows are redacted between begin_erasure and end_erasure.' using errcode = 'insufficient_privilege';
  end if;
  persons := array(select jsonb_array_elements_text(state -> 'persons'))::uuid[];
  for col in select * from audit.person_columns(p_table) c where not audit.stays_named(p_table, c.name) loop
    if p_table = 'user_profiles' and col.name = 'email' then
      value := 'case when t.id = any ($2) or t.email::text ~* $1 then ''erased-'' || t.id || ''@erased.invalid'' else t.email end';
    elsif col.is_json then
      value := format('audit.erase_json(t.%I::jsonb, $1)', col.name);
      if p_table = 'event' then
        value := format('case when t.table_name = ''user_profiles'' and t.row_id = any ($2::text[]) '
                        'then audit.erase_profile_values(%1$s) else %1$s end', value);
      end if;
    elsif col.is_unique then
      value := format('case when t.%1$I::text ~* $1 then ''erased-'' || t.id else t.%1$I end', col.name);
    else
      value := format('regexp_replace(t.%I::text, $1, ''[erased]'', ''gi'')', col.name);
      if col.width is not null then
        value := format('left(%s, %s)', value, col.width);
      end if;
      if p_table = 'user_profiles' and col.name in ('full_name', 'company_name', 'phone_number', 'avatar_url') then
        value := format('case when t.id = any ($2) and t.%1$I is not null then ''[erased]'' else %2$s end', col.name, value);
      elsif p_table = 'agent_sessions' and col.name = 'ip_address' then
        value := format('case when t.user_id = any ($2) then null else %s end', value);
      elsif p_table in ('event', 'read_log') and col.name = 'row_label' then
        value := format('case when t.table_name = ''user_profiles'' and t.row_id = any ($2::text[]) then ''[erased]'' else %s end', value);
      end if;
    end if;
    sets := sets || format(', %I = %s', col.name, case when col.is_json then format('(%s)', value) else value end);
  end loop;
  if sets = '' then
    raise exception 'Nothing is redacted in %.', p_table;
  end if;
  execute format('update %s%I t set %s where t.id = any ($3::%s[])',
                 case when p_table in ('event', 'read_log') then 'audit.' else 'public.' end, p_table, substr(sets, 3),
                 case when p_table in ('event', 'read_log') then 'bigint' else 'uuid' end)
    using state ->> 'pattern', persons, p_ids;
  get diagnostics changed = row_count;
  insert into audit.event (table_name, row_id, row_label, action, new, actor_id, actor, reason, request_id, db_role, source)
  values (case p_table when 'event' then 'audit.event' when 'read_log' then 'audit.read_log' else p_table end, '',
          format('erasure of a person: %s rows', changed), 'update', jsonb_build_object('rows_redacted', changed),
          nullif(current_setting('backoffice.actor_id', true), '')::bigint,
          current_setting('backoffice.actor', true), current_setting('backoffice.reason', true),
          nullif(current_setting('backoffice.request_id', true), ''), audit.caller_role(), 'app');
  return changed;
end $$;

do $$
declare
  routine text;
begin
  foreach routine in array array[
    'closing_blockers(uuid, integer)', 'close_organization(uuid, text, text, integer)',
    'person_pattern(text, text, text)', 'may_name(text, text, text)', 'erase_json(jsonb, text, integer)',
    'erase_profile_values(jsonb)', 'person_ids(text, text, text)', 'person_logins(text, text, text)',
    'stays_named(text, text)', 'person_columns(text)', 'find_person(text, text, text, text)',
    'begin_erasure(text, text, text)', 'end_erasure()', 'erasure()', 'erase_rows(text, text[])']
  loop
    execute format('revoke all on function audit.%s from public, anon, authenticated, service_role, backoffice', routine);
  end loop;
end $$;
-- Redaction of secrets and of persons are pure functions; the rest checks actor and reason.
grant execute on function audit.closing_blockers(uuid, integer), audit.close_organization(uuid, text, text, integer),
  audit.person_pattern(text, text, text), audit.may_name(text, text, text), audit.erase_json(jsonb, text, integer),
  audit.person_ids(text, text, text), audit.person_logins(text, text, text), audit.find_person(text, text, text, text),
  audit.begin_erasure(text, text, text), audit.end_erasure(), audit.erase_rows(text, text[]),
  audit.parse_json(text), audit.redact(jsonb, jsonb, boolean, integer)
  to backoffice;

-- 8. Retention -------------------------------------------------------------------------------------------------------

-- Entries that no retention removes: what says that a tenant was closed, that a person was erased, and that entries were
-- removed. Those about decisions on money stay for ten years at least.
create or replace function audit.stays(p_table text, p_new jsonb, p_at timestamptz) returns boolean
language sql stable parallel safe set search_path = '' as $$
  select p_table in ('audit.event', 'audit.read_log') or p_table like 'backoffice.tenants\_erasure%'
    or coalesce(p_new ?| array['closed', 'rows_redacted'], false)
    or (p_table like 'billing.%' or p_table = 'credit_transactions') and p_at > now() - interval '10 years'
$$;

-- Removes a batch of the oldest entries of one log ('event' or 'read_log') that are older than p_keep_days, and returns
-- how many; 0 when there are none, or when another session is at it. Never less than a year is kept, whatever is asked.
-- One entry tells what a run (the request id) removed, written in the same transaction as each batch.
create or replace function audit.prune(p_log text, p_keep_days integer, p_batch integer default 2000) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  v_actor constant text := nullif(btrim(current_setting('backoffice.actor', true)), '');
  v_reason constant text := nullif(btrim(current_setting('backoffice.reason', true)), '');
  v_request constant text := nullif(current_setting('backoffice.request_id', true), '');
  v_batch constant integer := least(greatest(p_batch, 1), 10000);
  v_before timestamptz;
  v_removed integer;
  v_first timestamptz;
  v_entry bigint;
begin
  if v_actor is null or v_reason is null then
    raise exception 'Removing old entries needs an actor and a reason.' using errcode = 'insufficient_privilege';
  elsif p_log is null or p_log not in ('event', 'read_log') then
    raise exception 'There is no such log.';
  elsif p_keep_days is null or p_keep_days < 365 then
    raise exception 'Entries are kept for 365 days at least.' using errcode = 'check_violation';
  end if;
  if not pg_try_advisory_xact_lock(7238441, case p_log when 'event' then 1 else 2 end) then
    return 0;
  end if;
  -- Whole days in UTC. No entry is dated before 2000, and more days than that are no date.
  v_before := date_trunc('day', now(), 'UTC') - make_interval(days => least(p_keep_days, 36500));
  if p_log = 'event' then
    with old as (
      select id from audit.event where at < v_before and not audit.stays(table_name, new, at)
      order by at, id limit v_batch),
    gone as (delete from audit.event e using old where e.id = old.id returning e.at)
    select count(*), min(at) into v_removed, v_first from gone;
  else
    with old as (select id from audit.read_log where at < v_before order by at, id limit v_batch),
    gone as (delete from audit.read_log r using old where r.id = old.id returning r.at)
    select count(*), min(at) into v_removed, v_first from gone;
  end if;
  if v_removed = 0 then
    return 0;
  end if;
  select id into v_entry from audit.event
  where request_id = v_request and row_id = '' and table_name = 'audit.' || p_log and new ? 'rows_removed' limit 1;
  if found then
    update audit.event set
      row_label = format('%s entries removed', (new ->> 'rows_removed')::bigint + v_removed),
      new = new || jsonb_build_object('rows_removed', (new ->> 'rows_removed')::bigint + v_removed)
    where id = v_entry;
  else
    insert into audit.event (table_name, row_id, row_label, action, new, actor_id, actor, reason, request_id, db_role, source)
    values ('audit.' || p_log, '', format('%s entries removed', v_removed), 'delete',
            jsonb_build_object('rows_removed', v_removed, 'first', v_first, 'before', v_before, 'keep_days', p_keep_days),
            nullif(current_setting('backoffice.actor_id', true), '')::bigint, v_actor, v_reason, v_request,
            audit.caller_role(), case when audit.caller_role() = 'backoffice' then 'app' else 'outside' end);
  end if;
  return v_removed;
end $$;
revoke all on function audit.stays(text, jsonb, timestamptz), audit.prune(text, integer, integer)
  from public, anon, authenticated, service_role, backoffice;
grant execute on function audit.prune(text, integer, integer), audit.stays(text, jsonb, timestamptz) to backoffice;

commit;
