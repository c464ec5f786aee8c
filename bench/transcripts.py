"""Measures conversations on the world of bench/generate.py --transcripts: 500,000 sessions with 5,000,000 messages.

    python bench/transcripts.py                # var/bench-transcripts; --rounds, --place, --anew, --processes

Builds the index first, if it is not there (--anew: in any case). Then asks the real views through Django's test client
(middleware, templates, role `backoffice` and all; no network) as support: the search in what was said, the list of
conversations, and transcripts. Prints milliseconds, and their ratio to the bare SQL: the quickest statement that
somebody would write by hand for just this, with the text that is shown, over psycopg. What all of it costs the
platform's inserts is measured by bench/inserts.py.
"""

import argparse
import gc
import re
import statistics
import time
from html import unescape
from pathlib import Path

import conversations
import database  # first: it puts the project on the path

SEARCH = "/agents/search/"
LIST = "/agents/conversations/"
WANTED_MS = {"rare": 50, "other": 150}
TEXTS = (
    "left join public.agent_messages m on m.id = case when t.key like 'h%%' then null else t.key::uuid end"
)
SHOWN = "t.id, t.at, t.role, o.name, a.name, left(m.content, 20000)"
JOINED = f"""{TEXTS} left join public.organizations o on o.id = t.organization_id
  left join public.agents a on a.id = t.agent_id"""
BY_WORDS = f"""with f as materialized (
  select * from agents_indexedturn where words @@ %(words)s::tsquery and {{filter}})
select {SHOWN} from (select * from f order by at desc, id desc limit 26) t {JOINED} order by t.at desc, t.id desc"""
BACK = f"""select {SHOWN} from (select * from (select * from agents_indexedturn where {{filter}}
  order by at desc, id desc limit 50000) w where words @@ %(words)s::tsquery limit 26) t {JOINED}"""


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--place", type=Path, default=database.TRANSCRIPTS, help="folder of the server")
    parser.add_argument("--rounds", type=int, default=15, help="times that each page is asked for (15)")
    parser.add_argument("--anew", action="store_true", help="build the index again")
    parser.add_argument("--processes", type=int, help="that build it")
    return parser.parse_args()


def main():
    options = arguments()
    from backoffice.embedded import EmbeddedPostgres

    with EmbeddedPostgres(options.place) as server:
        if not server.has_database(database.NAME):
            raise SystemExit("There is no such database: run bench/generate.py --transcripts first.")
        database.point_django_at(server)
        prepare(server)
        build(server, options)
        with server.connect(database.NAME) as owner:
            owner.execute("set search_path = backoffice, public")
            client = signed_in()
            measure_searches(owner, client, options.rounds)
            measure_list(owner, client, options.rounds)
            measure_transcripts(owner, client, options.rounds)


def prepare(server):
    from django.conf import settings
    from django.core.management import call_command

    from backoffice import schema

    schema.apply_all(server, database.NAME)
    call_command("migrate", verbosity=0)
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"


def build(server, options):
    from django.core.management import call_command

    from agents.conversations import index

    if options.anew or index.state().built_at is None:
        began = time.monotonic()
        more = {"processes": options.processes} if options.processes else {}
        call_command("index_conversations", anew=options.anew, **more)
        print(f"Built in {time.monotonic() - began:.0f} s.")
    with server.connect(database.NAME) as owner:
        owner.execute("vacuum (analyze) backoffice.agents_indexedturn, backoffice.agents_conversation")
        for table in ("agents_indexedturn", "agents_conversation"):
            rows, size, indexes = sizes(owner, table)
            print(f"{table:<22}{rows:>12,} rows, {size}, its indexes {indexes}")
        ((words,),) = owner.execute(
            "select pg_size_pretty(pg_relation_size('backoffice.turn_words'))"
        ).fetchall()
        print(f"{'of it turn_words':<22}{words}\n")


def sizes(owner, table):
    return owner.execute(
        "select reltuples::bigint, pg_size_pretty(pg_table_size(oid)), pg_size_pretty(pg_indexes_size(oid))"
        " from pg_class where oid = ('backoffice.' || %s)::regclass",
        [table],
    ).fetchone()


def signed_in(role="Support"):
    from django.contrib.auth import get_user_model
    from django.contrib.auth.models import Group
    from django.test import Client

    user, _ = get_user_model().objects.get_or_create(
        email="bench@example.test", defaults={"first_name": "Bench"}
    )
    user.groups.set([Group.objects.get(name=role)])
    client = Client(raise_request_exception=True)
    client.force_login(user)
    return client


