-- What Supabase brings and our schema relies on, for embedded and test databases only: its roles, schema `auth`
-- with `auth.users`, `auth.uid()`, `auth.role()` and `auth.jwt()`. Run by a superuser of the local cluster, before
-- master_schema.sql; re-runnable. It refuses to run where `supabase_admin` exists, that is, on Supabase itself.
--
-- Before 2026 Supabase granted every new object in `public` to its API roles; today it grants nothing. Tests ask for
-- the older regime with:  set local_supabase.api_grants = 'on';

begin;

do $$
declare
  missing text;
begin
  if exists (select from pg_roles where rolname = 'supabase_admin') then
    raise exception 'This is a Supabase database (role supabase_admin exists): local_supabase.sql is for local ones only.';
  end if;
  for missing in
    select r from unnest(array['postgres', 'anon', 'authenticated', 'service_role', 'authenticator',
                               'supabase_auth_admin']) r
    where not exists (select from pg_roles where rolname = r)
  loop
    execute format('create role %I', missing);
  end loop;
end $$;

alter role postgres login nosuperuser createrole createdb bypassrls;
alter role anon nologin;
alter role authenticated nologin;
alter role service_role nologin bypassrls;
alter role authenticator login noinherit;
alter role supabase_auth_admin nologin noinherit createrole;
grant anon, authenticated, service_role to authenticator;
grant anon, authenticated, service_role to postgres with admin option;

do $$
begin
  execute format('alter database %I owner to postgres', current_database());
  execute format('alter database %I set timezone = ''UTC''', current_database());
end $$;
grant usage on schema public to anon, authenticated, service_role;

create schema if not exists auth authorization supabase_auth_admin;
grant usage on schema auth to postgres, anon, authenticated, service_role;

create table if not exists auth.users (
  id uuid primary key default gen_random_uuid(),
  aud varchar(255),
  role varchar(255),
  email varchar(255),
  phone text unique,
  raw_app_meta_data jsonb,
  raw_user_meta_data jsonb,
  is_anonymous boolean not null default false,
  is_sso_user boolean not null default false,
  last_sign_in_at timestamptz,
  created_at timestamptz default now(),
  updated_at timestamptz default now()
);
-- One mail per login, except for logins by SSO, as on Supabase.
create unique index if not exists users_email_partial_key on auth.users (email) where is_sso_user = false;
alter table auth.users owner to supabase_auth_admin;
grant all on auth.users to postgres with grant option;

create or replace function auth.jwt() returns jsonb language sql stable as $$
  select coalesce(
    nullif(current_setting('request.jwt.claim', true), ''),
    nullif(current_setting('request.jwt.claims', true), '')
  )::jsonb
$$;
create or replace function auth.uid() returns uuid language sql stable as $$
  select coalesce(
    nullif(current_setting('request.jwt.claim.sub', true), ''),
    nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
  )::uuid
$$;
create or replace function auth.role() returns text language sql stable as $$
  select coalesce(
    nullif(current_setting('request.jwt.claim.role', true), ''),
    nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role'
  )
$$;
alter function auth.jwt() owner to supabase_auth_admin;
alter function auth.uid() owner to supabase_auth_admin;
alter function auth.role() owner to supabase_auth_admin;

do $$
begin
  if current_setting('local_supabase.api_grants', true) = 'on' then
    alter default privileges for role postgres in schema public
      grant all on tables to anon, authenticated, service_role;
    alter default privileges for role postgres in schema public
      grant all on sequences to anon, authenticated, service_role;
    alter default privileges for role postgres in schema public
      grant all on functions to anon, authenticated, service_role;
  end if;
end $$;

commit;
