-- Rows that break every rule the upgrade could be tempted to add. Run over older_shape.sql by a superuser, for only
-- one may put in logins past the sign-up trigger.
-- Three tenants: 1 ordinary, 2 odd, 3 with NULL in every nullable column. Every one must come through unchanged.

set session_replication_role = replica;
insert into auth.users (id, email, raw_user_meta_data) values
    ('10000000-0000-0000-0000-000000000001', 'one@example.com', '{"company_name": "One"}'),
    ('10000000-0000-0000-0000-000000000002', 'two@example.com', '[]'),
    ('10000000-0000-0000-0000-000000000003', null, null),
    ('10000000-0000-0000-0000-000000000004', null, '"text"');
set session_replication_role = origin;

insert into user_profiles values
    ('10000000-0000-0000-0000-000000000001', 'one@example.com', 'One', 'One Inc.', '+14155550100', 'https://example.com/a.png', 'pro', 'cus_1', 'sub_1', '2025-12-01', '2025-12-02'),
    ('10000000-0000-0000-0000-000000000002', '', '', repeat('Ü', 255), repeat('9', 50), 'javascript:alert(1)', 'platinum', 'cus_1', 'sub_1', 'infinity', '-infinity'),
    ('10000000-0000-0000-0000-000000000003', 'NOT A MAIL', null, null, null, null, null, null, null, null, null);

-- Balances: ordinary, negative, NULL, zero, the largest and the smallest that fit; two organizations of one owner,
-- one owner without a profile.
insert into organizations (id, name, owner_id, credits_balance, created_at, updated_at) values
    ('20000000-0000-0000-0000-000000000001', 'One', '10000000-0000-0000-0000-000000000001', 12.34, '2025-12-01', '2025-12-02'),
    ('20000000-0000-0000-0000-000000000002', '', '10000000-0000-0000-0000-000000000002', -50.01, 'infinity', '-infinity'),
    ('20000000-0000-0000-0000-000000000003', repeat('x', 255), '10000000-0000-0000-0000-000000000003', null, null, null),
    ('20000000-0000-0000-0000-000000000004', '   ', '10000000-0000-0000-0000-000000000004', 0, '-infinity', 'infinity'),
    ('20000000-0000-0000-0000-000000000005', E'tab\tnew\nline "quote''s" <b>', '10000000-0000-0000-0000-000000000002', 99999999.99, '0001-01-01 BC', '294276-12-31 23:59:59+00'),
    ('20000000-0000-0000-0000-000000000006', 'One', '10000000-0000-0000-0000-000000000001', -99999999.99, '2999-01-01', '2999-01-01');

insert into agents (id, organization_id, name) values
    ('30000000-0000-0000-0000-000000000001', '20000000-0000-0000-0000-000000000001', 'Desk');
insert into agents values
    ('30000000-0000-0000-0000-000000000002', '20000000-0000-0000-0000-000000000002', '{"name": "JSON for a name"}', '',
     'nobody', repeat('m', 100), '', -9.99, -1, 'pigeon', repeat('v', 255), '', 9.99, -9.99, 'NaN', 9.99, 9.99, null,
     '"not a list"', null, '{"a": 1}', '', 9.99, -2147483648, 2147483647, null, 'leave-message', '', '', 'x', 'x', null,
     '{"ssn": true}', 'secrets', 'ftp://example.com', -5, '["not", "an", "object"]', '7', 'null', null, -3, '[1, 2]',
     'infinity', '-infinity'),
    ('30000000-0000-0000-0000-000000000003', '20000000-0000-0000-0000-000000000003', '',
     null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null,
     null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null,
     null, null, null),
    ('30000000-0000-0000-0000-000000000004', '20000000-0000-0000-0000-000000000002', repeat('n', 255),
     null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, 'null', null, 'null', null,
     null, null, null, null, null, null, null, null, null, null, 'null', null, null, null, '"Bearer abc"', '"web"', '0', null,
     0, '"a string"', '-infinity', 'infinity');
insert into agents (id, organization_id, name, config, custom_headers) values
    ('30000000-0000-0000-0000-000000000005', '20000000-0000-0000-0000-000000000001', 'Envelope',
     '{"name": "Desk", "config": {"sip": {"password": "pw-in-json"}, "max_tokens": "many"}}', '{"Authorization": {"deep": ["Bearer x"]}}');

insert into sip_trunks values
    ('40000000-0000-0000-0000-000000000001', '20000000-0000-0000-0000-000000000001', 'twilio', 'u', 'older-trunk-password', 'sip.example.net', '2025-12-01'),
    ('40000000-0000-0000-0000-000000000002', null, '', '', '', '', 'infinity'),
    ('40000000-0000-0000-0000-000000000003', null, 'carrier pigeon', null, null, null, null);

-- A number with another tenant's agent, odd statuses, numbers that are no numbers.
insert into phone_numbers values
    ('50000000-0000-0000-0000-000000000001', '20000000-0000-0000-0000-000000000001', '30000000-0000-0000-0000-000000000001', '+14155550100', 'twilio', 'PN1', 'active', '2025-12-01'),
    ('50000000-0000-0000-0000-000000000002', '20000000-0000-0000-0000-000000000002', '30000000-0000-0000-0000-000000000001', '+1 (415) 555-0101', 'fax', '', 'ACTIVE', 'infinity'),
    ('50000000-0000-0000-0000-000000000003', '20000000-0000-0000-0000-000000000003', null, '', null, null, null, null),
    ('50000000-0000-0000-0000-000000000004', '20000000-0000-0000-0000-000000000003', '30000000-0000-0000-0000-000000000002', 'not a number', '', '', '', '-infinity');

