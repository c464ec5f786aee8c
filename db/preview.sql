-- The tenant's view: what a tenant's browser app may see, seen by staff. Run it after figures.sql, as the same role; one
-- transaction, re-runnable. Afterwards give the role a password:  alter role backoffice_preview password '…';
--
--   1. the role      2. it writes nothing
--
-- Staff look through the login role `backoffice_preview`. It has no right of its own; in a read-only transaction it takes
-- the role `authenticated` and a tenant's claims, as the Data API does for a request, and row level security answers.
-- Role `backoffice` cannot do this itself: were it a member of `authenticated`, all policies of tenants would hold for
-- everything that it does.

begin;

set local search_path = '';
set local client_min_messages = warning;
set local statement_timeout = 0;
set local lock_timeout = '30s';

-- 1. The role --------------------------------------------------------------------------------------------------------

do $$
declare
  found record;
  other text;
  server constant int := current_setting('server_version_num')::int;
begin
  if to_regclass('figures.mark') is null then
    raise exception 'Run master_schema.sql, backoffice.sql, billing.sql, transcripts.sql and figures.sql first.';
  end if;
  if not exists (select from pg_catalog.pg_roles where rolname = 'backoffice_preview') then
    create role backoffice_preview login noinherit;
  end if;
  select * into found from pg_catalog.pg_roles where rolname = 'backoffice_preview';
  -- What only a superuser can take away again is refused; the rest is put right.
  if found.rolsuper or found.rolbypassrls or found.rolreplication or found.rolcreaterole or found.rolcreatedb then
    raise exception 'Role backoffice_preview exists and is privileged (superuser, BYPASSRLS, REPLICATION, CREATEROLE or CREATEDB): take that away first.';
  end if;
  for other in
    select r.rolname from pg_catalog.pg_auth_members m join pg_catalog.pg_roles r on r.oid = m.roleid
    where m.member = found.oid and r.rolname <> 'authenticated'
  loop
    raise exception 'Role backoffice_preview is a member of %: take that away first (revoke % from backoffice_preview).', other, other;
  end loop;
  if exists (select from pg_catalog.pg_auth_members where roleid = found.oid
             and member in (select oid from pg_catalog.pg_roles
                            where rolname in ('anon', 'authenticated', 'authenticator', 'service_role', 'backoffice'))) then
    raise exception 'A role of the Data API or of the back office is a member of backoffice_preview: take that away first.';
  end if;
  alter role backoffice_preview login noinherit connection limit 20;
  -- From PostgreSQL 16 a membership says for itself what it brings.
  if server >= 160000 then
    execute 'grant authenticated to backoffice_preview with inherit false, set true';
    execute 'revoke admin option for authenticated from backoffice_preview';
  else
    grant authenticated to backoffice_preview;
    revoke admin option for authenticated from backoffice_preview;
  end if;
  if pg_has_role('backoffice_preview', 'authenticated', 'USAGE') then
    raise exception 'Role backoffice_preview has the rights of authenticated without asking for them: revoke authenticated from backoffice_preview, then run this file again.';
  end if;
end $$;

alter role backoffice_preview set default_transaction_read_only = on;
alter role backoffice_preview set search_path = public;
alter role backoffice_preview set timezone = 'UTC';
alter role backoffice_preview set statement_timeout = '10s';
alter role backoffice_preview set lock_timeout = '2s';
alter role backoffice_preview set idle_in_transaction_session_timeout = '30s';

-- Nothing of its own, whatever somebody granted meanwhile.
do $$
declare
  space text;
begin
  foreach space in array array['public', 'audit', 'billing', 'transcripts', 'figures'] loop
    execute format('revoke all on all tables in schema %I from backoffice_preview', space);
    execute format('revoke all on all sequences in schema %I from backoffice_preview', space);
    execute format('revoke all on all functions in schema %I from backoffice_preview', space);
    execute format('revoke all on schema %I from backoffice_preview', space);
    if space <> 'public' and has_schema_privilege('backoffice_preview', space, 'USAGE') then
      raise exception 'Role backoffice_preview could use schema %: revoke all on schema % from public.', space, space;
    end if;
  end loop;
  if has_schema_privilege('backoffice_preview', 'backoffice', 'USAGE') then
    raise exception 'Role backoffice_preview could use schema backoffice: as role backoffice, revoke usage on it.';
  end if;
  if has_schema_privilege('backoffice_preview', 'public', 'CREATE') then
    raise exception 'Role backoffice_preview could create objects in schema public: revoke create on schema public from public.';
  end if;
end $$;

-- 2. It writes nothing -----------------------------------------------------------------------------------------------
-- Its transactions are read only, but whoever holds the connection could say otherwise, and `authenticated` may write what
-- is a tenant's own. So the tables refuse whatever comes from a session of this login, in whatever role and function.

create or replace function audit.refuse_preview() returns trigger language plpgsql set search_path = '' as $$
begin
  raise exception 'The tenant''s view writes nothing (table %).', tg_table_name using errcode = 'insufficient_privilege';
end $$;
revoke all on function audit.refuse_preview() from public, anon, authenticated, service_role, backoffice;

do $$
declare
  relation text;
begin
  foreach relation in array array[
    'organizations', 'user_profiles', 'agents', 'sip_trunks', 'phone_numbers', 'agent_sessions', 'agent_messages',
    'chat_sessions', 'chat_messages', 'usage_logs', 'call_logs', 'credit_transactions']
  loop
    -- The condition is one comparison per statement, for everybody; the function runs for this login alone.
    execute format('create or replace trigger a_preview_only_reads before insert or update or delete or truncate '
                   'on public.%I for each statement when (session_user = ''backoffice_preview'') '
                   'execute function audit.refuse_preview()', relation);
  end loop;
end $$;

commit;
