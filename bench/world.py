"""The SQL that generates tenants. Every value comes from the number of its row: the same sizes, the same rows.

`{tenants}`, `{agents}` and so on are the sizes asked for; bench/values.py has the functions.
"""

from loading import Copied
from values import ROLE, WORD, array

# One after the other; what is prepared is in tables of the schema `bench`.
STEPS = {
    "logins": """
        insert into auth.users (id, email, raw_user_meta_data, created_at, updated_at)
        select bench.bench_id('login', n), 'login' || n || '@example.org', '{{}}', bench.past(n, 1), bench.moment()
        from generate_series(1, {tenants}) n
        """,
    "profiles": """
        insert into user_profiles (id, email, full_name, company_name, phone_number, subscription_tier,
                                   stripe_customer_id, stripe_subscription_id, created_at, updated_at)
        select bench.bench_id('login', n),
          bench.pick(array['anna', 'lukasz', 'zoe', 'jose', 'juergen', 'olga', 'taro', 'minjun'], n, 2) || '.'
            || bench.pick(array['mueller', 'garcia', 'nowak', 'smith', 'tanaka', 'kim', 'hassan'], n, 3)
            || n || '@' || bench.pick(array['example.org', 'example.net', 'mail.example', 'firma.example'], n, 4),
          case when bench.u(n, 5) < 0.9 then bench.first_name(n) || ' ' || bench.last_name(n) end,
          case when bench.u(n, 6) < 0.5 then bench.organization_name(n) end,
          case when bench.u(n, 7) < 0.6 then bench.phone(n, 8) end,
          bench.pick(array['free', 'free', 'free', 'pro', 'pro', 'enterprise', null], n, 9),
          case when bench.u(n, 10) < 0.4 then 'cus_' || left(md5('customer' || n), 14) end,
          case when bench.u(n, 10) < 0.3 then 'sub_' || left(md5('subscription' || n), 14) end,
          bench.past(n, 1), bench.moment()
        from generate_series(1, {tenants}) n where n % 500 <> 0  -- some sign-ups half failed
        """,
    "postings (prepared)": """
        create unlogged table bench.posting as
        select n, owner, at, kind, amount, sum(amount) over (partition by owner order by at, n) as after,
               row_number() over (order by at, n) as place
        from (select n, bench.skewed(n, 20, {tenants}) as owner, bench.past(n, 21) as at,
                     case when bench.u(n, 22) < 0.4 then 'top_up' when bench.u(n, 22) < 0.95 then 'settlement'
                          else 'goodwill' end as kind,
                     round((case when bench.u(n, 22) between 0.4 and 0.95 then -1 else 1 end
                            * (1 + bench.u(n, 23) * 80))::numeric, 2) as amount
              from generate_series(1, {postings}) n) p
        """,
    "organizations": """
        insert into organizations (id, name, owner_id, credits_balance, created_at, updated_at)
        select bench.bench_id('organization', n), bench.organization_name(n),
               bench.bench_id('login', case when n % 50 = 0 then n / 50 else n end),  -- some own several
               coalesce(b.amount, case when n % 400 = 0 then null else 0 end), bench.past(n, 1), bench.past(n, 1)
        from generate_series(1, {tenants}) n
        left join (select owner, sum(amount) as amount from bench.posting group by owner) b on b.owner = n
        """,
    "ledger": """
        insert into credit_transactions (organization_id, organization_name, amount, balance_after, kind, reason,
                                         reference, actor, idempotency_key, db_role, created_at)
        select bench.bench_id('organization', owner), bench.organization_name(owner), amount, after, kind,
               'Generated', 'REF-' || n, 'Generated', 'generated-' || n,
               case kind when 'settlement' then 'postgres' else 'backoffice' end, at  -- the runtime deducts by itself
        from bench.posting order by place
        """,
    "agents (prepared)": """
        create unlogged table bench.agent as
        select n, owner, row_number() over (partition by owner order by n) as k,
               count(*) over (partition by owner) as of
        from (select n, case when n <= {tenants} * 0.9 then n
                             else bench.skewed(n, 30, ({tenants} * 0.9)::bigint) end as owner
              from generate_series(1, {agents}) n) a
        """,
    "agents (indexed)": "create unique index on bench.agent (owner, k)",
    "agents (analyzed)": "analyze bench.agent",
    "agents": """
        insert into agents (id, organization_id, name, description, llm_model, system_prompt, temperature,
                            voice_provider, stt_provider, is_published, version, config, created_at, updated_at)
        select bench.bench_id('agent', n), bench.bench_id('organization', owner),
               """
    + f"bench.pick({array(ROLE)}, n, 31) || ' ' || bench.pick({array(WORD)}, n, 32)"
    + """ || case when k > 1 then ' ' || k else '' end,
               'Generated', bench.model(n), 'You answer for ' || bench.organization_name(owner) || '.',
               round((bench.u(n, 33) * 2)::numeric, 1),
               bench.pick(array['elevenlabs', 'openai', 'cartesia', null], n, 34),
               bench.pick(array['whisper', 'deepgram', 'google'], n, 35), bench.u(n, 36) < 0.7,
               1 + floor(bench.u(n, 37) * 9)::int,
               jsonb_build_object('llm', jsonb_build_object('provider', 'openai', 'model',
                 case when bench.u(n, 38) < 0.05 then 'gpt-4' else bench.model(n) end)),
               bench.past(n, 39), bench.past(n, 40)
        from bench.agent
        """,
    "numbers (prepared)": """
        create unlogged table bench.number as
        select n, owner, row_number() over (partition by owner order by n) as k,
               count(*) over (partition by owner) as of
        from (select n, case when n <= least({numbers}, {tenants}) * 0.8 then n
                             else bench.skewed(n, 41, (least({numbers}, {tenants}) * 0.8)::bigint) end as owner
              from generate_series(1, {numbers}) n) a
        """,
    "numbers (indexed)": "create unique index on bench.number (owner, k)",
    "numbers (analyzed)": "analyze bench.number",
    "numbers": """
        insert into phone_numbers (id, organization_id, agent_id, phone_number, provider, provider_sid, status,
                                   created_at)
        select bench.bench_id('number', n), bench.bench_id('organization', owner),
               case when bench.u(n, 42) < 0.05 then null
                    when bench.u(n, 42) < 0.055 then bench.bench_id('agent', 1)  -- another tenant's
                    else bench.bench_id('agent', owner) end,
               left(bench.phone(n, 43), -7) || lpad((n * 7919 % 10000000)::text, 7, '0'),  -- no two alike
               bench.pick(array['twilio', 'telnyx'], n, 44), 'PN' || md5('sid' || n),
               case when bench.u(n, 45) < 0.1 then 'released' else 'active' end, bench.past(n, 46)
        from bench.number
        """,
    "trunks": """
        insert into sip_trunks (id, organization_id, provider, username, password, sip_domain, created_at)
        select bench.bench_id('trunk', n),
               case when n % 100 <> 0 then bench.bench_id('organization', bench.skewed(n, 50, {tenants})) end,
               bench.pick(array['twilio', 'telnyx', 'livekit'], n, 51), 'trunk' || n, 'generated-' || n,
               't' || n || '.sip.' || bench.pick(array['twilio.example', 'telnyx.example'], n, 52),
               bench.past(n, 53)
        from generate_series(1, {trunks}) n
        """,
    "messages (prepared)": """
        create unlogged table bench.message as
        select n, 1 + floor(power(bench.u(n, 60), 1.5) * {sessions})::bigint as session
        from generate_series(1, {messages}) n
        """,
    "sessions (prepared)": """
        create unlogged table bench.session as
        select s.n, a.n as agent, s.owner, s.at, coalesce(m.count, 0) as messages
        from (select n, bench.skewed(n, 61, ({tenants} * 0.9)::bigint) as owner, bench.past(n, 62) as at
              from generate_series(1, {sessions}) n) s
        join bench.agent f on f.owner = s.owner and f.k = 1
        join bench.agent a
          on a.owner = s.owner and a.k = 1 + floor(power(bench.u(s.n, 63), 2) * least(f.of, 500))::int
        left join (select session, count(*) as count from bench.message group by session) m on m.session = s.n
        """,
    "sessions (indexed)": "create unique index on bench.session (n)",
    "sessions (analyzed)": "analyze bench.session",
}

