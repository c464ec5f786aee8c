"""Measures the pages of the audit on two million changes and half a million readings, which it makes by itself.

    python bench/audit.py                  # var/bench-audit; --rounds, --changes, --place, --explain

Each page is asked of the real view through Django's test client (middleware, templates, role `backoffice` and all; no
network), as a manager; prints the median of a few rounds in milliseconds. `--explain` prints the plans of the
statements that took more than 20 ms.
"""

import argparse
import statistics
import time
from pathlib import Path

import database  # first: it puts the project on the path
from search import signed_in

PLACE = database.ROOT / "var" / "bench-audit"
# Forty members of staff over three years, a few tenants with most of it, a sixth from outside. The texts are of few
# words that are common and of a million that are not.
TABLES = (
    "array['agents','organizations','user_profiles','phone_numbers','sip_trunks','call_logs',"
    "'backoffice.tenants_note']"
)
FIELDS = "array['name','system_prompt','status','temperature','max_tokens','description','config','voice_id']"
WORDS = "array['customer','ticket','asked','corrected','moved','number','agent','wrong','new','call']"
CHANGES = f"""
insert into audit.event (at, table_name, row_id, row_label, organization_id, action, old, new, actor_id, actor, reason,
                         request_id, db_role, jwt_sub, source)
select now() - interval '1095 days' * (1 - n::float / {{rows}}),
  ({TABLES})[1 + least(6, (power(u(1), 2) * 7)::int)],
  md5('record' || (power(u(2), 2) * {{rows}} / 20)::bigint)::uuid::text,
  initcap(substr(md5('name' || (power(u(2), 2) * {{rows}} / 20)::bigint), 1, 6)) || ' Ltd',
  md5('organization' || (power(u(3), 3) * 2000)::int)::uuid,
  case when u(4) < 0.06 then 'insert' when u(4) < 0.07 then 'delete' else 'update' end,
  case when u(4) >= 0.06 then jsonb_build_object(field, word || n) end,
  case when u(4) < 0.06 or u(4) >= 0.07 then jsonb_build_object(field, word || (n + 1)) end,
  case when inside then person end, case when inside then 'Person ' || person else 'authenticator' end,
  case when inside then word || ' ticket ' || n % 1000000 end,
  case when inside then md5('request' || n / 3)::uuid::text end,
  case when inside then 'backoffice' else 'authenticator' end, null, case when inside then 'app' else 'outside' end
from (select n, 1 + (power(u(6), 2) * 40)::int as person, u(5) > 0.16 as inside,
        ({FIELDS})[1 + least(7, (power(u(7), 3) * 8)::int)] as field, ({WORDS})[1 + (u(8) * 9)::int] as word
      from generate_series(1, {{rows}}) n offset 0) x
"""
READINGS = """
insert into audit.read_log (at, actor_id, actor, kind, table_name, row_id, row_label, organization_id, reason, db_role)
select now() - interval '1095 days' * (1 - n::float / {rows}), person, 'Person ' || person,
  (array['transcript','transcript','transcript','reveal','recording','export','search'])[1 + (u(2) * 6)::int],
  'agent_sessions', md5('session' || n / 4)::uuid::text, 'Session ' || n / 4,
  md5('organization' || (power(u(3), 3) * 2000)::int)::uuid, 'Complaint ' || n % 100000, 'backoffice'
from (select n, 1 + (power(u(6), 2) * 40)::int as person from generate_series(1, {rows}) n offset 0) x
"""
PAGES = [
    ("changes", "/audit/changes/"),
    ("changes, last page", "/audit/changes/?last=1"),
    ("changes, a deep page", "/audit/changes/?until={old_day}"),
    ("changes of a person", "/audit/changes/?by=Person+38"),
    ("changes of a busy person", "/audit/changes/?by=Person+1"),
    ("changes of a person, an old month", "/audit/changes/?by=Person+38&since={old_day}&until={old_end}"),
    ("changes, a table", "/audit/changes/?table_name=agents"),
    ("changes, a rare table", "/audit/changes/?table_name=backoffice.tenants_note"),
    ("changes, a table without any", "/audit/changes/?table_name=billing.price"),
    ("changes of a record", "/audit/changes/?record={record}"),
    ("changes of a tenant", "/audit/changes/?organization={organization}"),
    ("changes of a large tenant", "/audit/changes/?organization={largest}"),
    ("changes from outside", "/audit/changes/?source=outside"),
    ("changes, deleted", "/audit/changes/?action=delete"),
    ("changes, created", "/audit/changes/?action=insert"),
    ("changes, a field", "/audit/changes/?field=name"),
    ("changes, a rare field", "/audit/changes/?field=voice_id"),
    ("changes, a field nobody has", "/audit/changes/?field=zzz"),
    ("changes, a common word of a reason", "/audit/changes/?reason=ticket"),
    ("changes, a rare word of a reason", "/audit/changes/?reason=123456"),
    ("changes, a word of no reason", "/audit/changes/?reason=zzzzz"),
    ("changes, found by name", "/audit/changes/?q={label}"),
    ("changes, a batch", "/audit/changes/?batch={request}"),
    ("changes, two common filters that never meet", "/audit/changes/?source=outside&reason=ticket"),
    ("changes, a common field in an old month", "/audit/changes/?field=name&since={old_day}&until={old_end}"),
    ("changes, created from outside by nobody", "/audit/changes/?source=outside&action=insert&by=Person+1"),
    ("changes, many filters", "/audit/changes/?source=app&by=Person+5&table_name=agents&field=name&reason=moved"),
    ("changes, columns, a week", "/audit/changes/?since={week}&columns=at,actor,action,row_label,reason,organization"),
    ("an entry", "/audit/changes/{event}/"),
    ("history of a record", "/audit/records/agents/{record}/"),
    ("what a person did", "/audit/people/38/"),
    ("what a busy person did", "/audit/people/1/"),
    ("what a busy person did, an old month", "/audit/people/1/?since={old_day}&until={old_end}"),
    ("what a busy person did, money", "/audit/people/1/?kind=money"),
    ("readings", "/audit/readings/"),
    ("readings of a person", "/audit/readings/?by=Person+38"),
    ("readings, reveals", "/audit/readings/?kind=reveal"),
    ("readings of a large tenant", "/audit/readings/?organization={largest}"),
    ("readings, a word of a reason", "/audit/readings/?reason=Complaint"),
    ("readings, a rare word", "/audit/readings/?reason=77777"),
]  # fmt: skip


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--place", type=Path, default=PLACE, help="folder of the server (var/bench-audit)")
    parser.add_argument("--changes", type=int, default=2_000_000, help="rows of audit.event (2,000,000)")
    parser.add_argument("--rounds", type=int, default=5, help="times that each page is asked for (5)")
    parser.add_argument("--only", default="", help="a part of the names of the pages to ask for")
    parser.add_argument("--explain", action="store_true", help="plans of statements over 20 ms")
    options = parser.parse_args()
    from backoffice.embedded import EmbeddedPostgres

    with EmbeddedPostgres(options.place, fast=True) as server:
        if not server.has_database(database.NAME):
            server.create_database(database.NAME)
        database.point_django_at(server)
        prepare(server, options.changes)
        measure(server, options)


