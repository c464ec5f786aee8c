-- What people did to live databases by hand. Run as postgres over older_shape.sql and odd_rows.sql.

-- Columns that the platform's other scripts and its browser app expect.
alter table agents add column config_json jsonb, add column created_by uuid, add column is_active boolean default true;
alter table usage_logs add column bot_id uuid, add column user_id uuid;
alter table organizations add column description text;
update agents set config_json = '{"patched": true}', created_by = '10000000-0000-0000-0000-000000000001', is_active = null
    where id = '30000000-0000-0000-0000-000000000002';
update usage_logs set bot_id = agent_id;
update organizations set description = 'by hand' where id = '20000000-0000-0000-0000-000000000001';

-- Nullable columns that were never there, or were dropped.
alter table agents drop column voice_volume, drop column knowledge_base_ids;
alter table user_profiles drop column stripe_subscription_id;
alter table call_logs drop column recording_url;
alter table agent_sessions drop column context_data;

-- Compatible changes of type and of defaults: nothing here is narrower than before.
alter table agents alter column name type text;
alter table agents alter column id set default gen_random_uuid();
alter table phone_numbers alter column status drop default;

-- Somebody's own indexes, view, tables, policies and function.
create index my_agents_by_org on agents (organization_id);
create index calls_time on call_logs (created_at desc);
create view published_agents as select id, name from agents where is_published;
create table profiles (id uuid primary key, note text);
create table organization_members (organization_id uuid references organizations (id), user_id uuid, role text);
insert into profiles values ('10000000-0000-0000-0000-000000000001', 'kept');
insert into organization_members values ('20000000-0000-0000-0000-000000000001', '10000000-0000-0000-0000-000000000001', 'owner');
create policy "let me in" on organizations as permissive for all to public using (true) with check (true);
create policy "Enable read access for all users" on sip_trunks for select to anon, authenticated using (true);
create policy "odd "" name; drop table x" on agents as restrictive for select to authenticated using (true);
grant select on agents to public;
grant update (credits_balance) on organizations to authenticated;
grant select (password) on sip_trunks to anon;
create function credit_of(organization uuid) returns numeric language sql stable as
    'select credits_balance from public.organizations where id = organization';
