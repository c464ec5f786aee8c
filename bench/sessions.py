"""The SQL of `generate.py --transcripts` that differs from world.py: conversations as in life."""

from loading import Copied

FUNCTIONS = """
-- Who says the turn i of session s, and when.
create function bench.role(s bigint, i bigint) returns text language sql immutable parallel safe return
  case when i = 1 and s % 100 = 9 then 'system' when i % 2 = 1 then 'user' else 'assistant' end;
create function bench.at(n bigint, i bigint, start timestamptz, gap interval) returns timestamptz
  language sql stable parallel safe return start + (i - 1 + bench.u(n, 73) * 0.9) * gap;
-- The fifth that skewed() gives the first owner, and no more than that.
create function bench.owner(n bigint, salt int, total bigint) returns bigint language sql immutable parallel safe
  return case when bench.u(n, salt) < 0.2 then 1
              else least(total, 2 + floor(power(bench.u(n, salt + 1000), 2.5) * (total - 1))::bigint) end;
-- The session of a usage record: four of five name one, which is of that tenant but for a few.
create function bench.session_of(n bigint, total bigint) returns bigint language sql immutable parallel safe return
  case when n % 5 > 0 then 1 + floor(bench.u(n, 116) * total)::bigint end;
"""

# Instead of the step of that name in world.STEPS and world.LANES.
STEPS = {
    # How many messages each session has, stored or only counted, and their sum so far. The first is the one that all
    # calls share, the second is long, the third has 120; of every 50th none is stored, of the next four are missing.
    "messages (prepared)": """
        create unlogged table bench.size as
        select n, messages, sum(messages) over (order by n) - messages as before,
               case n % 50 when 7 then 2 + floor(bench.u(n, 67) * 20)::int when 8 then messages + 4
                           else messages end as counted
        from (select n, coalesce(fixed, upto - lag(upto, 1, 0::float8) over (order by n))::int as messages
              from (select n, fixed, round(({messages} - sum(fixed) over ()) * sum(weight) over (order by n)
                                           / nullif(sum(weight) over (), 0)) as upto
                    from (select n, case n when 1 then least(5000, {messages} / 100)
                                           when 2 then least(20000, {messages} / 20)
                                           when 3 then least(120, {messages} / 50) end as fixed,
                                 case when n <= 3 or n % 50 = 7 then 0
                                      else exp(sqrt(-2 * ln(1 - bench.u(n, 60))) * cos(2 * pi() * bench.u(n, 68)))
                                 end as weight
                          from generate_series(1, {sessions}) n) w) u) m
        """,
    # 20 seconds from turn to turn, but two hundred go on for days or weeks and the shared one for all the time.
    "sessions (prepared)": """
        create unlogged table bench.session as
        select s.n, s.messages::int, s.before::bigint, s.counted, s.owner, s.gap, s.channel, s.at,
               bench.bench_id('session', s.n) as id, a.n as agent, bench.bench_id('agent', a.n) as agent_id,
               bench.model(a.n) as model,
               coalesce(s.name, 'session_' || (extract(epoch from s.at) * 1000)::bigint || '_'
                                || left(md5('s' || s.n), 9)) as name
        from (select *, bench.moment() - counted * gap
                        - power(bench.u(n, 62), 1.3) * (interval '730 days' - counted * gap) as at
              from (select *, bench.owner(n, 61, ({tenants} * 0.9)::bigint) as owner,
                           case when n = 1 then interval '700 days' / greatest(counted, 1)
                                when n between 4 and 203
                                then interval '1 day' * (1 + bench.u(n, 69) * 29) / greatest(counted, 1)
                                else interval '20 seconds' end as gap,
                           case when n = 1 or n % 10 = 0 then bench.pick(array['voice', 'phone', 'phone'], n, 65)
                                else 'text' end as channel,
                           case when n = 1 then 'default' when bench.u(n, 70) < 0.7 then null
                                when bench.u(n, 70) < 0.95 then md5('visitor' || n)::uuid::text
                                else 'session_' || md5('moved' || n)::uuid end as name
                    from bench.size offset 0) s) s
        join bench.agent f on f.owner = s.owner and f.k = 1
        join bench.agent a
          on a.owner = s.owner and a.k = 1 + floor(power(bench.u(s.n, 63), 2) * least(f.of, 500))::int
        """,
    # The JSON of most repeats the first message, that of some all of them.
    "sessions": Copied(
        """
        agent_sessions (id, agent_id, session_id, website_domain, ip_address, channel, conversation_history,
                        message_count, status, started_at, last_activity_at, ended_at, created_at)
        """,
        """
        select id, agent_id, name, case when channel = 'text' then 'shop' || owner || '.example' end,
               case when channel = 'text' then '203.0.113.' || n % 256 end, channel,
               case when bench.u(n, 64) < 0.93 then coalesce(history, '[]')
                    when bench.u(n, 64) < 0.97 then null
                    else bench.pick(array['[]', '{{}}', 'null', '"Hello"', '42', '[null]', '["Hello", 7]',
                                          '[{{"role": "user"}}]', '{{"role": "user", "content": "Hello"}}',
                                          '[{{"content": null, "timestamp": "yesterday"}}]'], n, 66)::jsonb end,
               counted, case when bench.u(n, 71) < 0.8 then 'active' else 'ended' end, at, at + counted * gap,
               case when bench.u(n, 71) >= 0.8 then at + counted * gap end, at
        from bench.session
        left join (
          select session,
                 jsonb_agg(jsonb_build_object(
                   'role', bench.role(session, i), 'content', bench.said(n, i, language, o.opening, c.closing),
                   'timestamp', to_char(bench.at(stored, i, at, gap) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'))
                   order by i) as history
          from (select s.n as session, i, at, gap, before + i as stored, e.n, words,
                       bench.spoken(e.n, s.n) as language
                from bench.session s
                cross join lateral generate_series(1, least(counted, case when bench.u(s.n, 64) < 0.85 then 1
                                                                          when messages = 0 then 25
                                                                          else messages end)) i
                cross join lateral (select case when messages = 0 then -s.n * 100 - i else before + i end as n) e
                cross join lateral (select bench.length(e.n) as words) l
                where bench.u(s.n, 64) < 0.93 offset 0) e
          join bench.fragment o on o.place = bench.fragment_place(language, words / 2, e.n, 201)
          join bench.fragment c on c.place = bench.fragment_place(language, words - words / 2, e.n, 202)
          group by session) h on session = n
        order by at
        """,
    ),
    "messages": Copied(
        "agent_messages (id, session_id, role, content, tokens_used, latency_ms, model_used, created_at)",
        """
        select bench.bench_id('message', n), id, bench.role(session, i),
               bench.said(n, i, language, o.opening, c.closing), 20 + floor(bench.u(n, 71) * 300)::int,
               case when i % 2 = 0 then 200 + floor(bench.u(n, 72) * 3000)::int end,
               case when i % 2 = 0 then model end, at
        from (select m.n, i, s.n as session, s.id, s.model, bench.spoken(m.n, s.n) as language,
                     bench.length(m.n) as words, bench.at(m.n, i, s.at, s.gap) as at
              from bench.session s
              cross join lateral generate_series(1, s.messages) i
              cross join lateral (select s.before + i as n) m
              order by at) m
        join bench.fragment o on o.place = bench.fragment_place(language, words / 2, n, 201)
        join bench.fragment c on c.place = bench.fragment_place(language, words - words / 2, n, 202)
        """,
    ),
    "legacy messages": Copied(
        'chat_messages (id, session_id, role, text, "timestamp")',
        """
        select bench.bench_id('chat message', m.n), bench.bench_id('chat', chat),
               case i % 2 when 0 then 'user' else 'model' end, bench.said(t.n, i, language, o.opening, c.closing),
               bench.past(chat, 80) + i * interval '30 seconds'
        from generate_series(1, {chats}) chat
        cross join generate_series(0, 3) i
        cross join lateral (select chat * 4 + i as n) m
        cross join lateral (select -1000000000 - m.n as n) k
        cross join lateral (select k.n, bench.spoken(k.n, chat) as language, bench.length(k.n) as words) t
        join bench.fragment o on o.place = bench.fragment_place(language, words / 2, t.n, 201)
        join bench.fragment c on c.place = bench.fragment_place(language, words - words / 2, t.n, 202)
        """,
    ),
    # Every tenth names a session, each another; all voice sessions but the shared one have such a call.
    "calls": Copied(
        """
        call_logs (id, organization_id, agent_id, phone_number_id, session_id, direction, caller_number,
                   duration_seconds, cost, recording_url, status, created_at)
        """,
        """
        select bench.bench_id('call', c.n), bench.bench_id('organization', c.owner),
               bench.bench_id('agent', c.agent), bench.bench_id('number', p.n), c.name,
               case when bench.u(c.n, 90) < 0.9 then 'inbound' else 'outbound' end,
               case when bench.u(c.n, 91) < 0.97 then bench.phone(c.caller, 93) else 'anonymous' end,
               c.seconds, round((bench.u(c.n, 95) * 2)::numeric, 4),
               case when bench.u(c.n, 96) < 0.3 then 'https://media.example/recordings/' || c.n || '.wav' end,
               bench.pick(array['completed', 'completed', 'completed', 'completed', 'failed', 'active', 'busy'],
                          c.n, 97),
               c.at
        from (select c.n, coalesce(s.owner, c.owner) as owner, coalesce(s.agent, c.owner) as agent,
                     coalesce(s.name, 'call_' || md5('c' || c.n)) as name,
                     1 + floor(bench.u(c.n, 92) * {calls} / 3)::bigint as caller,
                     coalesce(s.counted * 20, floor(power(bench.u(c.n, 94), 3) * 1800))::int as seconds,
                     coalesce(s.at, bench.past(c.n, 98)) as at
              from (select n, bench.owner(n, 99, ({tenants} * 0.9)::bigint) as owner
                    from generate_series(1, {calls}) n) c
              left join bench.session s on s.n = c.n and c.n % 10 = 0
              offset 0) c
        left join bench.number f on f.owner = c.owner and f.k = 1
        left join bench.number p
          on p.owner = c.owner and p.k = 1 + floor(bench.u(c.n, 100) * f.of)::int
        order by c.at
        """,
    ),
    "usage": Copied(
        """
        usage_logs (id, agent_id, organization_id, session_id, tokens_used, cost_usd, model_used, channel,
                    created_at)
        """,
        """
        select bench.bench_id('usage', n), coalesce(agent_id, bench.bench_id('agent', owner)),
               bench.bench_id('organization', case when n % 10000 = 3 then owner else coalesce(of_session, owner) end),
               id, floor(bench.u(n, 110) * 4000)::int,
               case when bench.u(n, 111) < 0.8 then round((bench.u(n, 112) / 10)::numeric, 4) end,
               coalesce(model, bench.model(owner)),
               coalesce(channel, bench.pick(array['text', 'voice', 'phone'], n, 113)), at
        from (select u.n, u.owner, s.agent_id, s.owner as of_session, s.id, s.model, s.channel,
                     coalesce(s.at + bench.u(u.n, 114) * s.counted * s.gap, bench.past(u.n, 114)) as at
              from (select n, bench.owner(n, 115, ({tenants} * 0.9)::bigint) as owner
                    from generate_series(1, {usage}) n) u
              left join bench.session s on s.n = bench.session_of(u.n, {sessions})
              order by at) u
        """,
    ),
}
