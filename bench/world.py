"""The SQL that generates tenants. Every value comes from the number of its row: the same sizes, the same rows.

`{tenants}`, `{agents}` and so on are the sizes asked for. Row n of a kind has the id `bench_id(kind, n)`.
"""

FIRST = """
Anna Łukasz Zoë José Jürgen Chloé Søren Giulia Mehmet Ágnes Oluwaseun Priya Liam Noah Emma Olivia
Sofía Björn Siobhán Nguyễn Đorđe İbrahim Ольга Дмитрий Ιωάννης Ελένη محمد فاطمة דוד שרה 太郎 花子 伟 芳 민준
서연 สมชาย กมล राहुल अनन्या Marie Peter Klaus Ingrid Thomas Sarah Michael Laura Daniel Julia
"""
LAST = """
Müller García Nowak Smith Johansson Dubois Rossi Yılmaz Kovács Okafor Sharma O'Connor Fernández
Strauß Sørensen Trần Petrović Иванова Смирнов Παπαδόπουλος حسن الأحمد כהן לוי 田中 佐藤 王 李 김 박 ใจดี
ศรีสุข वर्मा गुप्ता Brown Wilson Schmidt Lindqvist van-den-Berg Martínez Silva Costa Novák Horvat
Popescu Andersen Virtanen Murphy Jones Taylor
"""
WORD = """
Aurora Birch Copper Delta Ember Fjord Granite Harbor Indigo Juniper Kestrel Lumen Meridian Nimbus
Orchid Pioneer Quartz Riverbend Summit Tidewater Umbra Vertex Willow Xenon Yonder Zephyr Élan Über
Ångström Señal Große Łódź Café Naïve Brücke Straße Вектор Луч Σίγμα Όμικρον نور سلام אור שלום 東京 大阪
さくら 北京 上海 한국 서울 กรุงเทพ สยาม भारत नव
"""
TRADE = """
Dental Logistics Hotels Clinic Bakery Software Insurance Realty Travel Motors Garden Legal Fitness
Pharmacy Studio Energy Foods Books Optics Plumbing Zahnarzt Bäckerei Café Épicerie Ferretería Аптека
Клиника Φαρμακείο عيادة مطعم מרפאה 株式会社 食堂 科技 有限公司 병원 식당 คลินิก ร้านอาหาร अस्पताल
"""
ROLE = """
Front_desk Booking Support Sales Reception Concierge Orders Empfang Réception Запись الاستقبال 予約 客服 예약
จองโต๊ะ After_hours
"""  # _ stands for a space


def array(words):
    quoted = ", ".join("'" + word.replace("'", "''").replace("_", " ") + "'" for word in words.split())
    return f"array[{quoted}]"


FUNCTIONS = f"""
-- A number from 0 to 1, for row n; `salt` tells its columns apart.
create function pg_temp.u(n bigint, salt int) returns float8 language sql immutable parallel safe return
  (hashint8extended(n, salt) & 1125899906842623) / 1125899906842624.0;
create function pg_temp.pick(words text[], n bigint, salt int) returns text language sql immutable parallel safe return
  words[1 + floor(pg_temp.u(n, salt) * cardinality(words))::int];
create function pg_temp.bench_id(kind text, n bigint) returns uuid language sql immutable parallel safe return
  md5(kind || n)::uuid;
-- One of `total` owners: the first has a fifth, the others fewer and fewer.
create function pg_temp.skewed(n bigint, salt int, total bigint) returns bigint language sql immutable parallel safe
  return case when pg_temp.u(n, salt) < 0.2 then 1
              else 1 + floor(power(pg_temp.u(n, salt + 1000), 2.5) * total)::bigint end;
-- Some time in the last 400 days, more of them lately.
create function pg_temp.past(n bigint, salt int) returns timestamptz language sql stable parallel safe return
  now() - power(pg_temp.u(n, salt), 2) * interval '400 days';
create function pg_temp.first_name(n bigint) returns text language sql immutable return
  pg_temp.pick({array(FIRST)}, n, 11);
create function pg_temp.last_name(n bigint) returns text language sql immutable return
  pg_temp.pick({array(LAST)}, n, 12);
create function pg_temp.organization_name(n bigint) returns text language sql immutable return
  pg_temp.pick({array(WORD)}, n, 13) || ' ' || pg_temp.pick({array(TRADE)}, n, 14)
  || case when pg_temp.u(n, 15) < 0.5 then ' ' || pg_temp.last_name(n) else '' end
  || case when pg_temp.u(n, 16) < 0.7 then ' ' || n else '' end;
create function pg_temp.phone(n bigint, salt int) returns text language sql immutable return
  pg_temp.pick(array['+1415', '+44207', '+4930', '+331', '+813', '+9120', '+5511', '+662', '+9714', '+302'], n, salt)
  || lpad(floor(pg_temp.u(n, salt + 1) * 10000000)::text, 7, '0');
create function pg_temp.model(n bigint) returns text language sql immutable return
  pg_temp.pick(array['gpt-4o', 'gpt-4o-mini', 'gpt-4.1', 'claude-3.5-haiku', 'claude-3.7-sonnet', 'gemini-2.0-flash',
                     'gemini-pro', 'custom-llm'], n, 17);
"""

