"""The SQL functions that make values, and the words they choose from: a value comes from the number of its row.

Row n of a kind has the id `bench_id(kind, n)`. The functions are in the schema `bench`, which is gone in the end.
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
-- Each is an expression that PostgreSQL puts in place of the call: else a million calls take seconds.
-- A number from 0 to 1, for row n; `salt` tells its columns apart.
create function bench.u(n bigint, salt int) returns float8 language sql immutable parallel safe return
  (hashint8extended(n, salt) & 1125899906842623)::float8 / 1125899906842624;
create function bench.pick(words text[], n bigint, salt int) returns text language sql immutable parallel safe return
  words[1 + floor(bench.u(n, salt) * cardinality(words))::int];
create function bench.bench_id(kind text, n bigint) returns uuid language sql immutable parallel safe return
  md5(kind || n::text)::uuid;
-- One of `total` owners: the first has a fifth, the others fewer and fewer.
create function bench.skewed(n bigint, salt int, total bigint) returns bigint language sql immutable parallel safe
  return case when bench.u(n, salt) < 0.2 then 1
              else 1 + floor(power(bench.u(n, salt + 1000), 2.5) * total)::bigint end;
-- Some time in the last 400 days, more of them lately.
create function bench.past(n bigint, salt int) returns timestamptz language sql stable parallel safe return
  bench.moment() - power(bench.u(n, salt), 2) * interval '400 days';
create function bench.first_name(n bigint) returns text language sql immutable return
  bench.pick({array(FIRST)}, n, 11);
create function bench.last_name(n bigint) returns text language sql immutable return
  bench.pick({array(LAST)}, n, 12);
create function bench.organization_name(n bigint) returns text language sql immutable return
  bench.pick({array(WORD)}, n, 13) || ' ' || bench.pick({array(TRADE)}, n, 14)
  || case when bench.u(n, 15) < 0.5 then ' ' || bench.last_name(n) else '' end
  || case when bench.u(n, 16) < 0.7 then ' ' || n else '' end;
create function bench.phone(n bigint, salt int) returns text language sql immutable return
  bench.pick(array['+1415', '+44207', '+4930', '+331', '+813', '+9120', '+5511', '+662', '+9714', '+302'], n, salt)
  || lpad(floor(bench.u(n, salt + 1) * 10000000)::text, 7, '0');
create function bench.model(n bigint) returns text language sql immutable return
  bench.pick(array['gpt-4o', 'gpt-4o-mini', 'gpt-4.1', 'claude-3.5-haiku', 'claude-3.7-sonnet', 'gemini-2.0-flash',
                     'gemini-pro', 'custom-llm'], n, 17);
"""
