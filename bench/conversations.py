"""What people and agents say, and the SQL of `generate.py --transcripts` that differs from world.py: conversations.

A text is a pure function of its number, so that the first entry of a session's JSON can repeat its first message: SQL
writes ⟦number session⟧, and `copy_with_texts` puts the text in on the way. Words come as often as in nature (Zipf).
"""

import random
import re
from functools import lru_cache
from hashlib import shake_128
from math import gcd
from struct import unpack
from typing import NamedTuple

SIZES = {
    "tenants": 2_000,
    "agents": 4_000,
    "numbers": 2_000,
    "trunks": 200,
    "sessions": 500_000,
    "messages": 5_000_000,
    "chats": 20_000,
    "calls": 500_000,
    "usage": 1_900_000,
    "postings": 20_000,
    "changes": 20_000,
}

# Words that nobody says otherwise, and the rows of agent_messages that have each, exactly, of 5,000,000; of fewer, in
# proportion, but no fewer than 3. A session's JSON has them where it repeats such a row, and nowhere else.
MARKERS = {
    "quixelmar": 3,
    "vorbandel": 500,
    "琥珀蝶": 1_000,  # inside Chinese sentences, which have no spaces
    "grünspëcht": 2_000,
    "trimolent": 15_000,
    "hasperin": 50_000,
    "dolveren": 500_000,
    "mirasto": 3_000_000,
}

ENGLISH = """
the I to you and a is my for it of in on your can we that have not be this do are with was at what me please if will
or so but there from an how when just our know yes no would get has they as need could help time any want like one
order number call today thanks account day tomorrow appointment back about already been check here then sure week out
which more email new now some still did see send also phone name all right much make out other change date tell after
open price available delivery good morning before problem question try let work next week two only invoice does up
pay card cancel customer wait use website payment moment address table room give book booking free refund since
because should where hours first over again support information friday monday insurance doctor store product package
reservation contact must same monthly option tuesday cost service minutes three soon later confirm update password
login error old part size return shipping evening night people person possible receipt arrive arrived contract
"""
GERMAN = """
ich die Sie und der das ist nicht wir in zu es einen mit für bitte den ein auf haben eine Ihnen kann noch mir von
habe wie auch dem aber wenn wird oder am um so bei Ihre sind im was an dass können uns mich hat nur schon heute morgen
ja nein danke gerne Termin gibt nach Uhr mein meine Ihr wann dann als war werden möchte mal bis vom zum zur aus über
gut leider Rechnung Bestellung Nummer Frage Tag immer wieder hier da doch sehr etwas alles keine kein würde sehen
Lieferung Konto melden Freitag Montag Woche geöffnet Uhrzeit Preis Zeit Problem frei Adresse ändern bestellen zurück
Name vielen Dank Moment Kunde Antwort Telefon Zahlung Karte Paket Straße natürlich später früher Öffnungszeiten
Reservierung Tisch Zimmer Person zwei drei bezahlen stornieren Vertrag möglich außerdem Größe Gespräch Grüße für
"""
ACCENTED = """
é à está où não já você señora mañana más teléfono été très être même déjà après sí también número cómo día días
książkę proszę dziękuję się będzie są może něco děkuji můžu prosím şu için değil teşekkürler günü köszönöm kérem
időpont på för är också när möchte får café réservation numéro prénom crédit problème reçu dernière français
informação horário amanhã atenção então serviço às três rápido qué cuándo habitación reseña envío dirección cañón
"""
CHINESE = """
的 我 您 好 了 是 请 不 在 有 可以 吗 我们 什么 今天 明天
时间 预约 谢谢 订单 需要 没有 一个 问题 电话 这个 怎么 已经 现在 价格 客服
号码 地址 星期五 上午 下午 取消 退款 快递 付款
发票 房间 名字 帮助 确认 改 能 会 就 都 和 还 多少 营业 请问 稍等 联系
"""
JAPANESE = """
は の に を が です ます で と も か た お 予約 時間 ください
ありがとうございます 明日 今日 電話 番号 確認 変更 キャンセル お願いします
いつ から まで 料金 注文 配送 住所 名前 サービス 営業 金曜日 午前 午後
できます わかりました すみません 少々 お待ち
"""
THAI = """
ค่ะ ครับ ที่ ได้ ไม่ มี จะ ของ และ คุณ ผม ฉัน ขอ วัน นี้ พรุ่งนี้ เวลา จอง โทร หมายเลข ราคา ช่วย เปิด ปิด กี่โมง ขอบคุณ สวัสดี
ต้องการ ยกเลิก เปลี่ยน ที่อยู่ สั่งซื้อ จัดส่ง ห้อง โต๊ะ ชื่อ บริการ รอสักครู่ ยืนยัน
"""
ARABIC = """
في من على هل أن لا ما شكرا نعم موعد اليوم غدا رقم الهاتف أريد كم السعر الطلب متى يمكن مع إلى هذا لدي لك من فضلك
مرحبا الوقت الحساب الفاتورة العنوان التوصيل إلغاء تغيير غرفة طاولة الاسم خدمة الجمعة صباحا مساء بعد قبل عندي
"""
SYLLABLES = """
ba be bri bo bus ka kel kri kon lu la len lor ma mer mi mon na nes ni nor pa per pi plo ra rem ri ros sa sel si sor ta
tel ti tra va ver vi vol da den di dru fa fer gla gen go ha hel jo ju sta ster schu wen wal zi zer um ast ent ing
"""
ACCENTED_SYLLABLES = "bé cà dê fï gô ñu lø må nü pê rö ší tá vç ýa żo ře łu şi ğa ku ra mi ten ser lo na vi"
ARABIC_SYLLABLES = "با كت سل مد حر قا نو شر في عم طل جد رس مو لي ها دي زر"
CHINESE_SYLLABLES = "山 水 火 木 金 土 天 地 人 心 手 目 口 风 雨 云 花 鸟 海 河"
JAPANESE_SYLLABLES = "ア イ カ キ サ シ タ テ ナ ノ マ ミ ラ リ ル ロ ン"
THAI_SYLLABLES = "กา มา นี ลู ดี โต แม ไก เสา พร จัน สาม หวาน ตาล บิน รัก ทอง ชาย"
MOBILES = ["+49 170 55{:05}", "0170/55{:05}", "(415) 55{:05}", "+1-212-55{:05}", "+33 6 12 55{:05}"]
PEOPLE = ["anna", "lukasz", "zoe", "jose", "juergen", "olga", "taro", "minjun", "hassan", "maria"]

