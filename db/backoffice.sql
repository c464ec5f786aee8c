-- What the back office needs beside the platform's tables. Run it after master_schema.sql, as the same role; one
-- transaction, re-runnable. Afterwards give the role a password:  alter role backoffice password '…';
--
--   1. role and schemas      3. who may do what      5. definer functions
--   2. audit                 4. audit triggers
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
create index if not exists event_row on audit.event (table_name, row_id, id desc);
create index if not exists event_organization on audit.event (organization_id, id desc);
create index if not exists event_actor on audit.event (actor_id, id desc);
create index if not exists event_at on audit.event (at);

create table if not exists audit.read_log (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  actor_id bigint,
  actor text not null,
  kind text not null check (kind in ('transcript', 'reveal', 'recording', 'export')),
  table_name text not null,
  row_id text,
  row_label text,
  organization_id uuid,
  detail text,
  reason text,
  request_id text,
  db_role text not null
);
create index if not exists read_log_row on audit.read_log (table_name, row_id, id desc);
create index if not exists read_log_organization on audit.read_log (organization_id, id desc);
create index if not exists read_log_actor on audit.read_log (actor_id, id desc);
create index if not exists read_log_at on audit.read_log (at);

alter table audit.event enable row level security;
alter table audit.read_log enable row level security;

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
          return to_jsonb(audit.redact(parsed, audit.parse_json(before #>> '{}'), false, levels - 1)::text);
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
  after := audit.redact(after, before);
  before := audit.redact(before);
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
                  nullif(whole ->> 'sip_domain', ''), nullif(whole ->> 'session_id', ''), whole ->> 'id', ''), 200),
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

revoke all on audit.event, audit.read_log from public, anon, authenticated, service_role, backoffice;
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
  audit.delete_record(text, uuid), audit.caller_role(),
  public.post_credit(uuid, numeric, text, text, text, text, text, bigint)
  to backoffice;

commit;
