-- Two tenants, Alice (a…) and Bob (b…), with a row in every table; ids end in the table's place in this file.
-- Run by a superuser over the loaded files.
insert into auth.users (id, email, raw_user_meta_data) values
    ('a0000000-0000-4000-8000-000000000000', 'alice@example.com', '{"company_name": "Alice Ltd", "full_name": "Alice"}'),
    ('b0000000-0000-4000-8000-000000000000', 'bob@example.com', '{"company_name": "Bob Ltd", "full_name": "Bob"}');
delete from public.organizations;
insert into public.organizations (id, name, owner_id, credits_balance) values
    ('a0000000-0000-4000-8000-000000000001', 'Alice Ltd', 'a0000000-0000-4000-8000-000000000000', 100),
    ('b0000000-0000-4000-8000-000000000001', 'Bob Ltd', 'b0000000-0000-4000-8000-000000000000', 10),
    ('c0000000-0000-4000-8000-000000000001', 'Nothing hangs on it', 'b0000000-0000-4000-8000-000000000000', 0);
insert into public.agents (id, organization_id, name, config, custom_headers, is_published) values
    ('a0000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000001', 'Alice''s desk',
     '{"sip": {"password": "alice-config-secret", "port": 5060}, "max_tokens": 1500}',
     '{"Authorization": "Bearer alice-header-secret"}', true),
    ('b0000000-0000-4000-8000-000000000002', 'b0000000-0000-4000-8000-000000000001', 'Bob''s desk',
     '{"max_tokens": 1500}', '{}', false);
insert into public.sip_trunks (id, organization_id, provider, username, password, sip_domain) values
    ('a0000000-0000-4000-8000-000000000003', 'a0000000-0000-4000-8000-000000000001', 'twilio', 'alice', 'alice-trunk-secret', 'a.example.net'),
    ('b0000000-0000-4000-8000-000000000003', 'b0000000-0000-4000-8000-000000000001', 'telnyx', 'bob', 'bob-trunk-secret', 'b.example.net'),
    ('c0000000-0000-4000-8000-000000000003', null, 'livekit', 'platform', 'platform-trunk-secret', 'p.example.net');
insert into public.phone_numbers (id, organization_id, agent_id, phone_number) values
    ('a0000000-0000-4000-8000-000000000004', 'a0000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000002', '+14155550100'),
    ('b0000000-0000-4000-8000-000000000004', 'b0000000-0000-4000-8000-000000000001', 'b0000000-0000-4000-8000-000000000002', '+14155550200');
insert into public.agent_sessions (id, agent_id, session_id, message_count) values
    ('a0000000-0000-4000-8000-000000000005', 'a0000000-0000-4000-8000-000000000002', 'session_1765700000000_alicealic', 2),
    ('a1000000-0000-4000-8000-000000000005', 'a0000000-0000-4000-8000-000000000002', 'exactly16letters', 1),
    ('a2000000-0000-4000-8000-000000000005', 'a0000000-0000-4000-8000-000000000002', 'only15letters..', 1),
    ('a3000000-0000-4000-8000-000000000005', 'a0000000-0000-4000-8000-000000000002', 'default', 1),
    ('a4000000-0000-4000-8000-000000000005', 'a0000000-0000-4000-8000-000000000002', '', 1),
    ('b0000000-0000-4000-8000-000000000005', 'b0000000-0000-4000-8000-000000000002', 'session_1765700000000_bobbobbob', 1);
insert into public.agent_messages (id, session_id, role, content) values
    ('a0000000-0000-4000-8000-000000000006', 'a0000000-0000-4000-8000-000000000005', 'user', 'Alice asks'),
    ('a1000000-0000-4000-8000-000000000006', 'a0000000-0000-4000-8000-000000000005', 'assistant', 'Alice hears'),
    ('a2000000-0000-4000-8000-000000000006', 'a2000000-0000-4000-8000-000000000005', 'user', 'short token'),
    ('a3000000-0000-4000-8000-000000000006', 'a3000000-0000-4000-8000-000000000005', 'user', 'somebody on the phone'),
    ('a4000000-0000-4000-8000-000000000006', 'a4000000-0000-4000-8000-000000000005', 'user', 'empty token'),
    ('a5000000-0000-4000-8000-000000000006', 'a1000000-0000-4000-8000-000000000005', 'user', 'sixteen'),
    ('b0000000-0000-4000-8000-000000000006', 'b0000000-0000-4000-8000-000000000005', 'user', 'Bob asks');
insert into public.chat_sessions (id, project_id, user_id) values
    ('a0000000-0000-4000-8000-000000000007', 'a0000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000000'),
    ('a1000000-0000-4000-8000-000000000007', 'a0000000-0000-4000-8000-000000000002', null),
    ('b0000000-0000-4000-8000-000000000007', 'b0000000-0000-4000-8000-000000000002', null);
insert into public.chat_messages (id, session_id, role, text) values
    ('a0000000-0000-4000-8000-000000000008', 'a0000000-0000-4000-8000-000000000007', 'user', 'Alice tests'),
    ('a1000000-0000-4000-8000-000000000008', 'a1000000-0000-4000-8000-000000000007', 'model', 'visitor'),
    ('b0000000-0000-4000-8000-000000000008', 'b0000000-0000-4000-8000-000000000007', 'user', 'Bob''s visitor');
insert into public.usage_logs (id, agent_id, organization_id, session_id, tokens_used) values
    ('a0000000-0000-4000-8000-000000000009', 'a0000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000005', 100),
    ('b0000000-0000-4000-8000-000000000009', 'b0000000-0000-4000-8000-000000000002', 'b0000000-0000-4000-8000-000000000001', null, 100);
insert into public.call_logs (id, organization_id, agent_id, phone_number_id, session_id, direction, status) values
    ('a0000000-0000-4000-8000-00000000000a', 'a0000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000004', 'call-a', 'inbound', 'active'),
    ('b0000000-0000-4000-8000-00000000000a', 'b0000000-0000-4000-8000-000000000001', 'b0000000-0000-4000-8000-000000000002', 'b0000000-0000-4000-8000-000000000004', 'call-b', 'inbound', 'active');