# After these, in two processes: each step once that above it is done.
LANES = [
    {
        "sessions": Copied(
            """
            agent_sessions (id, agent_id, session_id, channel, conversation_history, message_count, status,
              started_at, last_activity_at, created_at)
            """,
            """
            select bench.bench_id('session', n), bench.bench_id('agent', agent),
                   case when n = 1 then 'default'
                        else 'session_' || (extract(epoch from at) * 1000)::bigint || '_' || left(md5('s' || n), 9) end,
                   case when bench.u(n, 64) < 0.1 then bench.pick(array['voice', 'phone'], n, 65) else 'text' end,
                   jsonb_build_array(jsonb_build_object('role', 'user', 'content', 'Hello')), messages,
                   case when bench.u(n, 66) < 0.8 then 'active' else 'ended' end, at,
                   at + messages * interval '20 seconds', at
            from bench.session
            """,
        ),
        "messages": Copied(
            """
            agent_messages (id, session_id, role, content, tokens_used, latency_ms, model_used, created_at)
            """,
            """
            select bench.bench_id('message', m.n), bench.bench_id('session', m.session),
                   case m.n % 2 when 0 then 'user' else 'assistant' end,
                   bench.pick(array['Can I move my appointment to Friday?', 'Of course. Which time suits you?',
                     'Haben Sie morgen geöffnet?', 'Ja, von neun bis sechs.', '予約を変更したいです。', 'شكرا جزيلا',
                     'Quel est le prix ?', 'Your order leaves the warehouse today.'], m.n, 70) || ' (' || m.n || ')',
                   20 + floor(bench.u(m.n, 71) * 300)::int, 200 + floor(bench.u(m.n, 72) * 3000)::int,
                   case m.n % 2 when 1 then bench.model(s.agent) end,
                   s.at + bench.u(m.n, 73) * s.messages * interval '20 seconds'
            from bench.message m join bench.session s on s.n = m.session
            """,
        ),
    },
    {
        "calls": Copied(
            """
            call_logs (id, organization_id, agent_id, phone_number_id, session_id, direction, caller_number,
              duration_seconds, cost, recording_url, status, created_at)
            """,
            """
            select bench.bench_id('call', c.n), bench.bench_id('organization', c.owner),
                   bench.bench_id('agent', c.owner), bench.bench_id('number', p.n), 'call_' || md5('c' || c.n),
                   case when bench.u(c.n, 90) < 0.9 then 'inbound' else 'outbound' end,
                   case when bench.u(c.n, 91) < 0.97
                        then bench.phone(1 + floor(bench.u(c.n, 92) * {calls} / 3)::bigint, 93) else 'anonymous' end,
                   floor(power(bench.u(c.n, 94), 3) * 1800)::int, round((bench.u(c.n, 95) * 2)::numeric, 4),
                   case when bench.u(c.n, 96) < 0.3 then 'https://media.example/recordings/' || c.n || '.wav' end,
                   bench.pick(array['completed', 'completed', 'completed', 'completed', 'failed', 'active', 'busy'],
                                c.n, 97),
                   bench.past(c.n, 98)
            from (select n, bench.skewed(n, 99, (least({numbers}, {tenants}) * 0.8)::bigint) as owner
                  from generate_series(1, {calls}) n) c
            join bench.number f on f.owner = c.owner and f.k = 1
            join bench.number p on p.owner = c.owner and p.k = 1 + floor(bench.u(c.n, 100) * f.of)::int
            """,
        ),
        "usage": Copied(
            """
            usage_logs (id, agent_id, organization_id, session_id, tokens_used, cost_usd, model_used, channel,
              created_at)
            """,
            """
            select bench.bench_id('usage', u.n), bench.bench_id('agent', a.n),
                   bench.bench_id('organization', u.owner),
                   null,
                   floor(bench.u(u.n, 110) * 4000)::int,
                   case when bench.u(u.n, 111) < 0.8 then round((bench.u(u.n, 112) / 10)::numeric, 4) end,
                   bench.model(a.n), bench.pick(array['text', 'voice', 'phone'], u.n, 113), bench.past(u.n, 114)
            from (select n, bench.skewed(n, 115, ({tenants} * 0.9)::bigint) as owner
                  from generate_series(1, {usage}) n) u
            join lateral (select a.n from bench.agent a where a.owner = u.owner and a.k = 1) a on true
            """,
        ),
        "legacy chats": """
            insert into chat_sessions (id, project_id, created_at)
            select bench.bench_id('chat', c.n), bench.bench_id('agent', a.n), bench.past(c.n, 80)
            from (select n, bench.skewed(n, 81, ({tenants} * 0.9)::bigint) as owner
                  from generate_series(1, {chats}) n) c
            join bench.agent a on a.owner = c.owner and a.k = 1
            """,
        "legacy messages": Copied(
            """
            chat_messages (id, session_id, role, text, "timestamp")
            """,
            """
            select bench.bench_id('chat message', c.n * 4 + i), bench.bench_id('chat', c.n),
                   case i % 2 when 0 then 'user' else 'model' end, 'Legacy text ' || c.n,
                   bench.past(c.n, 80) + i * interval '30 seconds'
            from generate_series(1, {chats}) c (n), generate_series(0, 3) i
            """,
        ),
        "changes": """
            insert into audit.event (at, table_name, row_id, row_label, organization_id, action, old, new, actor,
                                     reason, db_role, source)
            select at, 'agents', bench.bench_id('agent', owner)::text, 'Generated',
                   bench.bench_id('organization', owner),
                   'update', jsonb_build_object('temperature', round((bench.u(n, 120) * 2)::numeric, 1)),
                   jsonb_build_object('temperature', round((bench.u(n, 121) * 2)::numeric, 1)),
                   'Generated', 'Generated',
                   'backoffice', case when bench.u(n, 122) < 0.7 then 'app' else 'outside' end
            from (select n, bench.skewed(n, 123, ({tenants} * 0.9)::bigint) as owner, bench.past(n, 124) as at
                  from generate_series(1, {changes}) n) c order by at
            """,
    },
]