DRAWS = 1 << 18  # places in a language's table, to be had by 18 random bits
MASK = DRAWS - 1


class Language(NamedTuple):
    table: list
    space: str = " "
    ends: tuple = (".", ".", "!", "?")


def made_up(syllables, count, longest):
    rng = random.Random(syllables)
    words = {}
    while len(words) < count:
        words["".join(rng.choices(syllables.split(), k=rng.randint(2, longest)))] = None
    return sorted((word for word in words if word not in MARKERS), key=lambda word: len(word) // 5)


def language(common, tail, *more):
    """Common words first, in the order of their text, then those of the tail; each about 1/rank of the whole."""
    words = list(dict.fromkeys(common.split())) + tail
    whole = sum(1 / (rank + 3) for rank in range(len(words)))
    table = []
    for rank, word in enumerate(words):
        table += [word] * max(1, round(DRAWS / (rank + 3) / whole))
    table += table[: max(0, DRAWS - len(table))]
    return Language(random.Random(common).sample(table, DRAWS), *more)


@lru_cache
def languages():
    """A hundred, one for each percent of the messages."""
    tail = made_up(SYLLABLES, 30_000, 4)
    chinese = language(CHINESE, made_up(CHINESE_SYLLABLES, 2_000, 3), "", "。。！？")
    shares = [
        (48, language(ENGLISH, tail)),
        (26, language(GERMAN, [word.capitalize() for word in tail])),
        (10, language(ACCENTED, made_up(ACCENTED_SYLLABLES, 3_000, 4))),
        (5, language(JAPANESE, made_up(JAPANESE_SYLLABLES, 2_000, 4), "", "。。！？")),
        (3, language(THAI, made_up(THAI_SYLLABLES, 2_000, 3), "", ("", "", "ครับ", "ค่ะ"))),
        (3, language(ARABIC, made_up(ARABIC_SYLLABLES, 2_000, 4), " ", "..!؟")),
        (5, chinese),  # last
    ]
    return [spoken for percent, spoken in shares for _ in range(percent)]


def text(number, speaker, messages):
    """5 to 25 words in the speaker's language; markers if the number is one of agent_messages, 1 to `messages`."""
    draws = unpack("<32I", shake_128(b"%d" % number).digest(128))
    table, space, ends = languages()[(speaker * 2_654_435_761 >> 8) % 100]
    extras = []
    if 0 < number <= messages:
        for marker, multiplier, hits in spread(messages):
            if number * multiplier % messages < hits:
                extras.append(marker)
    if draws[0] % 50 == 0:  # 2 % have a number or an address
        n = draws[1] % 100_000
        extras.append(MOBILES[n % 5].format(n) if n & 32 else f"{PEOPLE[n % 10]}.{n}@example.org")
    if "琥珀蝶" in extras:
        table, space, ends = languages()[-1]
    count = 5 + max(draws[2] % 21, draws[3] % 21, draws[4] % 21)
    words = [table[draw & MASK] for draw in draws[6 : 6 + count]]
    for extra in extras:
        words.insert(draws[5] % count, extra if space or extra == "琥珀蝶" else f" {extra} ")
    said = space.join(words)
    return said[0].upper() + said[1:] + ends[draws[5] % 4]


@lru_cache
def spread(messages):
    """(marker, multiplier, hits): `number * multiplier % messages < hits` holds for exactly that many numbers."""
    found = []
    for marker, share in MARKERS.items():
        multiplier = random.Random(marker).randrange(messages, 9 * messages)
        while gcd(multiplier, messages) > 1:
            multiplier += 1
        hits = max(3, round(share * messages / SIZES["messages"]))
        found.append((marker, multiplier, hits))
    return found


HOLE = re.compile("⟦(-?[0-9]+) ([0-9]+)⟧".encode())


class WithTexts(NamedTuple):
    """An `insert into … select` whose texts are put in on the way."""

    into: str
    select: str


FUNCTIONS = """
-- The turn `i` of session `s`, whose text has the number n.
create function pg_temp.role(s bigint, i bigint) returns text language sql immutable parallel safe return
  case when i = 1 and s % 100 = 9 then 'system' when i % 2 = 1 then 'user' else 'assistant' end;
create function pg_temp.said(n bigint, s bigint, i bigint) returns text language sql immutable parallel safe return
  case when i % 2 = 0 and pg_temp.u(n, 75) < 0.005 then 'Error: ' else '' end || '⟦' || n || ' ' || s || '⟧';
create function pg_temp.at(n bigint, i bigint, start timestamptz, gap interval) returns timestamptz
  language sql immutable parallel safe return start + (i - 1 + pg_temp.u(n, 73) * 0.9) * gap;
-- The fifth that skewed() gives the first owner, and no more than that.
create function pg_temp.owner(n bigint, salt int, total bigint) returns bigint language sql immutable parallel safe
  return case when pg_temp.u(n, salt) < 0.2 then 1
              else least(total, 2 + floor(power(pg_temp.u(n, salt + 1000), 2.5) * (total - 1))::bigint) end;
"""

# Instead of the step of that name in world.STEPS.
STEPS = {
    # How many messages each session has, stored or only counted, and their sum so far. The first is the one that all
    # calls share, the second is long, the third has 120; of every 50th none is stored, of the next four are missing.
    "messages (prepared)": """
        create temporary table size as
        select n, messages, sum(messages) over (order by n) - messages as before,
               case n % 50 when 7 then 2 + floor(pg_temp.u(n, 67) * 20)::int when 8 then messages + 4
                           else messages end as counted
        from (select n, coalesce(fixed, upto - lag(upto, 1, 0::float8) over (order by n))::int as messages
              from (select n, fixed, round(({messages} - sum(fixed) over ()) * sum(weight) over (order by n)
                                           / nullif(sum(weight) over (), 0)) as upto
                    from (select n, case n when 1 then least(5000, {messages} / 100)
                                           when 2 then least(20000, {messages} / 20)
                                           when 3 then least(120, {messages} / 50) end as fixed,
                                 case when n <= 3 or n % 50 = 7 then 0
                                      else exp(sqrt(-2 * ln(1 - pg_temp.u(n, 60))) * cos(2 * pi() * pg_temp.u(n, 68)))
                                 end as weight
                          from generate_series(1, {sessions}) n) w) u) m
        """,
    # 20 seconds from turn to turn, but two hundred go on for days or weeks and the shared one for all the time.
    "sessions (prepared)": """
        create temporary table session as
        select s.*, pg_temp.bench_id('session', s.n) as id, a.n as agent, pg_temp.model(a.n) as model,
               now() - s.counted * s.gap
                 - power(pg_temp.u(s.n, 62), 1.3) * (interval '730 days' - s.counted * s.gap) as at
        from (select *, pg_temp.owner(n, 61, ({tenants} * 0.9)::bigint) as owner,
                     case when n = 1 then interval '700 days' / greatest(counted, 1)
                          when n between 4 and 203
                          then interval '1 day' * (1 + pg_temp.u(n, 69) * 29) / greatest(counted, 1)
                          else interval '20 seconds' end as gap,
                     case when n = 1 or n % 10 = 0 then pg_temp.pick(array['voice', 'phone', 'phone'], n, 65)
                          else 'text' end as channel,
                     case when n = 1 then 'default' when pg_temp.u(n, 70) < 0.7 then null
                          when pg_temp.u(n, 70) < 0.95 then md5('visitor' || n)::uuid::text
                          else 'session_' || md5('moved' || n)::uuid end as name
              from pg_temp.size) s
        join pg_temp.agent f on f.owner = s.owner and f.k = 1
        join pg_temp.agent a
          on a.owner = s.owner and a.k = 1 + floor(power(pg_temp.u(s.n, 63), 2) * least(f.of, 500))::int
        """,
    "sessions": WithTexts(
        """
        agent_sessions (id, agent_id, session_id, website_domain, ip_address, channel, conversation_history,
                        message_count, status, started_at, last_activity_at, ended_at, created_at)
        """,
        """
        select id, pg_temp.bench_id('agent', agent),
               coalesce(name, 'session_' || (extract(epoch from at) * 1000)::bigint || '_' || left(md5('s' || n), 9)),
               case when channel = 'text' then 'shop' || owner || '.example' end,
               case when channel = 'text' then '203.0.113.' || n % 256 end, channel,
               case when pg_temp.u(n, 64) < 0.93 then (
                 select coalesce(jsonb_agg(jsonb_build_object(
                          'role', pg_temp.role(n, i),
                          'content', pg_temp.said(case when messages = 0 then -n * 100 - i else before + i end, n, i),
                          'timestamp', to_char(pg_temp.at(before + i, i, at, gap) at time zone 'UTC',
                                               'YYYY-MM-DD"T"HH24:MI:SS.US')) order by i), '[]')
                 from generate_series(1, least(counted, case when pg_temp.u(n, 64) < 0.85 then 1
                                                             when messages = 0 then 25 else messages end)) i)
                    when pg_temp.u(n, 64) < 0.97 then null
                    else pg_temp.pick(array['[]', '{{}}', 'null', '"Hello"', '42', '[null]', '["Hello", 7]',
                                            '[{{"role": "user"}}]', '{{"role": "user", "content": "Hello"}}',
                                            '[{{"content": null, "timestamp": "yesterday"}}]'], n, 66)::jsonb end,
               counted, case when pg_temp.u(n, 71) < 0.8 then 'active' else 'ended' end, at, at + counted * gap,
               case when pg_temp.u(n, 71) >= 0.8 then at + counted * gap end, at
        from pg_temp.session order by at
        """,
    ),
    "messages": WithTexts(
        "agent_messages (id, session_id, role, content, tokens_used, latency_ms, model_used, created_at)",
        """
        select pg_temp.bench_id('message', n), id, pg_temp.role(session, i),
               pg_temp.said(n, session, i), 20 + floor(pg_temp.u(n, 71) * 300)::int,
               case when i % 2 = 0 then 200 + floor(pg_temp.u(n, 72) * 3000)::int end,
               case when i % 2 = 0 then model end, at
        from (select s.before + i as n, i, s.n as session, s.id, s.model, pg_temp.at(s.before + i, i, s.at, s.gap) as at
              from pg_temp.session s, generate_series(1, s.messages) i order by 6) m
        """,
    ),
    "legacy messages": WithTexts(
        'chat_messages (id, session_id, role, text, "timestamp")',
        """
        select pg_temp.bench_id('chat message', c.n * 4 + i), pg_temp.bench_id('chat', c.n),
               case i % 2 when 0 then 'user' else 'model' end, pg_temp.said(-1000000000 - c.n * 4 - i, c.n, i),
               pg_temp.past(c.n, 80) + i * interval '30 seconds'
        from generate_series(1, {chats}) c (n), generate_series(0, 3) i
        """,
    ),
    # Every tenth names a session, each another; all voice sessions but the shared one have such a call.
    "calls": """
        insert into call_logs (id, organization_id, agent_id, phone_number_id, session_id, direction, caller_number,
                               duration_seconds, cost, recording_url, status, created_at)
        select pg_temp.bench_id('call', c.n), pg_temp.bench_id('organization', c.owner),
               pg_temp.bench_id('agent', c.agent), pg_temp.bench_id('number', p.n), c.name,
               case when pg_temp.u(c.n, 90) < 0.9 then 'inbound' else 'outbound' end,
               case when pg_temp.u(c.n, 91) < 0.97
                    then pg_temp.phone(1 + floor(pg_temp.u(c.n, 92) * {calls} / 3)::bigint, 93) else 'anonymous' end,
               c.seconds, round((pg_temp.u(c.n, 95) * 2)::numeric, 4),
               case when pg_temp.u(c.n, 96) < 0.3 then 'https://media.example/recordings/' || c.n || '.wav' end,
               pg_temp.pick(array['completed', 'completed', 'completed', 'completed', 'failed', 'active', 'busy'],
                            c.n, 97),
               c.at
        from (select c.n, coalesce(s.owner, c.owner) as owner, coalesce(s.agent, c.owner) as agent,
                     coalesce(t.session_id, 'call_' || md5('c' || c.n)) as name,
                     coalesce(s.counted * 20, floor(power(pg_temp.u(c.n, 94), 3) * 1800))::int as seconds,
                     coalesce(s.at, pg_temp.past(c.n, 98)) as at
              from (select n, pg_temp.owner(n, 99, ({tenants} * 0.9)::bigint) as owner
                    from generate_series(1, {calls}) n) c
              left join pg_temp.session s on s.n = c.n and c.n % 10 = 0
              left join agent_sessions t on t.id = s.id) c
        left join pg_temp.number f on f.owner = c.owner and f.k = 1
        left join pg_temp.number p
          on p.owner = c.owner and p.k = 1 + floor(pg_temp.u(c.n, 100) * f.of)::int
        order by c.at
        """,
    # Four of five name a session, which is of that tenant but for a few.
    "usage": """
        insert into usage_logs (id, agent_id, organization_id, session_id, tokens_used, cost_usd, model_used, channel,
                                created_at)
        select pg_temp.bench_id('usage', u.n), pg_temp.bench_id('agent', coalesce(s.agent, u.owner)),
               pg_temp.bench_id('organization', case when u.n % 10000 = 3 then u.owner
                                                     else coalesce(s.owner, u.owner) end),
               s.id, floor(pg_temp.u(u.n, 110) * 4000)::int,
               case when pg_temp.u(u.n, 111) < 0.8 then round((pg_temp.u(u.n, 112) / 10)::numeric, 4) end,
               coalesce(s.model, pg_temp.model(u.owner)),
               coalesce(s.channel, pg_temp.pick(array['text', 'voice', 'phone'], u.n, 113)),
               coalesce(s.at + pg_temp.u(u.n, 114) * s.counted * s.gap, pg_temp.past(u.n, 114)) as at
        from (select n, pg_temp.owner(n, 115, ({tenants} * 0.9)::bigint) as owner,
                     case when n % 5 > 0 then 1 + floor(pg_temp.u(n, 116) * {sessions})::bigint end as session
              from generate_series(1, {usage}) n) u
        left join pg_temp.session s on s.n = u.session
        order by at
        """,
}


def copy_with_texts(reader, writer, into, select, messages):
    """Runs a step from one connection, which has the temporary tables, to another. Returns the number of rows."""

    def spoken(hole):
        return text(int(hole[1]), int(hole[2]), messages).encode()

    with (
        reader.cursor().copy(f"copy ({select}) to stdout") as rows,
        writer.cursor() as cursor,
    ):
        with cursor.copy(f"copy {into} from stdin") as into:
            lines = []
            for row in rows:
                lines.append(HOLE.sub(spoken, row))
                if len(lines) == 1_000:
                    into.write(b"".join(lines))
                    lines.clear()
            into.write(b"".join(lines))
        return cursor.rowcount
