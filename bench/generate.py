"""Fills a database of its own with generated tenants, to measure on: 100,000 of them unless told otherwise.

    python bench/generate.py                         # var/bench, about two million rows
    python bench/generate.py --tenants 1000 --messages 20000 --recreate
    python bench/generate.py --transcripts           # var/bench-transcripts: 2,000 tenants, 5,000,000 messages
    python bench/generate.py --serve                 # afterwards keeps the server running and says how to use it

An embedded PostgreSQL under var/bench is filled by set-based SQL (bench/world.py holds it), as its superuser with
triggers off: the rows that triggers would write (ledger, audit) are generated too. The same sizes give the same rows,
ids included; times count back from today. The largest tenant has a fifth of everything. With --transcripts, sessions
and what is said in them are as in life (bench/conversations.py); without, a message is one of eight sentences.
"""

import argparse
import signal
import sys
import time
from pathlib import Path

import conversations
import database  # first: it puts the project on the path

SIZES = {
    "tenants": 100_000,
    "agents": 200_000,
    "numbers": 60_000,
    "trunks": 10_000,
    "sessions": 300_000,
    "messages": 1_000_000,
    "chats": 50_000,
    "calls": 300_000,
    "usage": 500_000,
    "postings": 300_000,
    "changes": 300_000,
}


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--transcripts", action="store_true", help="conversations as in life, and many of them"
    )
    parser.add_argument("--place", type=Path, help="folder of the server (var/bench, var/bench-transcripts)")
    parser.add_argument("--recreate", action="store_true", help="drop what an earlier run made")
    parser.add_argument("--serve", action="store_true", help="keep the server running until Ctrl-C")
    for name, size in SIZES.items():
        default = f"({size:,}; with --transcripts {conversations.SIZES[name]:,})"
        parser.add_argument(f"--{name}", type=int, metavar="N", help=default)
    return parser.parse_args()


def main():
    options = arguments()
    defaults = conversations.SIZES if options.transcripts else SIZES
    sizes = {
        name: size if getattr(options, name) is None else max(1, getattr(options, name))
        for name, size in defaults.items()
    }
    place = options.place or (database.TRANSCRIPTS if options.transcripts else database.PLACE)
    from backoffice.embedded import EmbeddedPostgres

    # No crash safety while it is built: what is lost is generated again.
    with EmbeddedPostgres(place, fast=True) as server:
        if options.recreate:
            server.drop_database(database.NAME)
        if server.has_database(database.NAME):
            print(f"{place} is filled already (--recreate fills it anew).")
        else:
            fill(server, sizes, options.transcripts)
    if options.serve:
        with EmbeddedPostgres(place) as server:
            print(f"DATABASE_URL={server.url(database.NAME)}\nCtrl-C stops it.", flush=True)
            signal.sigwait({signal.SIGINT, signal.SIGTERM})


def fill(server, sizes, transcripts):
    """Builds the database under another name, so that a run that was stopped leaves none that looks complete."""
    import world
    from django.core.management import call_command
    from django.db import connection
    from psycopg import sql

    from backoffice import schema

    building = f"{database.NAME}_building"
    server.drop_database(building)
    server.create_database(building)
    schema.apply_all(server, building)
    values = {name: sql.Literal(size) for name, size in sizes.items()}
    with quick(server, building) as owner, quick(server, building) as writer:
        owner.execute(world.FUNCTIONS)
        owner.execute(conversations.FUNCTIONS)
        undo = switch_off_transcripts(owner) + drop_indexes(owner)
        began = time.monotonic()
        for label, statement in world.STEPS:
            started = time.monotonic()
            if transcripts:
                statement = conversations.STEPS.get(label, statement)
            if isinstance(statement, conversations.WithTexts):
                into, select = (sql.SQL(part).format(**values).as_string() for part in statement)
                count = conversations.copy_with_texts(owner, writer, into, select, sizes["messages"])
            else:
                count = owner.execute(sql.SQL(statement).format(**values)).rowcount
            print(f"{label:<22}{max(count, 0):>12,} rows {time.monotonic() - started:7.1f} s", flush=True)
        for label, statements in [("indexes", undo), ("vacuum, analyze", ["vacuum (analyze)"])]:
            started = time.monotonic()
            for statement in statements:
                owner.execute(statement)
            print(f"{label:<22}{'':>17} {time.monotonic() - started:7.1f} s", flush=True)
    database.point_django_at(server)
    from django.conf import settings

    settings.DATABASES["default"]["NAME"] = building
    call_command("migrate", verbosity=0)
    connection.close()
    with server.connect() as admin:
        admin.execute(f"alter database {building} rename to {database.NAME}")
    print(f"Filled in {time.monotonic() - began:.0f} s.")


def quick(server, name):
    """A superuser's connection without triggers and crash safety: what is lost is generated again."""
    connection = server.connect(name)
    for setting, value in {
        "session_replication_role": "replica",
        "search_path": "public",
        "synchronous_commit": "off",
        "work_mem": "256MB",
        "maintenance_work_mem": "512MB",
    }.items():
        connection.execute("select set_config(%s, %s, false)", [setting, value])
    return connection


def switch_off_transcripts(owner):
    """Also those triggers of db/transcripts.sql that would fire for a replica. Returns SQL that puts them back."""
    return run_first(
        owner,
        """
        select format('alter table %s disable trigger %I', tgrelid::regclass, tgname),
               format('alter table %s enable %s trigger %I', tgrelid::regclass,
                      case tgenabled when 'A' then 'always' when 'R' then 'replica' else '' end, tgname)
        from pg_trigger where starts_with(tgname, 'transcripts_') and tgenabled <> 'D'
        """,
    )


def drop_indexes(owner):
    """Those of the platform's tables but for the keys. Returns the SQL that builds them when the rows are there."""
    return run_first(
        owner,
        """
        select format('drop index %s', indexrelid::regclass), pg_get_indexdef(indexrelid)
        from pg_index join pg_class t on t.oid = indrelid and t.relnamespace = 'public'::regnamespace
        where not exists (select from pg_constraint where conindid = indexrelid)
        """,
    )


def run_first(owner, query):
    pairs = owner.execute(query).fetchall()
    for statement, _ in pairs:
        owner.execute(statement)
    return [statement for _, statement in pairs]


if __name__ == "__main__":
    sys.exit(main())
