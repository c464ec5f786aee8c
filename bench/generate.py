"""Fills a database of its own with generated tenants, to measure on: 100,000 of them unless told otherwise.

    python bench/generate.py                         # var/bench, about two million rows
    python bench/generate.py --tenants 1000 --messages 20000 --recreate
    python bench/generate.py --transcripts           # var/bench-transcripts: 2,000 tenants, 5,000,000 messages
    python bench/generate.py --transcripts --scale 0.1 --place var/bench-tenth
    python bench/generate.py --serve                 # afterwards keeps the server running and says how to use it

An embedded PostgreSQL under var/bench is filled by set-based SQL (bench/world.py holds it), as its superuser with
triggers off: the rows that triggers would write (ledger, audit) are generated too. The large tables are filled by COPY,
two at a time, and indexed afterwards (bench/loading.py). The same sizes give the same rows, ids included; times count
back from today. The largest tenant has a fifth of everything. With --transcripts, sessions and what is said in them are
as in life (bench/sessions.py, bench/conversations.py); without, a message is one of eight sentences.
"""

import argparse
import signal
import sys
import time
from pathlib import Path

import conversations
import database  # first: it puts the project on the path
import sessions
import values
import world
from loading import Copied, finish, in_lanes, put_aside, quick, run_step, tell

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
LARGEST = "agent_messages"
COPIED = [step.table for lane in world.LANES for step in lane.values() if isinstance(step, Copied)]
LEAST = 20  # of everything, however small the scale


def sizes(transcripts=False, scale=1):
    """{name: number of rows}, each `scale` times its default."""
    defaults = conversations.SIZES if transcripts else SIZES
    return {name: max(round(size * scale), min(size, LEAST)) for name, size in defaults.items()}


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--transcripts", action="store_true", help="conversations as in life, and many of them"
    )
    parser.add_argument(
        "--scale", type=float, default=1, help=f"factor of all sizes below; each is at least {LEAST}"
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
    wanted = {
        name: size if getattr(options, name) is None else max(1, getattr(options, name))
        for name, size in sizes(options.transcripts, options.scale).items()
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
            fill(server, wanted, options.transcripts)
    if options.serve:
        with EmbeddedPostgres(place) as server:
            print(f"DATABASE_URL={server.url(database.NAME)}\nCtrl-C stops it.", flush=True)
            signal.sigwait({signal.SIGINT, signal.SIGTERM})


def fill(server, sizes, transcripts):
    """Builds the database under another name, so that a run that was stopped leaves none that looks complete."""
    from django.conf import settings
    from django.db import connections

    from backoffice import embedded, schema

    began = time.monotonic()
    building = f"{database.NAME}_building"
    url = server.url(building, embedded.ADMIN)
    server.drop_database(building)
    server.create_database(building)
    schema.apply_all(server, building)
    with quick(url) as owner:
        set_up(owner, sizes, transcripts)
        missing = put_aside(owner, COPIED)
    database.point_django_at(server)
    settings.DATABASES["default"]["NAME"] = building
    connections.close_all()  # the processes would share them

    instead = sessions.STEPS if transcripts else {}
    prepared, *lanes = (
        [(run_step, url, label, instead.get(label, step), sizes) for label, step in steps.items()]
        for steps in (world.STEPS, *world.LANES)
    )
    if transcripts:
        prepared.append((add_fragments, url))
    in_lanes([(migrate,)], prepared)
    # The first indexes the largest table, which it filled; the other one all others.
    indexed = [], []
    for table, statements in sorted(missing.items()):
        indexed[table != LARGEST].append((finish, url, table, statements))
    in_lanes(*(lane + finishing for lane, finishing in zip(lanes, indexed, strict=True)))
    with quick(url) as owner:
        tidy_up(owner, missing)
    with server.connect() as admin:
        admin.execute(f"alter database {building} rename to {database.NAME}")
    settings.DATABASES["default"]["NAME"] = database.NAME
    print(f"Filled in {time.monotonic() - began:.0f} s.")


def set_up(owner, sizes, transcripts):
    """The schema `bench` with all that the steps use. It is gone in the end."""
    owner.execute("create schema bench")
    now = owner.execute("select now()").fetchone()[0]
    owner.execute(
        "create function bench.moment() returns timestamptz language sql immutable parallel safe"
        f" return '{now.isoformat()}'::timestamptz"
    )
    owner.execute(values.FUNCTIONS)
    if transcripts:
        owner.execute(sessions.FUNCTIONS)
        owner.execute(conversations.functions(sizes["messages"]))


def add_fragments(url):
    began = time.monotonic()
    with quick(url) as owner, owner.cursor() as cursor:
        with cursor.copy("copy bench.fragment from stdin") as copy:
            for row in conversations.fragments():
                copy.write_row(row)
        owner.execute("analyze bench.fragment")
        tell("parts of sentences", began, cursor.rowcount)


def migrate():
    from django.core.management import call_command

    began = time.monotonic()
    call_command("migrate", verbosity=0)
    tell("migrate", began)


def tidy_up(owner, finished):
    """Removes the helpers, and vacuums and analyzes the tables that finish() has not."""
    began = time.monotonic()
    owner.execute("drop schema bench cascade")
    others = owner.execute(
        """
        select string_agg(oid::regclass::text, ', ') from pg_class
        where relkind = 'r' and not relisshared and relnamespace::regnamespace::text !~ '^(pg_toast|information_schema)'
          and oid <> all (%s::regclass[])
        """,
        [list(finished)],
    ).fetchone()[0]
    owner.execute(f"vacuum (analyze) {others}")
    tell("vacuum, analyze", began)


if __name__ == "__main__":
    sys.exit(main())
