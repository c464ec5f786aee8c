-- The platform's database as its own script of December 2025 leaves it: what an upgrade finds on a live project.
-- No index but the keys, "Anyone can ..." policies, everything granted to the API roles, credits without a ledger.
-- Run as postgres over local_supabase.sql. (The live one takes ids from the extension uuid-ossp; this needs none.)

create table organizations (
    id uuid primary key default gen_random_uuid(),
    name varchar(255) not null,
    owner_id uuid not null references auth.users (id) on delete cascade,
    credits_balance numeric(10, 2) default 0.00,
    created_at timestamptz default now(),
    updated_at timestamptz default now()
);

create table user_profiles (
    id uuid primary key references auth.users (id) on delete cascade,
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
    organization_id uuid not null references organizations (id) on delete cascade,
    name varchar(255) not null,
    description text,
    llm_provider varchar(50) default 'openai',
    llm_model varchar(100) default 'gpt-4o-mini',
    system_prompt text,
    temperature numeric(3, 2) default 0.7,
    max_tokens integer default 1000,
    voice_provider varchar(50),
    voice_id varchar(255),
    voice_model varchar(100),
    voice_speed numeric(3, 2) default 1.0,
    voice_temperature numeric(3, 2) default 1.0,
    voice_volume numeric(3, 2) default 1.0,
    responsiveness numeric(3, 2) default 1.0,
    interruption_sensitivity numeric(3, 2) default 1.0,
    enable_backchannel boolean default true,
    backchannel_words jsonb default '["mm-hmm", "yeah", "uh-huh"]',
    normalize_speech boolean default true,
    boosted_keywords jsonb default '[]',
    ambient_sound varchar(50) default 'none',
    ambient_volume numeric(3, 2) default 0.5,
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

create table sip_trunks (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid references organizations (id) on delete cascade,
    provider text not null,
    username text,
    password text,
    sip_domain text,
    created_at timestamptz default now()
);

create table phone_numbers (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null references organizations (id) on delete cascade,
    agent_id uuid references agents (id) on delete set null,
    phone_number text not null unique,
    provider text default 'twilio',
    provider_sid text,
    status text default 'active',
    created_at timestamptz default now()
);

create table agent_sessions (
    id uuid primary key default gen_random_uuid(),
    agent_id uuid not null references agents (id) on delete cascade,
    session_id varchar(255) not null unique,
    user_id uuid references auth.users (id) on delete set null,
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

create table agent_messages (
    id uuid primary key default gen_random_uuid(),
    session_id uuid not null references agent_sessions (id) on delete cascade,
    role varchar(20) not null check (role in ('user', 'assistant', 'system')),
    content text not null,
    audio_url text,
    audio_duration_ms integer,
    tokens_used integer,
    latency_ms integer,
    model_used varchar(100),
    created_at timestamptz default now()
);

create table chat_sessions (
    id uuid primary key default gen_random_uuid(),
    project_id uuid not null references agents (id),
    user_id uuid references user_profiles (id),
    created_at timestamptz default now()
);

create table chat_messages (
    id uuid primary key default gen_random_uuid(),
    session_id uuid not null references chat_sessions (id) on delete cascade,
    role text not null check (role in ('user', 'model')),
    text text not null,
    timestamp timestamptz default now()
);

create table usage_logs (
    id uuid primary key default gen_random_uuid(),
    agent_id uuid not null references agents (id) on delete cascade,
    session_id uuid references agent_sessions (id) on delete set null,
    organization_id uuid not null references organizations (id) on delete cascade,
    tokens_used integer default 0,
    cost_usd numeric(10, 4) default 0,
    model_used varchar(100),
    channel varchar(50),
    created_at timestamptz default now()
);

create table call_logs (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null references organizations (id) on delete cascade,
    agent_id uuid references agents (id) on delete set null,
    phone_number_id uuid references phone_numbers (id) on delete set null,
    session_id text not null,
    direction text not null,
    caller_number text,
    duration_seconds integer default 0,
    cost numeric(10, 4) default 0,
    recording_url text,
    status text,
    created_at timestamptz default now()
);

-- Row level security: whole rows for the owner, whole tables for anybody.
do $$
declare
    t text;
begin
    foreach t in array array['organizations', 'user_profiles', 'agents', 'agent_sessions', 'agent_messages',
        'usage_logs', 'sip_trunks', 'phone_numbers', 'call_logs', 'chat_sessions', 'chat_messages'] loop
        execute format('alter table %I enable row level security', t);
    end loop;
end $$;

create policy "Users can view their own organizations" on organizations for select using (auth.uid() = owner_id);
create policy "Users can create organizations" on organizations for insert with check (auth.uid() = owner_id);
create policy "Users can update their own organizations" on organizations for update using (auth.uid() = owner_id);
create policy "Users can delete their own organizations" on organizations for delete using (auth.uid() = owner_id);
create policy "Users can view their own profile" on user_profiles for select using (auth.uid() = id);
create policy "Users can update their own profile" on user_profiles for update using (auth.uid() = id);
create policy "Owners manage their agents" on agents for all
    using (organization_id in (select id from organizations where owner_id = auth.uid()));
create policy "Owners manage their phone numbers" on phone_numbers for all
    using (organization_id in (select id from organizations where owner_id = auth.uid()));
create policy "Owners manage their sip trunks" on sip_trunks for all
    using (organization_id in (select id from organizations where owner_id = auth.uid()));
create policy "Owners view their call logs" on call_logs for select
    using (organization_id in (select id from organizations where owner_id = auth.uid()));
create policy "Owners view their usage" on usage_logs for select
    using (organization_id in (select id from organizations where owner_id = auth.uid()));
create policy "Anyone can insert usage" on usage_logs for insert with check (true);
create policy "Anyone can view agent sessions" on agent_sessions for select using (true);
create policy "Anyone can create agent sessions" on agent_sessions for insert with check (true);
create policy "Anyone can update agent sessions" on agent_sessions for update using (true);
create policy "Anyone can view agent messages" on agent_messages for select using (true);
create policy "Anyone can create agent messages" on agent_messages for insert with check (true);
create policy "Anyone can create chat sessions" on chat_sessions for insert with check (true);
create policy "Anyone can view chat sessions" on chat_sessions for select using (true);
create policy "Anyone can insert chat messages" on chat_messages for insert with check (true);
create policy "Anyone can view chat messages" on chat_messages for select using (true);

create function update_updated_at_column() returns trigger language plpgsql as $$
begin
    new.updated_at = now();
    return new;
end $$;

create trigger update_organizations_updated_at before update on organizations
    for each row execute function update_updated_at_column();
create trigger update_user_profiles_updated_at before update on user_profiles
    for each row execute function update_updated_at_column();
create trigger update_agents_updated_at before update on agents
    for each row execute function update_updated_at_column();

-- The sign-up trigger that a login without mail, or a mail seen before, aborts.
create function public.handle_new_user() returns trigger language plpgsql security definer as $$
begin
    insert into public.user_profiles (id, email, full_name)
    values (new.id, new.email, new.raw_user_meta_data ->> 'full_name');
    insert into public.organizations (name, owner_id)
    values (coalesce(new.raw_user_meta_data ->> 'company_name', 'My Organization'), new.id);
    return new;
end $$;

create trigger on_auth_user_created after insert on auth.users
    for each row execute function public.handle_new_user();

-- What a project made before 2026 got by default.
grant usage on schema public to anon, authenticated, service_role;
grant all on all tables in schema public to anon, authenticated, service_role;
grant all on all sequences in schema public to anon, authenticated, service_role;
grant all on all functions in schema public to anon, authenticated, service_role;