# Measuring


def ask(client, url, params=None):
    """(response, milliseconds, queries)."""
    from django.db import connection

    queries = []

    def counted(execute, sql, *args):
        queries.append(sql)
        return execute(sql, *args)

    with connection.execute_wrapper(counted):
        began = time.perf_counter()
        response = client.get(url, params or {})
        milliseconds = (time.perf_counter() - began) * 1000
    assert response.status_code == 200, response.status_code
    return response, milliseconds, len(queries)


def bare(owner, sql, params=None):
    began = time.perf_counter()
    owner.execute(sql, params).fetchall()
    return (time.perf_counter() - began) * 1000


def compare(label, client, url, params, floor, rounds, note=lambda response: ""):
    """Prints one line; returns (median, first) of the page. `floor` gives the milliseconds of the bare SQL."""
    first = ask(client, url, params)[1]
    times, floors = [], []
    for _ in range(rounds):
        response, milliseconds, queries = ask(client, url, params)
        times.append(milliseconds)
        floors.append(floor())
    median, base = statistics.median(times), statistics.median(floors)
    worst = max(times)
    print(
        f"{label:<34}{first:8.1f}{median:8.1f}{worst:8.1f}{base:9.1f}{median / base:8.1f}x{queries:>8}"
        f"{len(response.content) / 1024:7.0f}   {note(response)}",
        flush=True,
    )
    return median, first


def head(title):
    print(
        f"{title:<34}{'first':>8}{'median':>8}{'worst':>8}{'bare SQL':>9}{'ratio':>9}{'queries':>8}{'KB':>7}"
    )


# Searches


