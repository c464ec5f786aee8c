"""What people and agents say in the world of `generate.py --transcripts`: words, and the SQL that makes texts of them.

A text is a pure function of its number and its session's, so that the first entry of a session's JSON can repeat its
first message. Its two halves come from the table `bench.fragment`, which has millions of pairs for each length and
language; the words that bench/transcripts.py searches for stand between them. Words come as often as in nature (Zipf).
"""

import random
from functools import lru_cache
from itertools import cycle, islice
from math import gcd
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
# The last five digits are another number.
MOBILES = ["+49 170 55#", "0170/55#", "(415) 55#", "+1-212-55#", "+33 6 12 55#"]
PEOPLE = ["anna", "lukasz", "zoe", "jose", "juergen", "olga", "taro", "minjun", "hassan", "maria"]

DRAWS = 1 << 18  # places in a language's table of words
FRAGMENTS = 1 << 12  # of each length in each language
SHORTEST, LONGEST = 2, 13  # words of a fragment: a text of 5 words has 2 and 3, one of 25 has 12 and 13
UNSPACED_MARKER = "琥珀蝶"


class Language(NamedTuple):
    share: int  # of the sessions, in percent
    table: list
    space: str = " "
    ends: tuple = (".", ".", "!", "?")


def made_up(syllables, count, longest):
    rng = random.Random(syllables)
    words = {}
    while len(words) < count:
        words["".join(rng.choices(syllables.split(), k=rng.randint(2, longest)))] = None
    return sorted((word for word in words if word not in MARKERS), key=lambda word: len(word) // 5)


def language(share, common, tail, *more):
    """Common words first, in the order of their text, then those of the tail; each about 1/rank of the whole."""
    words = list(dict.fromkeys(common.split())) + tail
    whole = sum(1 / (rank + 3) for rank in range(len(words)))
    table = []
    for rank, word in enumerate(words):
        table += [word] * max(1, round(DRAWS / (rank + 3) / whole))
    table += table[: max(0, DRAWS - len(table))]
    return Language(share, random.Random(common).sample(table, DRAWS), *more)


@lru_cache
def languages():
    tail = made_up(SYLLABLES, 30_000, 4)
    return [
        language(48, ENGLISH, tail),
        language(26, GERMAN, [word.capitalize() for word in tail]),
        language(10, ACCENTED, made_up(ACCENTED_SYLLABLES, 3_000, 4)),
        language(5, JAPANESE, made_up(JAPANESE_SYLLABLES, 2_000, 4), "", "。。！？"),
        language(3, THAI, made_up(THAI_SYLLABLES, 2_000, 3), "", ("", "", "ครับ", "ค่ะ")),
        language(3, ARABIC, made_up(ARABIC_SYLLABLES, 2_000, 4), " ", "..!؟"),
        language(5, CHINESE, made_up(CHINESE_SYLLABLES, 2_000, 3), "", "。。！？"),  # last
    ]


def fragments():
    """Rows of bench.fragment: (place, how a text begins, how one ends). Each language's table is gone through in turns.

    Its place tells its language, its number of words and which of these it is; see bench.fragment_place.
    """
    place = 0
    for _, table, space, ends in languages():
        words = cycle(table)
        for count in range(SHORTEST, LONGEST + 1):
            for number in range(FRAGMENTS):
                said = space.join(islice(words, count))
                yield place, said[0].upper() + said[1:] + space, said + ends[number % 4]
                place += 1


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


def functions(messages):
    """SQL of texts. Those of the numbers 1 to `messages`, which are rows of agent_messages, have the markers."""
    shares = [spoken.share for spoken in languages()]
    begins = [sum(shares[:place]) for place in range(1, len(shares))]
    unspaced = [place for place, spoken in enumerate(languages()) if not spoken.space]
    has = {marker: f"n * {multiplier} % {messages} < {hits}" for marker, multiplier, hits in spread(messages)}
    # The later they are in MARKERS, the farther in front they stand.
    markers = " || ".join(
        f"case when {has[marker]} then "
        + (f"'{marker}'" if marker == UNSPACED_MARKER else f"gap || '{marker} '")
        + " else '' end"
        for marker in reversed(has)
    )
    return f"""
create table bench.fragment (place int primary key, opening text, closing text);
-- The language of the text n of session s: one to a session.
create function bench.spoken(n bigint, s bigint) returns int language sql immutable parallel safe return
  case when n between 1 and {messages} and {has[UNSPACED_MARKER]} then {len(shares) - 1}
       else width_bucket((s * 2654435761 >> 8) % 100, array{begins}::bigint[]) end;
-- Words of the text n: 5 to 25, mostly many.
create function bench.length(n bigint) returns int language sql immutable parallel safe return
  5 + floor(21 * greatest(bench.u(n, 76), bench.u(n, 77), bench.u(n, 78)))::int;
create function bench.fragment_place(language int, words int, n bigint, salt int) returns int
  language sql immutable parallel safe return
  (language * {LONGEST + 1 - SHORTEST} + words - {SHORTEST}) * {FRAGMENTS}
  + (hashint8extended(n, salt) & {FRAGMENTS - 1})::int;
-- 2 % have a number or an address.
create function bench.contact(n bigint, gap text) returns text language sql immutable parallel safe return
  gap || case when bench.u(n, 80) < 0.5
              then replace(bench.pick(array{MOBILES}, n, 81), '#', lpad(floor(bench.u(n, 82) * 100000)::text, 5, '0'))
              else bench.pick(array{PEOPLE}, n, 81) || '.' || floor(bench.u(n, 82) * 100000)::text || '@example.org' end
  || ' ';
create function bench.markers(n bigint, gap text) returns text language sql immutable parallel safe return
  {markers};
-- The turn i of its session: 0.5 % of the answers are errors.
create function bench.said(n bigint, i bigint, language int, opening text, closing text) returns text
  language sql immutable parallel safe return
  case when i % 2 = 0 and bench.u(n, 75) < 0.005 then 'Error: ' else '' end || opening
  || case when bench.u(n, 79) < 0.02
          then bench.contact(n, case when language = any (array{unspaced}) then ' ' else '' end) else '' end
  || case when n between 1 and {messages}
          then bench.markers(n, case when language = any (array{unspaced}) then ' ' else '' end) else '' end
  || closing;
"""
