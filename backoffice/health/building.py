"""Builds the indexes that pages need and the database lacks, while the platform goes on writing.

Each with CREATE INDEX CONCURRENTLY, one at a time, over the owner's connection; what an earlier run left invalid is
dropped first. What is to be done is read from the catalog, so a run that was stopped goes on where it was.
"""

import threading
import time
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from backoffice.health.catalog import Catalog
from backoffice.health.indexes import missing_indexes
from backoffice.health.wanted import wanted

LOCK = 7_310_226_103  # of the session that builds
REPORT_SECONDS = 1.0

PROGRESS = """
select phase, blocks_done, blocks_total, tuples_done, tuples_total, lockers_done, lockers_total
from pg_stat_progress_create_index where pid = %s
"""
SIZE = """
select greatest(reltuples, 0)::bigint, pg_relation_size(oid) from pg_class where oid = to_regclass(%s)
"""
# Whose transactions are open, the oldest first: for whoever reads that a build gave up.
IN_THE_WAY = """
select pid, usename::text, date_trunc('second', now() - xact_start)::text
from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
  and xact_start is not null
order by xact_start limit 3
"""


class AlreadyBuilding(Exception):
    """Another run builds indexes in this database."""


@dataclass
class Plan:
    """What is to be done: (table, name) of invalid indexes to drop, and the Missing ones to build."""

    drops: list = field(default_factory=list)
    builds: list = field(default_factory=list)

    def __bool__(self):
        return bool(self.drops or self.builds)


def connect(url, lock_timeout_seconds):
    """The owner's connection for building, in autocommit. Waits for no lock longer than that.

    CREATE INDEX CONCURRENTLY blocks no writer; what it waits for itself are the ends of older transactions.
    """
    connection = psycopg.connect(url, autocommit=True, connect_timeout=10, prepare_threshold=None)
    connection.execute("set search_path = backoffice, public")  # as the record of db/*.sql was read
    connection.execute("set statement_timeout = 0")
    connection.execute("set idle_session_timeout = 0")
    connection.execute(
        "select set_config('lock_timeout', %s, false)", [f"{int(lock_timeout_seconds * 1000)}ms"]
    )
    return connection


def take_turn(connection):
    """Raises AlreadyBuilding if another run is at it. The lock ends with the connection."""
    if not connection.execute("select pg_try_advisory_lock(%s)", [LOCK]).fetchone()[0]:
        raise AlreadyBuilding(
            "Another run builds indexes in this database just now. Let it finish; nothing was done."
        )


def plan(connection):
    """The Plan, from the catalog as it is now. Only invalid indexes that are ours are dropped."""
    with connection.cursor() as cursor:
        catalog = Catalog(cursor)
        missing = missing_indexes(catalog)
        ours = {(table, definition) for table, _, definition, _ in wanted()["indexes"]}
        drops = [
            (table, name)
            for table, name, definition, _, _, is_valid, _, is_constraint in catalog.indexes
            if not is_valid and not is_constraint and (table, definition) in ours
        ]
    return Plan(drops, missing)


def size_of(connection, table):
    """(rows as estimated, bytes) of a table."""
    return connection.execute(SIZE, [table]).fetchone() or (0, 0)


def drop(connection, table, name):
    schema = table.partition(".")[0]
    connection.execute(sql.SQL("drop index concurrently if exists {}").format(sql.Identifier(schema, name)))


def build(connection, url, missing, report):
    """Build one index. `report(text)` is called with how far it is, about once a second.

    Raises psycopg.Error; what was begun is then dropped, as far as that can be done.
    """
    schema, _, table = missing.table.partition(".")
    name = free_name(connection, schema, missing.name)
    statement = sql.SQL("create {unique}index concurrently {name} on {table} using {definition}").format(
        unique=sql.SQL("unique " if missing.is_unique else ""),
        name=sql.Identifier(name),
        table=sql.Identifier(schema, table),
        definition=sql.SQL(missing.definition),  # of wanted.json, which is ours
    )
    try:
        with watching(url, connection.info.backend_pid, report):
            connection.execute(statement)
    except psycopg.Error:
        try:
            drop(connection, missing.table, name)
        except psycopg.Error:
            report(f"{name} stays behind, invalid: the next run drops it")
        raise


def analyze(connection, table):
    """The planner knows nothing of an index on an expression before that."""
    schema, _, name = table.partition(".")
    connection.execute(sql.SQL("analyze {}").format(sql.Identifier(schema, name)))


def free_name(connection, schema, name):
    """The name, or one with a number behind it where another index has it already."""
    taken = {
        found
        for (found,) in connection.execute(
            "select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = %s",
            [schema],
        )
    }
    return next(
        each for each in (name, *(f"{name[:58]}_{number}" for number in range(2, 100))) if each not in taken
    )


class watching:
    """Reports the progress of another connection's build, over a connection of its own, until the block ends."""

    def __init__(self, url, pid, report):
        self.url = url
        self.pid = pid
        self.report = report
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *exc_info):
        self.done.set()
        self.thread.join(10)

    def watch(self):
        try:
            with psycopg.connect(self.url, autocommit=True, connect_timeout=10) as connection:
                last = ""
                while not self.done.wait(REPORT_SECONDS):
                    row = connection.execute(PROGRESS, [self.pid]).fetchone()
                    if row and (text := progress_text(*row)) != last:
                        self.report(text)
                        last = text
        except psycopg.Error:
            self.report("(its progress cannot be read)")


def progress_text(phase, blocks_done, blocks_total, tuples_done, tuples_total, lockers_done, lockers_total):
    """For instance “building index: scanning table, 1,204 of 9,001 blocks (13 %)”."""
    for done, whole, unit in (
        (blocks_done, blocks_total, "blocks"),
        (tuples_done, tuples_total, "rows"),
        (lockers_done, lockers_total, "older transactions"),
    ):
        if whole:
            return f"{phase}, {done:,} of {whole:,} {unit} ({100 * done // whole} %)"
    return phase


def in_the_way(connection):
    """Who has an open transaction, in words; "" if nobody."""
    rows = connection.execute(IN_THE_WAY).fetchall()
    return "; ".join(f"process {pid} of {user}, for {age}" for pid, user, age in rows)


def seconds_since(began):
    return f"{time.monotonic() - began:.1f} s"