def prepare(server, changes):
    from django.core.management import call_command

    from backoffice import schema

    schema.apply_all(server, database.NAME)
    call_command("migrate", verbosity=0)
    with server.connect(database.NAME, "postgres") as owner:
        if not owner.execute("select exists (select from audit.event offset 1000)").fetchone()[0]:
            generate(owner, changes)


def generate(owner, changes):
    began = time.perf_counter()
    # Without its indexes a table is filled ten times as fast; they are made again as they were.
    indexes = owner.execute(
        "select indexname, indexdef from pg_indexes where schemaname = 'audit'"
        " and tablename in ('event', 'read_log') and indexname not like '%_pkey'"
    ).fetchall()
    for name, _ in indexes:
        owner.execute(f"drop index audit.{name}")
    owner.execute("create function pg_temp.u(k int) returns float language sql volatile as 'select random()'")
    owner.execute("select setseed(0.7)")
    for statement, rows in ((CHANGES, changes), (READINGS, changes // 4)):
        owner.execute(statement.replace("u(", "pg_temp.u(").format(rows=rows))
    for _, definition in indexes:
        owner.execute(definition)
    owner.execute("vacuum analyze audit.event")
    owner.execute("vacuum analyze audit.read_log")
    print(f"{'made in':<48}{time.perf_counter() - began:>8,.0f} s", flush=True)


def measure(server, options):
    from django.conf import settings
    from django.db import connection

    settings.ALLOWED_HOSTS = ["testserver"]
    settings.MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    client = signed_in("Manager")
    with server.connect(database.NAME, "postgres") as owner:
        for table in ("event", "read_log"):
            print(
                f"audit.{table:<42}{owner.execute(f'select count(*) from audit.{table}').fetchone()[0]:>8,} rows"
            )
        values = values_of(owner)
    for name, url in PAGES:
        if options.only not in name:
            continue
        url = url.format(**values)
        ask(client, url)  # plans, and what the first one reads from disk
        asked = [ask(client, url) for _ in range(options.rounds)]
        page = statistics.median(spent for spent, _ in asked)
        database_ms = statistics.median(sum(each for each, _, _ in statements) for _, statements in asked)
        print(f"{name:<48}{page:>8,.0f} ms, of it {database_ms:>6,.0f} ms in the database", flush=True)
        if options.explain:
            explain(connection, ask(client, url)[1])


def values_of(owner):
    """What the addresses name: a record, tenants, a day."""
    row = owner.execute(
        "select id, row_id, organization_id, request_id, row_label from audit.event where request_id is not null"
        " and table_name = 'agents' order by id limit 1 offset 5000"
    ).fetchone()
    largest = owner.execute(
        "select organization_id from audit.event group by 1 order by count(*) desc limit 1"
    ).fetchone()[0]
    days = owner.execute(
        "select (now() - interval '800 days')::date, (now() - interval '770 days')::date,"
        " (now() - interval '7 days')::date"
    ).fetchone()
    return {
        **dict(zip(("event", "record", "organization", "request", "label"), row, strict=True)),
        "largest": largest,
        **dict(zip(("old_day", "old_end", "week"), days, strict=True)),
    }


def ask(client, url):
    """(milliseconds, [(milliseconds, statement, parameters)] of what the database was asked) for one page."""
    from django.db import connection

    asked = []

    def note(execute, sql, params, many, context):
        began = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            asked.append(((time.perf_counter() - began) * 1000, sql, params))

    began = time.perf_counter()
    with connection.execute_wrapper(note):
        response = client.get(url)
    if response.status_code != 200:
        raise SystemExit(f"{url}: {response.status_code}")
    return (time.perf_counter() - began) * 1000, asked


def explain(connection, asked):
    for spent, sql, params in asked:
        if spent > 20 and '"audit"' in sql.replace("audit.", '"audit"'):
            print(f"    {spent:,.0f} ms: {sql[:600]}")
            with connection.cursor() as cursor:
                cursor.execute(f"explain (analyze, buffers) {sql}", params)
                for (line,) in cursor.fetchall():
                    print(f"        {line}")


if __name__ == "__main__":
    main()