def measure_searches(owner, client, rounds):
    from agents.conversations.words import asked

    tenants = owner.execute(
        "select organization_id, count(*) from agents_indexedturn group by 1 order by 2 desc"
    ).fetchall()
    top, middle = tenants[0], tenants[len(tenants) // 2]
    ((day,),) = owner.execute("select (now() - interval '200 days')::date").fetchall()
    number = owner.execute(
        r"select substring(content from '\+49 170 \d+') from public.agent_messages"
        r" where content ~ '\+49 170 \d+' limit 1"
    ).fetchone()[0]
    # (label, what is typed, filters, whether the bare SQL goes by words or back in time)
    searches = [
        *((f"{hits:,} hits: {word}", word, {}, hits < 8_000) for word, hits in conversations.MARKERS.items()),
        ("two common words", "dolveren mirasto", {}, False),
        ("common, correlated with nothing", "dolveren hasperin", {}, False),
        ("phrase of common words", '"dolveren mirasto"', {}, False),
        ("phrase that nobody said", '"mirasto dolveren mirasto"', {}, False),
        ("excluded common word", "dolveren -mirasto", {}, False),
        ("only an exclusion", "-mirasto", {}, False),
        ("beginning, rare", "quixel*", {}, True),
        ("beginning of one letter", "a*", {}, False),
        ("beginning of one letter, rare", "q*", {}, False),
        ("Chinese, common", "可以", {}, False),
        ("Chinese, one character", "的", {}, False),
        ("Chinese phrase", "请问可以", {}, True),
        ("Thai", "ต้องการ", {}, False),
        ("Arabic", "الهاتف", {}, False),
        ("accents", "größe", {}, False),
        ("a whole number (logged)", number, {}, True),
        (f"top tenant ({top[1]:,}), rare", "vorbandel", {"organization": top[0]}, True),
        (f"top tenant ({top[1]:,}), common", "dolveren", {"organization": top[0]}, False),
        (f"middle tenant ({middle[1]:,}), common", "dolveren", {"organization": middle[0]}, False),
        (f"middle tenant ({middle[1]:,}), rare", "vorbandel", {"organization": middle[0]}, True),
        ("one day long ago, common", "dolveren", {"since": day, "until": day}, False),
        ("until long ago, common", "dolveren", {"until": day}, False),
        ("channel phone, common", "hasperin", {"channel": "phone"}, False),
        ("role system, common", "dolveren", {"role": "system"}, False),
    ]
    head("search")
    gc.collect()
    gc.freeze()  # as the server does (gunicorn_conf)
    ask(client, SEARCH, {"q": "warm up"})
    worst = {"rare": 0, "other": 0}
    for label, text, filters, by_words in searches:
        sql = (BY_WORDS if by_words else BACK).format(filter=filter_of(filters))
        params = {**filters, "words": asked(text).as_tsquery()}
        median, _ = compare(
            label,
            client,
            SEARCH,
            {"q": text, **filters},
            lambda p=params, s=sql: bare(owner, s, p),
            rounds,
            found,
        )
        kind = "rare" if by_words and not filters else "other"
        worst[kind] = max(worst[kind], median)
    further(client)
    for kind, limit in WANTED_MS.items():
        print(f"The slowest of the {kind}: {worst[kind]:.1f} ms (wanted: under {limit}).")
    check_markers(client)


def filter_of(filters):
    conditions = {
        "organization": "organization_id = %(organization)s",
        "since": "at >= %(since)s",
        "until": "at < %(until)s::date + 1",
        "channel": "channel = %(channel)s",
        "role": "role = %(role)s",
    }
    return " and ".join(conditions[name] for name in filters) or "true"


def found(response):
    """What the page says about how many there are."""
    html = response.content.decode()
    says = re.search(r'class="list-bar"><span class="muted">([^<·]*)', html)
    told = says[1].replace(", newest first", "").strip() if says else "?"
    return f"{told}, cut" if "Search further back" in html else told


def further(client):
    """What the next pages of the dearest search cost: a phrase that nobody said, back to the beginning."""
    response, _, _ = ask(client, SEARCH, {"q": '"mirasto dolveren mirasto"'})
    times = []
    while link := re.search(r'rel="next" href="([^"]*)"', response.content.decode()):
        response, milliseconds, _ = ask(client, f"{SEARCH}{unescape(link[1])}")
        times.append(milliseconds)
    if times:
        print(f"Its {len(times)} further pages back to the beginning: {max(times):.0f} ms at the most each.")


def check_markers(client):
    """Words of which the number of messages is known: totals that claim to be exact are, others are near."""
    from django.apps import apps

    messages = apps.get_model("agents.AgentMessage").objects.count()
    for word, _, hits in conversations.spread(messages):
        told = found(ask(client, SEARCH, {"q": word})[0])
        number = int(re.sub(r"\D", "", told))
        right = abs(number - hits) < hits * 0.15 if told.startswith("About") else number == hits
        print(f"{word}: {told}; put there {hits:,}{'' if right else '  WRONG'}")
    print()


# The list and transcripts


def measure_list(owner, client, rounds):
    from backoffice import keyset

    key = "coalesce(c.started_at, '-infinity')"
    sql = f"""select c.*, o.name, a.name from (select * from agents_conversation c where {{where}}
        order by {key} {{way}}, c.id {{way}} limit 51) c left join public.organizations o on o.id = c.organization_id
        left join public.agents a on a.id = c.agent_id"""
    middle = owner.execute(
        f"select {key}::text, c.id from agents_conversation c order by {key} desc, c.id desc"
        " offset (select count(*) / 2 from agents_conversation) limit 1"
    ).fetchone()
    tenant = owner.execute(
        "select organization_id from agents_conversation group by 1 order by count(*) desc limit 1"
    ).fetchone()[0]
    pages = [
        ("first page", {}, "true", "desc"),
        ("middle page", {"after": keyset.encode(*middle)}, f"({key}, c.id) < (%(at)s, %(id)s)", "desc"),
        ("last page", {"last": "1"}, "true", "asc"),
        ("top tenant", {"organization": tenant}, "c.organization_id = %(tenant)s", "desc"),
    ]
    head("list of conversations")
    params = {"at": middle[0], "id": middle[1], "tenant": tenant}
    for label, query, where, way in pages:
        statement = sql.format(where=where, way=way)
        compare(label, client, LIST, query, lambda s=statement: bare(owner, s, params), rounds)
    print()


def measure_transcripts(owner, client, rounds):
    sql = """select id, role, content, created_at, tokens_used, latency_ms from public.agent_messages
        where session_id = %(id)s order by coalesce(created_at, '-infinity'), id limit 150"""
    head("transcript")
    for turns in (120, 20_000):
        row = owner.execute(
            "select source_id from agents_conversation where stored >= %s order by stored limit 1", [turns]
        ).fetchone()
        if row:
            url, params = f"/agents/sessions/{row[0]}/", {"id": row[0]}
            compare(f"{turns:,} turns", client, url, {}, lambda p=params: bare(owner, sql, p), rounds)
    print()


if __name__ == "__main__":
    main()