insert into agent_sessions (id, agent_id, session_id) values
    ('60000000-0000-0000-0000-000000000001', '30000000-0000-0000-0000-000000000001', 'session_1765700000000_abcdefghi');
insert into agent_sessions values
    ('60000000-0000-0000-0000-000000000002', '30000000-0000-0000-0000-000000000001', 'default', null, null, null, 'phone', '[{"role": "user"}]', '{}', 9, 'active', '2025-12-01', '2025-12-01', null, '2025-12-01'),
    ('60000000-0000-0000-0000-000000000003', '30000000-0000-0000-0000-000000000002', '', '10000000-0000-0000-0000-000000000001', '', 'not an address', 'smoke', '"text"', '[]', -5, 'exploded', 'infinity', '-infinity', '2000-01-01', 'infinity'),
    ('60000000-0000-0000-0000-000000000004', '30000000-0000-0000-0000-000000000003', repeat('s', 255), null, null, null, null, null, null, null, null, null, null, null, null),
    ('60000000-0000-0000-0000-000000000005', '30000000-0000-0000-0000-000000000003', '  spaces  ', '10000000-0000-0000-0000-000000000003', repeat('d', 255), repeat('1', 45), '', '{"a": [null]}', 'null', 2147483647, '', '2999-01-01', '1970-01-01', '1960-01-01', '-infinity');

insert into agent_messages values
    ('70000000-0000-0000-0000-000000000001', '60000000-0000-0000-0000-000000000001', 'user', 'Opening hours?', null, null, null, null, null, '2025-12-01'),
    ('70000000-0000-0000-0000-000000000002', '60000000-0000-0000-0000-000000000001', 'assistant', '', '', -1, -1, -1, '', 'infinity'),
    ('70000000-0000-0000-0000-000000000003', '60000000-0000-0000-0000-000000000002', 'system', '<script>', 'file:///etc/passwd', 2147483647, 2147483647, 2147483647, repeat('m', 100), '-infinity'),
    ('70000000-0000-0000-0000-000000000004', '60000000-0000-0000-0000-000000000004', 'user', repeat('long ', 2000), null, null, null, null, null, null);

insert into chat_sessions values
    ('80000000-0000-0000-0000-000000000001', '30000000-0000-0000-0000-000000000001', '10000000-0000-0000-0000-000000000001', '2025-12-01'),
    ('80000000-0000-0000-0000-000000000002', '30000000-0000-0000-0000-000000000001', '10000000-0000-0000-0000-000000000002', 'infinity'),
    ('80000000-0000-0000-0000-000000000003', '30000000-0000-0000-0000-000000000002', null, null);

insert into chat_messages values
    ('90000000-0000-0000-0000-000000000001', '80000000-0000-0000-0000-000000000001', 'user', 'Hello', '2025-12-01'),
    ('90000000-0000-0000-0000-000000000002', '80000000-0000-0000-0000-000000000001', 'model', '', 'infinity'),
    ('90000000-0000-0000-0000-000000000003', '80000000-0000-0000-0000-000000000003', 'model', 'x', null);

-- Usage whose agent and organization disagree; negative and huge figures.
insert into usage_logs values
    ('a0000000-0000-0000-0000-000000000001', '30000000-0000-0000-0000-000000000001', '60000000-0000-0000-0000-000000000001', '20000000-0000-0000-0000-000000000001', 100, 0.0123, 'gpt-4o', 'text', '2025-12-01'),
    ('a0000000-0000-0000-0000-000000000002', '30000000-0000-0000-0000-000000000001', '60000000-0000-0000-0000-000000000003', '20000000-0000-0000-0000-000000000002', -100, -999999.9999, '', 'smoke', 'infinity'),
    ('a0000000-0000-0000-0000-000000000003', '30000000-0000-0000-0000-000000000003', null, '20000000-0000-0000-0000-000000000003', null, null, null, null, null),
    ('a0000000-0000-0000-0000-000000000004', '30000000-0000-0000-0000-000000000003', null, '20000000-0000-0000-0000-000000000003', 2147483647, 'NaN', repeat('m', 100), repeat('c', 50), '-infinity');

insert into call_logs values
    ('b0000000-0000-0000-0000-000000000001', '20000000-0000-0000-0000-000000000001', '30000000-0000-0000-0000-000000000001', '50000000-0000-0000-0000-000000000001', 'b1b1b1b1-0000-0000-0000-000000000001', 'inbound', '+14155550199', 60, 0.0500, null, 'completed', '2025-12-01'),
    ('b0000000-0000-0000-0000-000000000002', '20000000-0000-0000-0000-000000000002', '30000000-0000-0000-0000-000000000001', '50000000-0000-0000-0000-000000000001', '', 'sideways', 'anonymous', -3600, -1.0000, 'not a url', 'ringing', 'infinity'),
    ('b0000000-0000-0000-0000-000000000003', '20000000-0000-0000-0000-000000000003', null, null, 'default', '', null, null, null, null, null, null),
    ('b0000000-0000-0000-0000-000000000004', '20000000-0000-0000-0000-000000000003', null, null, 'default', 'outbound', '', 2147483647, 'NaN', '', '', '-infinity');