STEPS = [
    (
        "logins",
        """
        insert into auth.users (id, email, raw_user_meta_data, created_at, updated_at)
        select pg_temp.bench_id('login', n), 'login' || n || '@example.org', '{{}}', pg_temp.past(n, 1), now()
        from generate_series(1, {tenants}) n
        """,
    ),
    (
        "profiles",
        """
        insert into user_profiles (id, email, full_name, company_name, phone_number, subscription_tier,
                                   stripe_customer_id, stripe_subscription_id, created_at, updated_at)
        select pg_temp.bench_id('login', n),
          pg_temp.pick(array['anna', 'lukasz', 'zoe', 'jose', 'juergen', 'olga', 'taro', 'minjun'], n, 2) || '.'
            || pg_temp.pick(array['mueller', 'garcia', 'nowak', 'smith', 'tanaka', 'kim', 'hassan'], n, 3)
            || n || '@' || pg_temp.pick(array['example.org', 'example.net', 'mail.example', 'firma.example'], n, 4),
          case when pg_temp.u(n, 5) < 0.9 then pg_temp.first_name(n) || ' ' || pg_temp.last_name(n) end,
          case when pg_temp.u(n, 6) < 0.5 then pg_temp.organization_name(n) end,
          case when pg_temp.u(n, 7) < 0.6 then pg_temp.phone(n, 8) end,
          pg_temp.pick(array['free', 'free', 'free', 'pro', 'pro', 'enterprise', null], n, 9),
          case when pg_temp.u(n, 10) < 0.4 then 'cus_' || left(md5('customer' || n), 14) end,
          case when pg_temp.u(n, 10) < 0.3 then 'sub_' || left(md5('subscription' || n), 14) end,
          pg_temp.past(n, 1), now()
        from generate_series(1, {tenants}) n where n % 500 <> 0  -- some sign-ups half failed
        """,
    ),
    (
        "postings (prepared)",
        """
        create temporary table posting as
        select n, owner, at, kind, amount, sum(amount) over (partition by owner order by at, n) as after,
               row_number() over (order by at, n) as place
        from (select n, pg_temp.skewed(n, 20, {tenants}) as owner, pg_temp.past(n, 21) as at,
                     case when pg_temp.u(n, 22) < 0.4 then 'top_up' when pg_temp.u(n, 22) < 0.95 then 'settlement'
                          else 'goodwill' end as kind,
                     round((case when pg_temp.u(n, 22) between 0.4 and 0.95 then -1 else 1 end
                            * (1 + pg_temp.u(n, 23) * 80))::numeric, 2) as amount
              from generate_series(1, {postings}) n) p
        """,
    ),
    (
        "organizations",
        """
        insert into organizations (id, name, owner_id, credits_balance, created_at, updated_at)
        select pg_temp.bench_id('organization', n), pg_temp.organization_name(n),
               pg_temp.bench_id('login', case when n % 50 = 0 then n / 50 else n end),  -- some own several
               coalesce(b.amount, case when n % 400 = 0 then null else 0 end), pg_temp.past(n, 1), pg_temp.past(n, 1)
        from generate_series(1, {tenants}) n
        left join (select owner, sum(amount) as amount from pg_temp.posting group by owner) b on b.owner = n
        """,
    ),
    (
        "ledger",
        """
        insert into credit_transactions (organization_id, organization_name, amount, balance_after, kind, reason,
                                         reference, actor, idempotency_key, db_role, created_at)
        select pg_temp.bench_id('organization', owner), pg_temp.organization_name(owner), amount, after, kind,
               'Generated', 'REF-' || n, 'Generated', 'generated-' || n,
               case kind when 'settlement' then 'postgres' else 'backoffice' end, at  -- the runtime deducts by itself
        from pg_temp.posting order by place
        """,
    ),
    (
        "agents (prepared)",
        """
        create temporary table agent as
        select n, owner, row_number() over (partition by owner order by n) as k,
               count(*) over (partition by owner) as of
        from (select n, case when n <= {tenants} * 0.9 then n
                             else pg_temp.skewed(n, 30, ({tenants} * 0.9)::bigint) end as owner
              from generate_series(1, {agents}) n) a
        """,
    ),
    ("agents (indexed)", "create unique index on pg_temp.agent (owner, k)"),
    ("agents (analyzed)", "analyze pg_temp.agent"),
    (
        "agents",
        """
        insert into agents (id, organization_id, name, description, llm_model, system_prompt, temperature,
                            voice_provider, stt_provider, is_published, version, config, created_at, updated_at)
        select pg_temp.bench_id('agent', n), pg_temp.bench_id('organization', owner),
               """
        + f"pg_temp.pick({array(ROLE)}, n, 31) || ' ' || pg_temp.pick({array(WORD)}, n, 32)"
        + """ || case when k > 1 then ' ' || k else '' end,
               'Generated', pg_temp.model(n), 'You answer for ' || pg_temp.organization_name(owner) || '.',
               round((pg_temp.u(n, 33) * 2)::numeric, 1),
               pg_temp.pick(array['elevenlabs', 'openai', 'cartesia', null], n, 34),
               pg_temp.pick(array['whisper', 'deepgram', 'google'], n, 35), pg_temp.u(n, 36) < 0.7,
               1 + floor(pg_temp.u(n, 37) * 9)::int,
               jsonb_build_object('llm', jsonb_build_object('provider', 'openai', 'model',
                 case when pg_temp.u(n, 38) < 0.05 then 'gpt-4' else pg_temp.model(n) end)),
               pg_temp.past(n, 39), pg_temp.past(n, 40)
        from pg_temp.agent
        """,
    ),
    (
        "numbers (prepared)",
        """
        create temporary table number as
        select n, owner, row_number() over (partition by owner order by n) as k,
               count(*) over (partition by owner) as of
        from (select n, case when n <= least({numbers}, {tenants}) * 0.8 then n
                             else pg_temp.skewed(n, 41, (least({numbers}, {tenants}) * 0.8)::bigint) end as owner
              from generate_series(1, {numbers}) n) a
        """,
    ),
    ("numbers (indexed)", "create unique index on pg_temp.number (owner, k)"),
    ("numbers (analyzed)", "analyze pg_temp.number"),
    (
        "numbers",
        """
        insert into phone_numbers (id, organization_id, agent_id, phone_number, provider, provider_sid, status,
                                   created_at)
        select pg_temp.bench_id('number', n), pg_temp.bench_id('organization', owner),
               case when pg_temp.u(n, 42) < 0.05 then null
                    when pg_temp.u(n, 42) < 0.055 then pg_temp.bench_id('agent', 1)  -- another tenant's
                    else pg_temp.bench_id('agent', owner) end,
               left(pg_temp.phone(n, 43), -7) || lpad((n * 7919 % 10000000)::text, 7, '0'),  -- no two alike
               pg_temp.pick(array['twilio', 'telnyx'], n, 44), 'PN' || md5('sid' || n),
               case when pg_temp.u(n, 45) < 0.1 then 'released' else 'active' end, pg_temp.past(n, 46)
        from pg_temp.number
        """,
    ),
    (
        "trunks",
        """
        insert into sip_trunks (id, organization_id, provider, username, password, sip_domain, created_at)
        select pg_temp.bench_id('trunk', n),
               case when n % 100 <> 0 then pg_temp.bench_id('organization', pg_temp.skewed(n, 50, {tenants})) end,
               pg_temp.pick(array['twilio', 'telnyx', 'livekit'], n, 51), 'trunk' || n, 'generated-' || n,
               't' || n || '.sip.' || pg_temp.pick(array['twilio.example', 'telnyx.example'], n, 52),
               pg_temp.past(n, 53)
        from generate_series(1, {trunks}) n
        """,
    ),
    (
        "messages (prepared)",
        """
        create temporary table message as
        select n, 1 + floor(power(pg_temp.u(n, 60), 1.5) * {sessions})::bigint as session
        from generate_series(1, {messages}) n
        """,
    ),
    (
        "sessions (prepared)",
        """
        create temporary table session as
        select s.n, a.n as agent, s.owner, s.at, coalesce(m.count, 0) as messages
        from (select n, pg_temp.skewed(n, 61, ({tenants} * 0.9)::bigint) as owner, pg_temp.past(n, 62) as at
              from generate_series(1, {sessions}) n) s
        join pg_temp.agent f on f.owner = s.owner and f.k = 1
        join pg_temp.agent a
          on a.owner = s.owner and a.k = 1 + floor(power(pg_temp.u(s.n, 63), 2) * least(f.of, 500))::int
        left join (select session, count(*) as count from pg_temp.message group by session) m on m.session = s.n
        """,
    ),
    ("sessions (indexed)", "create unique index on pg_temp.session (n)"),
    (
        "sessions",
        """
        insert into agent_sessions (id, agent_id, session_id, channel, conversation_history, message_count, status,
                                    started_at, last_activity_at, created_at)
        select pg_temp.bench_id('session', n), pg_temp.bench_id('agent', agent),
               case when n = 1 then 'default'
                    else 'session_' || (extract(epoch from at) * 1000)::bigint || '_' || left(md5('s' || n), 9) end,
               case when pg_temp.u(n, 64) < 0.1 then pg_temp.pick(array['voice', 'phone'], n, 65) else 'text' end,
               jsonb_build_array(jsonb_build_object('role', 'user', 'content', 'Hello')), messages,
               case when pg_temp.u(n, 66) < 0.8 then 'active' else 'ended' end, at,
               at + messages * interval '20 seconds', at
        from pg_temp.session
        """,
    ),
    (
        "messages",
        """
        insert into agent_messages (id, session_id, role, content, tokens_used, latency_ms, model_used, created_at)
        select pg_temp.bench_id('message', m.n), pg_temp.bench_id('session', m.session),
               case m.n % 2 when 0 then 'user' else 'assistant' end,
               pg_temp.pick(array['Can I move my appointment to Friday?', 'Of course. Which time suits you?',
                 'Haben Sie morgen geöffnet?', 'Ja, von neun bis sechs.', '予約を変更したいです。', 'شكرا جزيلا',
                 'Quel est le prix ?', 'Your order leaves the warehouse today.'], m.n, 70) || ' (' || m.n || ')',
               20 + floor(pg_temp.u(m.n, 71) * 300)::int, 200 + floor(pg_temp.u(m.n, 72) * 3000)::int,
               case m.n % 2 when 1 then pg_temp.model(s.agent) end,
               s.at + pg_temp.u(m.n, 73) * s.messages * interval '20 seconds'
        from pg_temp.message m join pg_temp.session s on s.n = m.session
        """,
    ),
    (
        "legacy chats",
        """
        insert into chat_sessions (id, project_id, created_at)
        select pg_temp.bench_id('chat', c.n), pg_temp.bench_id('agent', a.n), pg_temp.past(c.n, 80)
        from (select n, pg_temp.skewed(n, 81, ({tenants} * 0.9)::bigint) as owner from generate_series(1, {chats}) n) c
        join pg_temp.agent a on a.owner = c.owner and a.k = 1
        """,
    ),
    (
        "legacy messages",
        """
        insert into chat_messages (id, session_id, role, text, "timestamp")
        select pg_temp.bench_id('chat message', c.n * 4 + i), pg_temp.bench_id('chat', c.n),
               case i % 2 when 0 then 'user' else 'model' end, 'Legacy text ' || c.n,
               pg_temp.past(c.n, 80) + i * interval '30 seconds'
        from generate_series(1, {chats}) c (n), generate_series(0, 3) i
        """,
    ),
    (
        "calls",
        """
        insert into call_logs (id, organization_id, agent_id, phone_number_id, session_id, direction, caller_number,
                               duration_seconds, cost, recording_url, status, created_at)
        select pg_temp.bench_id('call', c.n), pg_temp.bench_id('organization', c.owner),
               pg_temp.bench_id('agent', c.owner), pg_temp.bench_id('number', p.n), 'call_' || md5('c' || c.n),
               case when pg_temp.u(c.n, 90) < 0.9 then 'inbound' else 'outbound' end,
               case when pg_temp.u(c.n, 91) < 0.97
                    then pg_temp.phone(1 + floor(pg_temp.u(c.n, 92) * {calls} / 3)::bigint, 93) else 'anonymous' end,
               floor(power(pg_temp.u(c.n, 94), 3) * 1800)::int, round((pg_temp.u(c.n, 95) * 2)::numeric, 4),
               case when pg_temp.u(c.n, 96) < 0.3 then 'https://media.example/recordings/' || c.n || '.wav' end,
               pg_temp.pick(array['completed', 'completed', 'completed', 'completed', 'failed', 'active', 'busy'],
                            c.n, 97),
               pg_temp.past(c.n, 98)
        from (select n, pg_temp.skewed(n, 99, (least({numbers}, {tenants}) * 0.8)::bigint) as owner
              from generate_series(1, {calls}) n) c
        join pg_temp.number f on f.owner = c.owner and f.k = 1
        join pg_temp.number p on p.owner = c.owner and p.k = 1 + floor(pg_temp.u(c.n, 100) * f.of)::int
        """,
    ),
    (
        "usage",
        """
        insert into usage_logs (id, agent_id, organization_id, session_id, tokens_used, cost_usd, model_used, channel,
                                created_at)
        select pg_temp.bench_id('usage', u.n), pg_temp.bench_id('agent', a.n),
               pg_temp.bench_id('organization', u.owner),
               null,
               floor(pg_temp.u(u.n, 110) * 4000)::int,
               case when pg_temp.u(u.n, 111) < 0.8 then round((pg_temp.u(u.n, 112) / 10)::numeric, 4) end,
               pg_temp.model(a.n), pg_temp.pick(array['text', 'voice', 'phone'], u.n, 113), pg_temp.past(u.n, 114)
        from (select n, pg_temp.skewed(n, 115, ({tenants} * 0.9)::bigint) as owner from generate_series(1, {usage}) n) u
        join lateral (select a.n from pg_temp.agent a where a.owner = u.owner and a.k = 1) a on true
        """,
    ),
    (
        "changes",
        """
        insert into audit.event (at, table_name, row_id, row_label, organization_id, action, old, new, actor, reason,
                                 db_role, source)
        select at, 'agents', pg_temp.bench_id('agent', owner)::text, 'Generated',
               pg_temp.bench_id('organization', owner),
               'update', jsonb_build_object('temperature', round((pg_temp.u(n, 120) * 2)::numeric, 1)),
               jsonb_build_object('temperature', round((pg_temp.u(n, 121) * 2)::numeric, 1)), 'Generated', 'Generated',
               'backoffice', case when pg_temp.u(n, 122) < 0.7 then 'app' else 'outside' end
        from (select n, pg_temp.skewed(n, 123, ({tenants} * 0.9)::bigint) as owner, pg_temp.past(n, 124) as at
              from generate_series(1, {changes}) n) c order by at
        """,
    ),
]
